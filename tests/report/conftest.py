"""Studies that nobody trained: records and logits made up in a moment, in memory or in a folder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bakeoff.data.imageset import ImageSet, fingerprint
from bakeoff.data.load import load
from bakeoff.data.locations import Locations
from bakeoff.data.splits import split
from bakeoff.evaluation.metrics.accuracy import accuracy
from bakeoff.evaluation.metrics.cross_entropy import cross_entropy
from bakeoff.records.run import Cost, EpochRow, ParameterCount, RunRecord, RunState
from bakeoff.report.dataset import labels_by_part
from bakeoff.report.subject import Subject
from bakeoff.specs.data import DataSpec
from bakeoff.specs.protocol import Protocol
from bakeoff.specs.run import RunSpec
from bakeoff.specs.study import StudySpec
from bakeoff.store.database import Event, Store
from bakeoff.store.folder import Predictions, StudyFolder

Build = Callable[..., Subject]


def make_images(names: Sequence[str], per_class: int = 20, shape: tuple[int, int, int] = (8, 8, 1)) -> ImageSet:
    """Return noise with a bright row that tells the class; a fifth of each class is for testing."""
    labels = np.tile(np.arange(len(names)), per_class)
    images = np.random.default_rng(0).integers(0, 120, (len(labels), *shape), np.uint8)
    images[np.arange(len(labels)), labels % shape[0]] = 250
    cut = len(labels) - len(names) * max(1, per_class // 5)
    parts = {"train": np.arange(cut), "test": np.arange(cut, len(labels))}
    known = fingerprint(images, labels, tuple(names), parts)
    return ImageSet(images, labels, tuple(names), parts, {"source": "made up", "skipped": []}, known)


def make_subject(
    images: ImageSet,
    models: Sequence[str] = ("alpha", "beta", "gamma"),
    seeds: int = 3,
    *,
    name: str = "made-up",
    epochs: int = 4,
    validation: bool = True,
    states: Mapping[tuple[str, int], RunState] | None = None,
    **changes: Any,
) -> Subject:
    """Return a study of which each model is a little worse than the one before, and its images.

    Args:
        images: the data set.
        models: their names.
        seeds: how many of each.
        name: of the data set.
        epochs: of every run.
        validation: whether images were held out.
        states: of the runs that are not finished, by model and seed.
        changes: fields of the finished records to replace.
    """
    protocol = Protocol(val_fraction=0.2 if validation else 0)
    data = DataSpec(name=name)
    labels = labels_by_part(images, data, protocol)
    study = StudySpec.parse({"data": {"name": name}, "models": list(models), "seeds": seeds, "protocol": protocol})
    records, answers = [], {}
    for seed in range(seeds):
        for place, model in enumerate(models):
            recipe = {"epochs": epochs, "select": "best" if validation else "last"}
            content = {"data": data, "model": {"name": model, "image_size": 8}, "recipe": recipe, "seed": seed}
            spec = RunSpec.parse({**content, "protocol": protocol})
            random = np.random.default_rng((seed, place))
            said = {part: _predictions(of, images.num_classes, 4 - 0.6 * place, random) for part, of in labels.items()}
            record = replace(_finished(spec, said, epochs, place), **changes)
            state = (states or {}).get((model, seed), RunState.FINISHED)
            records.append(record if state is RunState.FINISHED else _unfinished(record, state))
            answers[spec.run_id] = said
    return Subject(
        about=_about(
            study, images, {part: len(of) for part, of in labels.items()}, split(images, data, protocol).digest
        ),
        records=tuple(records),
        events=tuple(
            Event(record.run_id, "2026-01-02T03:04:06.000+00:00", "test opened", "c0ffee" * 10)
            for record in records
            if record.state is RunState.FINISHED
        ),
        predictions=lambda record, part: answers[record.run_id][part],
        images=images,
    )


def _predictions(labels: np.ndarray, classes: int, skill: float, random: np.random.Generator) -> Predictions:
    logits = random.normal(size=(len(labels), classes)).astype(np.float32)
    logits[np.arange(len(labels)), labels] += skill
    return Predictions(np.arange(len(labels)), labels, logits)


def _finished(spec: RunSpec, said: Mapping[str, Predictions], epochs: int, place: int) -> RunRecord:
    metrics = {
        part: {
            "accuracy": accuracy(of.logits, of.labels),
            "loss": cross_entropy(of.logits, of.labels),
            "macro_f1": 0.5,
            "top5_accuracy": 1.0,
            "roc_auc": 0.75,
        }
        for part, of in said.items()
        if len(of.labels)
    }
    has_val = "val" in metrics
    rows = tuple(
        EpochRow(
            epoch=epoch,
            lr=0.001,
            train_loss=2 / epoch + place / 10 + spec.seed / 100,
            train_accuracy=1 - 0.5 / epoch,
            val_loss=2.2 / epoch if has_val else None,
            val_accuracy=0.9 - 0.5 / epoch - spec.seed / 50 if has_val else None,
            seconds=1.0,
            images_per_second=1000.0,
        )
        for epoch in range(1, epochs + 1)
    )
    return RunRecord(
        spec=spec,
        state=RunState.FINISHED,
        epochs=rows,
        best_epoch=epochs,
        metrics=metrics,
        parameters=ParameterCount(1000 * (place + 1), 900 * (place + 1), 100 * (place + 1)),
        cost=Cost(10.0 / (place + 1), 12.0, 5000.0 * (place + 1), 300_000_000, 4000 * (place + 1)),
        environment={"python": "3.12", "device": "cpu"},
        attempts=1,
        started="2026-01-02T03:04:05.000+00:00",
        finished="2026-01-02T03:24:05.000+00:00",
    )


def _unfinished(record: RunRecord, state: RunState) -> RunRecord:
    done = record.epochs[:2] if state is not RunState.PENDING else ()
    error = {RunState.FAILED: "out of memory", RunState.DIVERGED: "the loss is nan"}.get(state, "")
    return RunRecord(record.spec, state, epochs=done, error=error)


def _about(study: StudySpec, images: ImageSet, parts: Mapping[str, int], split_digest: str) -> dict[str, Any]:
    return {
        "study_id": "0123456789abcdef",
        "identity": {},
        "study": study.content(),
        "data": {
            "class_names": list(images.class_names),
            "shape": list(images.images.shape),
            "fingerprint": images.fingerprint,
            "provenance": dict(images.provenance),
            "parts": dict(parts),
            "split": split_digest,
        },
        "data_dir": None,
        "database": None,
        "command": "bakeoff compare made-up --models 'alpha,beta,gamma'",
    }


def save(subject: Subject, path: Path) -> Path:
    """Write a study as a comparison leaves it, and return its folder."""
    folder = StudyFolder(path)
    folder.claim(subject.about)
    store = Store(folder.database_url, subject.about["study_id"], subject.about["study"])
    store.add(record.spec for record in subject.records)
    for record in subject.records:
        if record.state is RunState.PENDING:
            continue
        claim = store.claim([record.run_id], "worker")
        assert claim
        if record.state is RunState.FINISHED:
            run = folder.run(record.spec, record.run_id)
            run.write_spec(record.spec)
            run.write_predictions({part: subject.predictions(record, part) for part in record.metrics})
            store.log(claim, "test opened", "c0ffee" * 10)
        store.finish(claim, record)
    store.close()
    return path


@pytest.fixture(scope="session")
def build() -> Build:
    """Make a study in memory, by default of three models, three seeds and ten classes; see `make_subject`."""

    def make(
        names: Sequence[str] = tuple("0123456789"),
        *,
        per_class: int = 20,
        shape: tuple[int, int, int] = (8, 8, 1),
        **options: Any,
    ) -> Subject:
        return make_subject(make_images(names, per_class, shape), **options)

    return make


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a study whose images are in an .npz file beside it."""
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    made = make_images([f"class {k}" for k in range(5)])
    train, test = made.parts["train"], made.parts["test"]
    file = tmp_path / "images.npz"
    np.savez(
        file,
        x_train=made.images[train],
        y_train=made.labels[train],
        x_test=made.images[test],
        y_test=made.labels[test],
        class_names=np.array(made.class_names),
    )
    images = load(DataSpec(name=str(file)), Locations(offline=True))
    return save(make_subject(images, name=str(file)), tmp_path / "out")
