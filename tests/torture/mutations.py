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
from functools import cache
from pathlib import Path

import yaml
from promises import TESTS, nodes

REPOSITORY = TESTS.parent
SOURCE = REPOSITORY / "src" / "bakeoff"
LIMIT, HUNG = 900, -1  # seconds for one run of tests, and the exit status of one that took longer


@dataclass(frozen=True)
class Mutation:
    """A deliberate fault.

    Attributes:
        promise: what it breaks.
        old: what stands in the program once; in whichever file, so that code may be moved.
        new: what stands there instead.
        test: the name of the one that should fail.
    """

    promise: str
    old: str
    new: str
    test: str

    def file(self) -> Path | None:
        """Return the file of the program that it changes; None where its text is not there, or more than once."""
        files = [path for path, text in program().items() for _ in range(text.count(self.old))]
        return files[0] if len(files) == 1 else None


@cache
def program() -> dict[Path, str]:
    """Return the text of every file of the program."""
    return {path: path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py")}


MUTATIONS = [Mutation(**one) for one in yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))]


def main(word: str = "") -> int:
    """Try the mutations; return how many were not noticed."""
    chosen = [mutation for mutation in MUTATIONS if word in mutation.promise]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        keep = shutil.ignore_patterns(".git", ".venv", "runs", "build", "dist", ".*_cache", "__pycache__")
        shutil.copytree(REPOSITORY, copy, ignore=keep)
        if (sound := _run(copy, {mutation.test for mutation in chosen})).returncode:
            sys.exit(f"{sound.stdout[-3000:]}\nthe tests fail without any fault; mend that first")
        found = []
        for mutation in chosen:
            found.append(_outcome(mutation, copy))
            print(f"{found[-1]:<12} {mutation.promise}", flush=True)
    if not word:
        _write(found)
    return sum(outcome != "caught" for outcome in found)


def _outcome(mutation: Mutation, copy: Path) -> str:
    file = mutation.file()
    if file is None:
        return "out of date"
    good, path = program()[file], copy / file.relative_to(REPOSITORY)
    path.write_text(good.replace(mutation.old, mutation.new), encoding="utf-8")
    status = _run(copy, {mutation.test}).returncode
    path.write_text(good, encoding="utf-8")
    # 1: tests were run and some failed; anything else is a broken mutation.
    return {0: "NOT NOTICED", 1: "caught", HUNG: "hung"}.get(status, "broken")


def _run(copy: Path, tests: set[str]) -> subprocess.CompletedProcess[str]:
    """Run the short versions of tests in the copy; return what pytest printed, and its exit status."""
    options = ["-p", "no:xdist", "-p", "no:cacheprovider", "-x", "-q", "-o", "addopts=-m 'not slow and not torture'"]
    command = [sys.executable, "-m", "pytest", *options, *nodes(tests)]
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "OMP_NUM_THREADS": "1"}
    try:
        return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:  # what hangs is noticed, but by nobody's design
        return subprocess.CompletedProcess(command, HUNG, "", "")


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
        file, (test,) = mutation.file(), nodes({mutation.test})
        where = f"`{file.relative_to(SOURCE)}`" if file else ""
        lines.append(f"| {mutation.promise} | {where} | `{test.removeprefix('tests/')}` | {outcome} |")
    (REPOSITORY / "docs" / "mutations.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
