"""Cross-validation from the plan to the report: identities, pairing, what counts, and a whole study."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import bakeoff
from bakeoff.cli.main import main
from bakeoff.errors import SpecError
from bakeoff.records.run import RunRecord, RunState
from bakeoff.report.html import render
from bakeoff.specs.run import RunSpec
from bakeoff.specs.study import StudySpec
from bakeoff.store.folder import Predictions
from bakeoff.study.declare import declare
from bakeoff.study.expand import expand
from bakeoff.study.judgement import judge_answers, read_answers
from bakeoff.study.label_errors import find_doubts
from bakeoff.study.variants import variants

FOLDS, IMAGES = 5, 600
HARD = np.random.default_rng(0).random(IMAGES)


def run(model: str, seed: int, fold: int) -> RunRecord:
    content = {"data": {"name": "planted"}, "model": {"name": model}, "recipe": {"name": "default"}}
    spec = RunSpec.parse({**content, "protocol": {"folds": FOLDS}, "seed": seed, "fold": fold})
    return RunRecord(spec, RunState.FINISHED, metrics={"test": {"accuracy": 0.5}})


def planted(shares: Mapping[str, float], seeds: int = 2):
    """Return groups of runs with these accuracies, and the reader of their predictions."""
    groups = {name: [run(name, seed, fold) for seed in range(seeds) for fold in range(1, FOLDS + 1)] for name in shares}

    def read(record: RunRecord, part: str) -> Predictions:
        spec = record.spec
        dealt = np.random.default_rng(spec.seed).permutation(np.arange(IMAGES) % FOLDS) + 1
        indices = np.flatnonzero(dealt == spec.fold)
        luck = np.random.default_rng([list(shares).index(spec.model.name), spec.seed, spec.fold]).random(len(indices))
        labels = indices % 3
        right = 0.6 * HARD[indices] + 0.4 * luck < shares[spec.model.name]
        logits = np.eye(3, dtype=np.float32)[np.where(right, labels, (labels + 1) % 3)]
        return Predictions(indices, labels, logits)

    return groups, read


def test_the_fold_is_part_of_the_identity_and_runs_without_folds_keep_theirs() -> None:
    identities = {run("simcnn", seed, fold).run_id for seed in (0, 1) for fold in (1, 2)}
    assert len(identities) == 4
    plain = run("simcnn", 0, 1).spec.content()
    plain["protocol"]["folds"], plain["fold"] = None, None
    older = {key: value for key, value in plain.items() if key != "fold"}
    del older["protocol"]["folds"]
    assert RunSpec.parse(plain).run_id == RunSpec.parse(older).run_id
    for fold in (None, FOLDS + 1):
        with pytest.raises(SpecError, match="protocol's folds"):
            RunSpec.parse({**run("simcnn", 0, 1).spec.content(), "fold": fold})


def test_a_study_is_every_model_in_every_fold_of_every_seed() -> None:
    study = declare("digits", "simcnn,lenet5", folds=3, seeds=2)
    runs = expand(study)
    assert len({one.run_id for one in runs}) == len(runs) == 12
    assert [(one.seed, one.fold, one.model.name) for one in runs[:3]] == [
        (0, 1, "simcnn"),
        (0, 1, "lenet5"),
        (0, 2, "simcnn"),
    ]
    assert [len(one.records) for one in variants([RunRecord(one, RunState.PENDING) for one in runs])] == [6, 6]
    for field in ("protocol.folds", "fold"):
        with pytest.raises(SpecError, match="is no setting of a single run"):
            expand(StudySpec.parse({"data": "digits", "models": "simcnn", "grid": {field: [2, 3]}}))
    for folds in (1, 2.5, "many"):
        with pytest.raises(SpecError, match=r"protocol\.folds"):
            declare("digits", "simcnn", folds=folds)


def test_copies_are_tied_and_a_better_model_is_found() -> None:
    verdict = judge_answers(read_answers(*planted({"lenet5": 0.5, "simcnn": 0.5, "resnet20": 0.65}))).verdict
    assert verdict.best == ("resnet20",)
    assert verdict.letters["lenet5"] == verdict.letters["simcnn"]
    assert (verdict.folds, verdict.images, verdict.estimates[0].seeds) == (FOLDS, IMAGES, 2 * FOLDS)


def test_a_seed_counts_when_all_of_its_folds_are_finished() -> None:
    groups, read = planted({"lenet5": 0.5, "simcnn": 0.5})
    groups["simcnn"][-1] = replace(groups["simcnn"][-1], state=RunState.DIVERGED)
    judgement = judge_answers(read_answers(groups, read))
    assert judgement.missing == ("simcnn, seed 1: 4 of 5 folds are finished, and a seed counts when all are",)
    assert judgement.verdict.comparisons[0].df == FOLDS - 1


def test_other_folds_of_the_same_images_are_not_paired() -> None:
    groups, read = planted({"lenet5": 0.5, "simcnn": 0.5}, seeds=1)

    def otherwise(record: RunRecord, part: str) -> Predictions:
        if record.spec.model.name == "lenet5":
            return read(record, part)
        fold = record.spec.fold % FOLDS + 1  # the next one's images
        return read(replace(record, spec=record.spec.model_copy(update={"fold": fold})), part)

    assert "in other folds" in judge_answers(read_answers(groups, otherwise)).reason


def test_doubtful_labels_are_looked_for_among_all_images() -> None:
    groups, read = planted({"lenet5": 0.5, "simcnn": 0.5})
    doubts = find_doubts([record for records in groups.values() for record in records], read)
    assert np.array_equal(doubts.indices, np.arange(IMAGES))
    assert doubts.runs == 4
    assert set(doubts.parts) == {"test"}


def test_the_command_on_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    out = tmp_path / "out"
    words = "compare digits --models lenet5,leaky-cnn --folds 3 --seeds 1 --epochs 1 --batch-size 128 --max-train 256"
    command = ["bakeoff", *words.split(), "--amp", "off", "--device", "cpu", "--offline", "--out", str(out)]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as done:
        main()
    assert not done.value.code
    ended = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted(line["fold"] for line in ended if line["event"] == "run") == [1, 1, 2, 2, 3, 3]
    result = bakeoff.load(out)
    table, judgement = result.leaderboard(), result.judgement()
    assert table["runs"].tolist() == [3, 3]
    assert table["test_accuracy_mean"].tolist() == pytest.approx([one.mean for one in judgement.verdict.estimates])
    tested = np.concatenate([result.predictions(one).indices for one in result.runs])
    assert (np.bincount(tested, minlength=1797) == 2).all()
    assert judgement.verdict.comparisons[0].method == "corrected resampled t-test over folds"
    page = render(result.subject().with_images())
    assert "every image is tested in one of 3 folds, dealt anew for each seed" in page
    assert "1,797 test images" in page
    assert "crossed random effects" not in page
    with pytest.raises(SystemExit):  # of the same command again, which trains nothing
        main()
    assert '"event": "run"' not in capsys.readouterr().out
