"""Checkpoints that survive a kill at any moment, and are never unpickled.

A checkpoint is two files: tensors (safetensors), then a JSON file with the state and the tensors' SHA-256. Each is
written beside its place, synced and renamed, and the JSON file comes last: where it exists and the hash fits, the
checkpoint is whole. The newest two are kept, so that a damaged one has a predecessor.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from bakeoff import durable
from bakeoff.errors import StoreError
from bakeoff.training.state import TrainingState

KEEP = 2


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: holds them, and nothing else.
        run_id: the run that they belong to; another one's are refused.
    """

    def __init__(self, folder: Path, run_id: str) -> None:
        self._folder = folder
        self._run_id = run_id
        self.notes: list[str] = []  # what was wrong with checkpoints that were passed over

    def save(self, number: int, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Write checkpoint `number`, then remove all but the newest two. Numbers must rise."""
        self._folder.mkdir(parents=True, exist_ok=True)
        content = save({name: tensor.contiguous() for name, tensor in tensors.items()})
        description = {"run_id": self._run_id, "sha256": hashlib.sha256(content).hexdigest(), "state": state}
        durable.write(self._folder / f"{number:012d}.safetensors", content)
        durable.write(self._folder / f"{number:012d}.json", json.dumps(description).encode())
        for old in self._numbers()[KEEP:]:
            self._remove(old)

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return the tensors and the state of the newest whole checkpoint, or None where there is none."""
        for number in self._numbers():
            try:
                return self._read(number)
            except (OSError, ValueError, KeyError, SafetensorError) as error:
                self.notes.append(f"checkpoint {number} is damaged ({error}), the one before it is used")
        return None

    def clear(self) -> None:
        """Remove every checkpoint: the run is finished."""
        for number in self._numbers():
            self._remove(number)
        for left_over in self._folder.glob("*"):
            left_over.unlink()
        if self._folder.exists():
            self._folder.rmdir()

    def _numbers(self) -> list[int]:
        """Return the numbers of the checkpoints that are described, the newest first."""
        return sorted((int(path.stem) for path in self._folder.glob("*.json")), reverse=True)

    def _read(self, number: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
        description = json.loads((self._folder / f"{number:012d}.json").read_bytes())
        if description["run_id"] != self._run_id:
            raise StoreError(f"the checkpoint in {self._folder} is of run {description['run_id']}, not {self._run_id}")
        content = (self._folder / f"{number:012d}.safetensors").read_bytes()
        if hashlib.sha256(content).hexdigest() != description["sha256"]:
            raise ValueError("its checksum does not fit")
        return load(content), description["state"]

    def _remove(self, number: int) -> None:
        # The description first: without it the tensors are no checkpoint.
        for suffix in (".json", ".safetensors"):
            (self._folder / f"{number:012d}{suffix}").unlink(missing_ok=True)


class Autosave:
    """Saves a training state often enough to lose little, and seldom enough to cost little.

    Args:
        checkpoints: where to.
        seconds: least time between saves; it grows where a save is slow, so that saving takes at most 2 % of the time.
    """

    def __init__(self, checkpoints: Checkpoints, seconds: float = 30.0) -> None:
        self._checkpoints = checkpoints
        self._seconds = seconds
        self._last = time.perf_counter()
        self._cost = 0.0

    def if_due(self, state: TrainingState) -> None:
        """Save if the last save was long ago."""
        if time.perf_counter() - self._last > max(self._seconds, self._cost * 50):
            self.now(state)

    def now(self, state: TrainingState) -> None:
        """Save. The state's clock stands still meanwhile."""
        started = time.perf_counter()
        self._checkpoints.save(state.steps, state.tensors(), state.scalars())
        self._last = time.perf_counter()
        self._cost = self._last - started
        state.start_clock()
