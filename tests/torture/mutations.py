"""Breaks the program on purpose, one small change at a time, and sees whether the test that should notice does.

    python tests/torture/mutations.py [WORD]

Works in a copy of the repository. Writes docs/mutations.md, where WORD does not pick some of the changes by promise.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
SOURCE = "src/bakeoff"


@dataclass(frozen=True)
class Mutation:
    """A deliberate fault.

    Attributes:
        promise: what it breaks.
        file: below the source.
        old: what stands there once.
        new: what stands there instead.
        test: that should fail.
    """

    promise: str
    file: str
    old: str
    new: str
    test: str


FIT, CHECKPOINTS = "tests/training/test_fit.py", "tests/training/test_checkpoints.py"
MEMORY, STOPS = "tests/training/test_short_memory.py", "tests/study/test_stops.py"
PARTS = "tests/training/test_parts.py::test_selection_patience_and_plateau_go_on_from_any_epoch"
GOES_ON = f"{CHECKPOINTS}::test_stopped_at_any_step_it_goes_on_to_bitwise_the_same_end"

MUTATIONS = (
    Mutation(
        "a damaged checkpoint is detected by its checksum",
        "training/checkpoint.py",
        'if about.pop("sha256") != _checksum(content, about):',
        'if about.pop("sha256") == "":',
        f"{CHECKPOINTS}::test_a_damaged_checkpoint_is_passed_over_for_the_one_before_and_says_so",
    ),
    Mutation(
        "the description of a checkpoint is checked too",
        "training/checkpoint.py",
        "    digest.update(json.dumps(about).encode())\n",
        "",
        f"{CHECKPOINTS}::test_a_damaged_checkpoint_is_passed_over_for_the_one_before_and_says_so",
    ),
    Mutation(
        "a damaged checkpoint is told",
        "training/fit.py",
        "        report(Notice(note))\n",
        "        pass\n",
        f"{STOPS}::test_a_damaged_checkpoint_is_told_to_the_user_and_kept_among_the_events",
    ),
    Mutation(
        "rotation keeps the last whole checkpoint",
        "training/checkpoint.py",
        'self._remove_but({f"{kept:012d}" for kept in self._whole})',
        'self._remove_but({path.stem for path in sorted(self.folder.glob("*.json"))[-KEEP:]})',
        f"{CHECKPOINTS}::test_rotation_keeps_the_whole_checkpoints_whatever_their_numbers",
    ),
    Mutation(
        "a missing piece is an error",
        "training/fit.py",
        "if misfits := state.misfits(*saved):",
        "if misfits := []:",
        f"{CHECKPOINTS}::test_a_checkpoint_that_lacks_a_tensor_is_an_error",
    ),
    Mutation(
        "the moving average survives",
        "training/state.py",
        'self.average.model.load_state_dict(under("average."))',
        "pass",
        GOES_ON,
    ),
    Mutation(
        "the best metric survives",
        "training/selection.py",
        'self._best, self._best_for_stopping = state["best"], state["best_for_stopping"]',
        'self._best_for_stopping = state["best_for_stopping"]',
        PARTS,
    ),
    Mutation(
        "the state of the plateau survives",
        "training/schedules.py",
        'self._factor, self._best, self._waited = state["factor"], state["best"], state["waited"]',
        'self._best, self._waited = state["best"], state["waited"]',
        PARTS,
    ),
    Mutation(
        "generators survive",
        "training/state.py",
        'torch.set_rng_state(tensors["generator.cpu"])',
        "pass",
        GOES_ON,
    ),
    Mutation(
        "another run's checkpoint is refused",
        "training/checkpoint.py",
        'if about["run_id"] != self._run_id:',
        "if False:",
        f"{CHECKPOINTS}::test_a_checkpoint_of_another_run_is_refused",
    ),
    Mutation(
        "a full disk leaves the checkpoint before it",
        "durable.py",
        "        beside.unlink(missing_ok=True)\n        raise",
        "        raise",
        f"{CHECKPOINTS}::test_a_full_disk_in_a_save_leaves_the_checkpoint_before_it",
    ),
    Mutation(
        "weights that are not finite end a run",
        "training/fit.py",
        "if not math.isfinite(value)]:",
        "if value < 0]:",
        f"{FIT}::test_weights_that_are_not_finite_after_the_last_step_end_training_too",
    ),
    Mutation(
        "the effective batch size is unchanged where memory is short",
        "training/step.py",
        "len(piece) / len(batch)) for piece in pieces",
        "1.0) for piece in pieces",
        f"{MEMORY}::test_out_of_memory_splits_the_batch_and_changes_nothing_else",
    ),
    Mutation(
        "the size of pieces survives a checkpoint",
        "training/state.py",
        'self.take_step.piece_size = scalars["piece_size"]',
        "pass",
        f"{MEMORY}::test_the_size_of_pieces_survives_a_checkpoint",
    ),
    Mutation(
        "cached features are checked",
        "training/features.py",
        'if known["sha256"] == _checksum(path, _stamp(path)):',
        'if known["sha256"]:',
        "tests/training/test_features.py::test_a_damaged_file_is_computed_anew",
    ),
    Mutation(
        "cached images are checked",
        "data/cache.py",
        "if not is_intact(entry):",
        "if False:",
        "tests/data/test_image_cache.py::test_a_damaged_entry_is_made_anew",
    ),
    Mutation(
        "downloads with a wrong checksum are not used",
        "models/downloads.py",
        'return "" if found.startswith(expected) else',
        'return "" if found else',
        "tests/models/test_downloads.py::test_what_has_not_the_checksum_is_not_kept",
    ),
    Mutation(
        "pickles are not loaded",
        "models/state_dicts.py",
        "weights_only=True",
        "weights_only=False",
        "tests/models/test_bad_weights.py::test_a_pickle_that_would_run_code_is_refused",
    ),
    Mutation(
        "arrays of Python objects are not loaded",
        "data/sources/npz.py",
        "with np.load(path, allow_pickle=False) as file:\n            array",
        "with np.load(path, allow_pickle=True) as file:\n            array",
        "tests/torture/test_canaries.py",
    ),
    Mutation(
        "formulas are inert in CSV",
        "export/tables.py",
        "cell.startswith(starts)",
        "not cell",
        "tests/export/test_tables.py",
    ),
    Mutation(
        "pixel bombs are refused",
        "data/decode.py",
        "if image.width * image.height > MAX_PIXELS:",
        "if image.width < 0:",
        "tests/data/test_decode.py::test_what_is_no_image_has_a_short_reason",
    ),
)


def main(word: str = "") -> int:
    """Try the mutations; return how many were not noticed."""
    chosen = [mutation for mutation in MUTATIONS if word in mutation.promise]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        keep = shutil.ignore_patterns(".git", ".venv", "runs", "build", "dist", ".*_cache", "__pycache__")
        shutil.copytree(REPOSITORY, copy, ignore=keep)
        found = []
        if _run(copy, sorted({mutation.test for mutation in chosen})):
            sys.exit("the tests fail without any fault; mend that first")
        for mutation in chosen:
            found.append(_outcome(mutation, copy))
            print(f"{found[-1]:<12} {mutation.promise}", flush=True)
    if not word:
        _write(found)
    return sum(outcome != "caught" for outcome in found)


def _outcome(mutation: Mutation, copy: Path) -> str:
    path = copy / SOURCE / mutation.file
    good = path.read_text(encoding="utf-8")
    if good.count(mutation.old) != 1:
        return "out of date"
    path.write_text(good.replace(mutation.old, mutation.new), encoding="utf-8")
    status = _run(copy, [mutation.test])
    path.write_text(good, encoding="utf-8")
    # 1: tests were run and some failed; anything else is a broken mutation.
    return {0: "NOT NOTICED", 1: "caught"}.get(status, "broken")


def _run(copy: Path, tests: list[str]) -> int:
    """Run tests in the copy; return pytest's exit status."""
    options = ["-p", "no:xdist", "-p", "no:cacheprovider", "-x", "-q", "-o", "addopts=-m 'not slow and not torture'"]
    command = [sys.executable, "-m", "pytest", *options, *tests]
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True).returncode


def _write(found: list[str]) -> None:
    lines = [
        "# Deliberate faults",
        "",
        "`make mutations` breaks one line of the program at a time, in a copy, and runs the test that should notice.",
        f"Written by it on {datetime.now(UTC).date().isoformat()}.",
        "",
        "| what is broken | where | the test | outcome |",
        "| --- | --- | --- | --- |",
    ]
    for mutation, outcome in zip(MUTATIONS, found, strict=True):
        test = mutation.test.removeprefix("tests/")
        lines.append(f"| {mutation.promise} | `{mutation.file}` | `{test}` | {outcome} |")
    (REPOSITORY / "docs" / "mutations.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
