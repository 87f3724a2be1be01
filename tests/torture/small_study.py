"""A study that nobody trained, as a comparison leaves it: two models, two seeds, and their images."""

from pathlib import Path

import numpy as np

from bakeoff.data.load import load
from bakeoff.data.locations import Locations
from bakeoff.data.splits import members, split
from bakeoff.records.run import Cost, Deviation, EpochRow, ParameterCount, RunRecord, RunState
from bakeoff.specs.data import DataSpec
from bakeoff.specs.protocol import Protocol
from bakeoff.specs.run import RunSpec
from bakeoff.specs.study import StudySpec
from bakeoff.store.database import Store
from bakeoff.store.folder import Maps, Predictions, StudyFolder


def write(folder: Path) -> Path:
    """Write the study and `images.npz` into a folder; return the study's own folder in it."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.savez(folder / "images.npz", x_train=pixels[:40], y_train=np.arange(40) % 2, x_test=pixels[40:],
             y_test=np.arange(20) % 2, class_names=np.array(["a", "b"]))  # fmt: skip
    data, protocol = DataSpec(name=str(folder / "images.npz")), Protocol()
    images = load(data, Locations(offline=True))
    parts = members(images, data, protocol)
    study = StudySpec.parse({"data": data, "models": ["simcnn", "lenet5"], "seeds": 2, "protocol": protocol})
    about = {
        "study_id": "0123456789abcdef",
        "identity": {"seeds": [0, 1]},
        "study": study.content(),
        "data": {
            "class_names": images.class_names,
            "shape": images.images.shape,
            "fingerprint": images.fingerprint,
            "provenance": images.provenance,
            "parts": {part: len(of) for part, of in parts.items()},
            "split": split(images, data, protocol).digest,
        },
        "data_dir": None,
        "database": None,
        "command": "bakeoff compare images.npz --models simcnn,lenet5",
    }
    out = StudyFolder(folder / "study")
    out.claim(about)
    store = Store(out.database_url, "0123456789abcdef", study.content())
    for seed in range(2):
        for model in ("simcnn", "lenet5"):
            given = {"data": data, "model": {"name": model}, "recipe": {}, "protocol": protocol, "seed": seed}
            spec = RunSpec.parse(given)
            store.add([spec])
            claim = store.claim([spec.run_id], "elsewhere:1:deadbeef:1")
            assert claim
            run = out.run(spec, spec.run_id)
            run.write_spec(spec)
            said = {part: _said(images.labels[of], of, seed) for part, of in parts.items()}
            run.write_predictions(said)
            some = parts["test"][:2]
            run.write_maps(Maps(some, images.labels[some], images.labels[some], np.ones((2, 4, 4), np.float32)))
            store.finish(claim, _record(spec, said))
    store.close()
    return out.path


def _said(labels: np.ndarray, indices: np.ndarray, seed: int) -> Predictions:
    logits = np.random.default_rng(seed).normal(size=(len(labels), 2)).astype(np.float32)
    logits[np.arange(len(labels)), labels] += 1
    return Predictions(indices, labels, logits)


def _record(spec: RunSpec, said: dict[str, Predictions]) -> RunRecord:
    figures = {
        part: {
            "accuracy": float((of.logits.argmax(1) == of.labels).mean()),
            "loss": 0.5,
            "macro_f1": 0.5,
            "roc_auc": 0.5,
        }
        for part, of in said.items()
    }
    return RunRecord(
        spec,
        RunState.FINISHED,
        tuple(EpochRow(epoch, 0.1, 1 / epoch, 0.5, 1 / epoch, 0.5, 1.0, 100.0) for epoch in (1, 2)),
        2,
        figures,
        ParameterCount(30, 20, 10),
        Cost(1.0, 2.0, 3.0, 4, 5),
        (Deviation("a", "b", "c", "d"),),
        {"device": "cpu"},
        started="2026-01-02T03:04:05.000+00:00",
        finished="2026-01-02T03:24:05.000+00:00",
    )
