"""Checkpoints that survive a kill at any moment, and are never unpickled.

A checkpoint is two files: tensors (safetensors), then a JSON file with the state and the SHA-256 of both. Each is
written beside its place, synced and renamed, and the JSON file comes last: where it exists and the hash fits, the
checkpoint is whole. Two whole ones are kept, so that a damaged one has a predecessor.
"""

import hashlib
import json
import time
from collections.abc import Mapping, Set
from errno import EIO
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from bakeoff import durable
from bakeoff.errors import StoreError
from bakeoff.training.state import TrainingState

KEEP = 2
SPEED = 100e6  # bytes a second that a modest disk takes, until it is known


class Checkpoints:
    """The checkpoints of one run, and the clock of the run, which goes on from them.

    Args:
        folder: holds them, and nothing else.
        run_id: the run that they belong to; another one's are refused.

    Attributes:
        notes: what was wrong with checkpoints that were passed over, in sentences.
    """

    def __init__(self, folder: Path, run_id: str) -> None:
        self.folder = folder
        self.notes: list[str] = []
        self._run_id = run_id
        self._whole: list[int] = []  # what is known to be so, the newest first
        self._started = time.perf_counter()
        self._before = 0.0  # seconds of earlier attempts

    @property
    def seconds(self) -> float:
        """What the run has taken so far, in all attempts; what one lost since its last checkpoint is not counted."""
        return self._before + time.perf_counter() - self._started

    def save(self, number: int, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Write checkpoint `number`, or a higher one where that is taken, then remove all but it and the one before."""
        # Written over, a whole one would be lost by a kill between its two files: an epoch that is closed has as many
        # steps as when it was saved before it was judged.
        number = max([number, *(whole + 1 for whole in self._whole)])
        durable.make_folder(self.folder)
        content = save({name: tensor.contiguous() for name, tensor in tensors.items()})
        about = {"run_id": self._run_id, "seconds": self.seconds, "state": state}
        durable.write(self._path(number, "safetensors"), content)
        durable.write(self._path(number, "json"), _description(content, about))
        self._whole = [number, *self._whole][:KEEP]
        self._remove_but({f"{kept:012d}" for kept in self._whole})

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return the tensors and the state of the newest whole checkpoint, or None where there is none.

        Raises:
            StoreError: it is of another run, or there is a file that cannot be opened, so that nothing is known of it.
        """
        found, damaged = None, []
        for number in sorted(self._numbers(), reverse=True):
            try:
                found = self._read(number)
                break
            except FileNotFoundError as error:  # lost, or the save was cut off
                damaged.append(f"checkpoint {number} is not whole ({Path(error.filename).name} is missing)")
            except OSError as error:
                if error.errno != EIO:  # which may pass, while a training that starts anew removes the file
                    raise StoreError(
                        f"{self.folder}: checkpoint {number} cannot be read ({error.strerror}); mend that and give "
                        "--retry-failed, or remove that folder to train the run anew"
                    ) from None
                damaged.append(f"checkpoint {number} is damaged ({error.strerror})")
            except (ValueError, KeyError, TypeError, RecursionError, SafetensorError) as error:
                damaged.append(f"checkpoint {number} is damaged ({error or type(error).__name__})")
        if damaged:
            on = f"training goes on from checkpoint {self._whole[0]}" if found else "training starts anew"
            self.notes.append(f"{'; '.join(damaged)}; {on}")
        return found

    def clear(self) -> None:
        """Remove every checkpoint: the run is finished."""
        if self.folder.exists():
            self._remove_but(set())
            self.folder.rmdir()

    def _numbers(self) -> set[int]:
        """Return the numbers of which either file is there: one alone is a checkpoint that was damaged."""
        there = (*self.folder.glob("*.json"), *self.folder.glob("*.safetensors"))
        return {int(path.stem) for path in there if path.stem.isdecimal()}

    def _read(self, number: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
        description = self._path(number, "json").read_bytes()
        about: dict[str, Any] = json.loads(description)
        content = self._path(number, "safetensors").read_bytes()
        del about["sha256"]
        # Before anything in it is believed, whose it is included: a damaged one is no reason to refuse the others.
        # Its bytes are compared, since a changed last digit of a number can still be read as the same number.
        if description != _description(content, about):
            raise ValueError("its checksum does not fit")
        if about["run_id"] != self._run_id:
            raise StoreError(f"the checkpoint in {self.folder} is of run {about['run_id']}, not {self._run_id}")
        self._whole, self._before = [number], about["seconds"]
        return load(content), about["state"]

    def _path(self, number: int, suffix: str) -> Path:
        return self.folder / f"{number:012d}.{suffix}"

    def _remove_but(self, kept: Set[str]) -> None:
        # Descriptions first: without them tensors are no checkpoint. What a kill left of a save goes too.
        for path in sorted(self.folder.iterdir(), key=lambda path: path.suffix != ".json"):
            if path.name.partition(".")[0] not in kept or path.suffix == ".partial":
                path.unlink()


def _description(content: bytes, about: Mapping[str, Any]) -> bytes:
    """Return what is said of tensors, with the SHA-256 of both, as it is written."""
    digest = hashlib.sha256(content)
    digest.update(json.dumps(about).encode())
    return json.dumps({"sha256": digest.hexdigest(), **about}).encode()


class Autosave:
    """Saves a training state often enough to lose little, and seldom enough to cost little.

    Args:
        checkpoints: where to.
        seconds: least time between saves; it grows where a save is slow, so that saving takes at most 2 % of the time.
            What the first one takes is guessed from its size.
    """

    def __init__(self, checkpoints: Checkpoints, seconds: float = 30.0) -> None:
        self._checkpoints = checkpoints
        self._seconds = seconds
        self._last = time.perf_counter()
        self._cost = 0.0

    def if_due(self, state: TrainingState) -> None:
        """Save if the last save was long ago."""
        if not self._cost:
            self._cost = sum(tensor.nbytes for tensor in state.tensors().values()) / SPEED
        if time.perf_counter() - self._last > max(self._seconds, self._cost * 50):
            self.now(state)

    def now(self, state: TrainingState) -> None:
        """Save. The state's clock stands still meanwhile."""
        started = time.perf_counter()
        self._checkpoints.save(state.steps, state.tensors(), state.scalars())
        self._last = time.perf_counter()
        self._cost = self._last - started
        state.start_clock()
