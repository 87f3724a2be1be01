"""The folders of a study and of its runs.

OUT/study.json                  what the study is
OUT/bakeoff.db                  what happened
OUT/report.html
OUT/runs/NAME/spec.json         the resolved spec of a run
OUT/runs/NAME/weights.safetensors
OUT/runs/NAME/logits.safetensors
OUT/runs/NAME/gradcam.safetensors
OUT/runs/NAME/events.out.…      for TensorBoard
OUT/runs/NAME/checkpoints/      while it trains
"""

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from bakeoff import durable
from bakeoff.errors import StoreError
from bakeoff.specs.run import RunSpec
from bakeoff.store import study_file
from bakeoff.store.arrays import Extent, read_arrays
from bakeoff.store.differences import differences

STUDY_FILE = "study.json"


def run_name(spec: RunSpec, run_id: str) -> str:
    """Return what the folder of a run is called: its model, in characters that every file system takes, and which."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", spec.model.title)[:60]
    fold = "" if spec.fold is None else f"-fold{spec.fold}"
    return f"{name}-seed{spec.seed}{fold}-{run_id[:8]}"


class StudyFolder:
    """The output folder of a study."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def database_url(self) -> str:
        """The URL of the study's own database."""
        return f"sqlite:///{self.path / 'bakeoff.db'}"

    def run(self, spec: RunSpec, run_id: str) -> "RunFolder":
        """Return the folder of a run, which need not be there yet."""
        return RunFolder(self.path / "runs" / run_name(spec, run_id))

    def read(self) -> dict[str, Any]:
        """Return what the study is, from its folder; raise `StoreError` where there is none."""
        try:
            with (self.path / STUDY_FILE).open("rb") as file:
                content = file.read(study_file.LARGEST + 1)
        except FileNotFoundError:
            raise StoreError(f"there is no study in {self.path}; give the --out folder of a comparison") from None
        except OSError as error:
            raise StoreError(f"{self.path / STUDY_FILE} cannot be read: {error}") from None
        return study_file.parse(content, self.path / STUDY_FILE)

    def check(self, study: Mapping[str, Any]) -> None:
        """Raise `StoreError` where the folder could not be claimed, because another study is in it; change nothing."""
        if (self.path / STUDY_FILE).exists():
            self._check(self.read(), study)

    def claim(
        self,
        study: Mapping[str, Any],
        joined: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]] = lambda _, study: study,
    ) -> dict[str, Any]:
        """Make the folder this study's, and return what is written there of it. Several processes may do so at once.

        Args:
            study: what is to be written. Its `database` is None where the study may be in any; then it is where it was.
            joined: what is to be written where the folder is this study's already, of what stands there and `study`.

        Raises:
            StoreError: the folder is another study's, holds other things, or its runs are in another database.
        """
        try:
            durable.make_folder(self.path)
            with _locked(self.path):
                if (self.path / STUDY_FILE).exists():
                    found = self.read()
                    self._check(found, study)
                    study = {**joined(found, study), "database": study["database"] or found["database"]}
                elif set(self.path.iterdir()) - set(self._left_over()):
                    raise StoreError(f"{self.path} is not empty and holds no study; give another folder with --out")
                for path in self._left_over():
                    path.unlink()
                durable.write(self.path / STUDY_FILE, json.dumps(study, indent=1).encode())
        except OSError as error:
            raise StoreError(f"cannot write to {self.path}: {error.strerror}; give another folder with --out") from None
        return dict(study)

    def _left_over(self) -> list[Path]:
        """Return what processes left that were killed while they claimed the folder."""
        return list(self.path.glob(f"*{STUDY_FILE}.partial"))

    def _check(self, found: Mapping[str, Any], study: Mapping[str, Any]) -> None:
        if differ := "; ".join(differences(found["identity"], study["identity"])):
            raise StoreError(f"{self.path} belongs to another study: {differ}; give another folder with --out")
        # Until something was trained, a database may still be corrected.
        if study["database"] not in (None, found["database"]) and (self.path / "runs").exists():
            where = found["database"] or self.database_url
            raise StoreError(f"the runs of {self.path} are in {where}; leave out --database, or give another --out")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Wait for other processes of this machine that do the same, and keep them waiting."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems lock no folders
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@dataclass(frozen=True)
class Predictions:
    """What a run's final model said of one part of the data.

    Attributes:
        indices: which images of the data set, shape (N,).
        labels: their classes, shape (N,).
        logits: shape (N, K), of the images as they are.
        averaged: shape (N, K), with the protocol's test-time augmentation; None where it has none.
    """

    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    logits: NDArray[np.float32]
    averaged: NDArray[np.float32] | None = None

    @property
    def judged(self) -> NDArray[np.float32]:
        """The logits that the protocol judges by."""
        return self.logits if self.averaged is None else self.averaged


@dataclass(frozen=True)
class Maps:
    """Where a run's final model looked on a few test images, by Grad-CAM.

    Attributes:
        indices: which images of the data set, shape (N,).
        labels: their classes, shape (N,).
        predicted: what the model said, which the maps explain, shape (N,).
        maps: from 0 to 1, shape (N, h, w).
        reason: why there are none; empty where there are some.
    """

    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    maps: NDArray[np.float32]
    reason: str = ""

    @classmethod
    def none(cls, reason: str) -> "Maps":
        """Return no maps, for a reason."""
        nothing = np.zeros(0, np.int64)
        return cls(nothing, nothing, nothing, np.zeros((0, 1, 1), np.float32), reason)


class RunFolder:
    """The folder of a run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def checkpoints(self) -> Path:
        """Where training saves itself."""
        return self.path / "checkpoints"

    @property
    def weights(self) -> Path:
        """The weights that were evaluated."""
        return self.path / "weights.safetensors"

    def write_spec(self, spec: RunSpec) -> None:
        """Write the resolved spec, for people, into a folder without left-over parts of files."""
        durable.make_folder(self.path)
        for path in self.path.glob("*.partial"):  # of an attempt that was killed while it wrote; a run has one worker
            path.unlink()
        durable.write(self.path / "spec.json", json.dumps(spec.content(), indent=1).encode())

    def write_predictions(self, parts: Mapping[str, Predictions]) -> None:
        """Write the predictions for every part."""
        arrays = {
            f"{part}.{field}": np.ascontiguousarray(value)
            for part, predictions in parts.items()
            for field, value in vars(predictions).items()
            if value is not None
        }
        durable.write(self.path / "logits.safetensors", save(arrays))

    def write_maps(self, maps: Maps) -> None:
        """Write where the model looked."""
        arrays = {name: np.ascontiguousarray(value) for name, value in vars(maps).items() if name != "reason"}
        durable.write(self.path / "gradcam.safetensors", save(arrays, {"reason": maps.reason}))

    def maps(self, extent: Extent | None = None) -> Maps:
        """Return where the model looked; raise `StoreError` where that was not kept, or does not fit the data set."""
        path = self.path / "gradcam.safetensors"
        if not path.exists():
            raise StoreError("it was not kept when this run was trained")
        arrays, about = read_arrays(path, ("indices", "labels", "predicted", "maps"), extent=extent)
        return Maps(**arrays, reason=about.get("reason", ""))

    def predictions(self, part: str, extent: Extent | None = None) -> Predictions:
        """Return the predictions for one part.

        Raises:
            StoreError: there are none, or they do not fit the data set of that extent.
        """
        path = self.path / "logits.safetensors"
        names = ("indices", "labels", "logits", "averaged")
        arrays, _ = read_arrays(path, names, part, optional="averaged", extent=extent)
        return Predictions(**arrays)
