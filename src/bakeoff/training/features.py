"""The feature cache: what a frozen backbone makes of images is computed once, for every head and seed."""

import fcntl
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff import durable
from bakeoff.data.augment import Augmentation
from bakeoff.data.pipeline import Part, mix_seed
from bakeoff.errors import DataError, InterruptedRunError
from bakeoff.training.precision import Precision

logger = logging.getLogger(__name__)

REPORT_SECONDS = 0.25
KEPT_FREE = 1 << 30  # bytes of the disk, for checkpoints and whatever else goes there

Views = Sequence[tuple[Sequence[Augmentation], int]]  # augmentations, and which view with them
UNCHANGED: Views = (((), 0),)


@dataclass(frozen=True)
class Extraction:
    """How far a frozen backbone has gone through the images of a part."""

    done: int
    images: int
    images_per_second: float


def splits_into(model: nn.Module) -> tuple[nn.Module, nn.Module] | None:
    """Return what of a model is the same for an image throughout training, and the rest.

    The first is the backbone with the pooling behind it. None where anything of the backbone is trained.

    Args:
        model: with `requires_grad` as it is while training.
    """
    backbone, head = getattr(model, "backbone", None), getattr(model, "head", None)
    if not isinstance(backbone, nn.Module) or not isinstance(head, nn.Sequential):
        return None
    if any(weight.requires_grad for weight in backbone.parameters()):
        return None
    (_, pool), *rest = head.named_children()
    head_only = nn.Sequential()
    for name, layer in rest:
        head_only.add_module(name, layer)
    return nn.Sequential(backbone, pool), head_only


class FeatureCache:
    """Features of the images of parts, from files that are made where they are missing.

    A file is known by everything that decides its content: the images, how they are prepared and augmented, the
    frozen layers with their weights, and the precision. What an interruption leaves is gone on with; a damaged file is
    computed anew. Of several processes one computes, and the others wait.

    Args:
        folder: where the files are.
        frozen: the layers, in a row, that are never trained.
        prepare: makes uint8 images into their input.
        precision: the format to compute in.
        about: whatever else decides the features, as JSON types: the images' fingerprint, how they are prepared, what
            of the network is used, and versions.
        chunk: images at a time.
        report: told of progress a few times a second.
        stop_requested: asked between chunks.
    """

    def __init__(
        self,
        folder: Path,
        frozen: nn.Module,
        prepare: Callable[[Tensor], Tensor],
        precision: Precision,
        about: Mapping[str, Any],
        *,
        chunk: int,
        report: Callable[[Extraction], None],
        stop_requested: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._frozen = frozen.eval()
        self._prepare = prepare
        self._precision = precision
        self._about = {**about, "frozen": _digest_of(frozen), "precision": str(precision.dtype), "chunk": chunk}
        self._chunk = chunk
        self._report = report
        self._stop_requested = stop_requested
        self._seconds: dict[Path, float] = {}  # by file

    @property
    def seconds(self) -> float:
        """What computing the features that were asked for took, now or when they were put into the cache."""
        return sum(self._seconds.values())

    def of(self, part: Part, augment: Sequence[Augmentation] = (), view: int = 0) -> Part:
        """Return a part with features, shape (N, F), in place of images.

        Args:
            part: of the images.
            augment: changes every image; each view draws its own randomness, the same for every run.
            view: which.

        Raises:
            DataError: the disk has no room for them.
            InterruptedRunError: `stop_requested` said yes.
        """
        if not len(part):
            return part
        path = self._path(part, augment, view)
        with _locked(path.with_suffix(".lock")):
            known = _known(path)
            if known is None:
                self._extract(path, part, augment, view)
                known = json.loads(path.with_suffix(".json").read_bytes())
        self._seconds[path] = known["seconds"]
        return part.with_pixels(_open(path, len(part), known["size"], known["dtype"]).to(part.device))

    def missing(self, part: Part, wanted: Views = UNCHANGED) -> list[Path]:
        """Return the files of a part's features that are not there yet.

        Args:
            part: of the images.
            wanted: augmentations and view of every file.
        """
        files = (self._path(part, augment, view) for augment, view in wanted if len(part))
        return [file for file in files if not file.exists()]

    def room(self, part: Part, wanted: Views, more: int) -> str:
        """Return why the disk has no room for features, in a sentence; nothing where it has.

        Args:
            part: of the images.
            wanted: augmentations and view of every file of the part; those that are there already need none.
            more: images of other parts.
        """
        images = len(self.missing(part, wanted)) * len(part) + more
        return _no_room(self._folder, self._features(part, slice(0, 1), (), 0).nbytes * images)

    def _path(self, part: Part, augment: Sequence[Augmentation], view: int) -> Path:
        about = {**self._about, "images": part.digest, "augment": [repr(one) for one in augment], "view": view}
        key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:32]
        return self._folder / f"{key}.features"

    def _extract(self, path: Path, part: Part, augment: Sequence[Augmentation], view: int) -> None:
        started, reported = time.perf_counter(), 0.0
        sample = self._features(part, slice(0, 1), augment, view)
        width = sample.nbytes
        if why := _no_room(path.parent, width * len(part)):  # something else has filled the disk meanwhile
            raise DataError(f"{why}, or cache_features: false in the recipe")
        partial = path.with_suffix(".partial")
        with partial.open("ab") as file:
            # Of a file that is whole already the last chunk is computed again, so that there is a time to go by.
            first = done = min(file.tell() // width, len(part) - 1) // self._chunk * self._chunk
            file.truncate(done * width)
            while done < len(part):
                if self._stop_requested():
                    raise InterruptedRunError(
                        "stopped while features were computed; the same command goes on from there"
                    )
                features = self._features(part, slice(done, done + self._chunk), augment, view)
                file.write(features.contiguous().view(torch.uint8).cpu().numpy().tobytes())
                done += len(features)
                now = time.perf_counter()
                if now - reported > REPORT_SECONDS:
                    self._report(Extraction(done, len(part), (done - first) / (now - started)))
                    reported = now
        seconds = (time.perf_counter() - started) * len(part) / (len(part) - first)
        known = {
            "seconds": seconds,
            "size": sample.shape[1],
            "dtype": str(sample.dtype).removeprefix("torch."),
            "sha256": _checksum(partial, _stamp(partial)),
        }
        durable.write(path.with_suffix(".json"), json.dumps(known).encode())
        durable.place(partial, path)

    @torch.inference_mode()
    def _features(self, part: Part, rows: slice, augment: Sequence[Augmentation], view: int) -> Tensor:
        positions = torch.arange(len(part), device=part.index_device)[rows]
        batch = part.take(positions)
        images, targets = batch.images, batch.targets
        generator = torch.Generator(part.device).manual_seed(mix_seed(view, rows.start))
        for one in augment:
            images, targets = one(images, targets, generator)
        with self._precision.autocast():
            features: Tensor = self._frozen(self._prepare(images))
        return features.flatten(1)


def _digest_of(frozen: nn.Module) -> str:
    """Return the SHA-256 of what layers are and of their weights."""
    digest = hashlib.sha256(repr(frozen).encode())
    for name, tensor in frozen.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _known(path: Path) -> dict[str, Any] | None:
    """Return what is known of a file of features; None where it is missing or damaged, and must be computed."""
    try:
        known: dict[str, Any] = json.loads(path.with_suffix(".json").read_bytes())
        if known["sha256"] == _checksum(path, _stamp(path)):
            return known
        logger.warning("%s: the features are damaged and are computed anew", path)
    except FileNotFoundError:
        pass
    except (ValueError, KeyError, TypeError):
        logger.warning("%s: what is known of the features is damaged, and they are computed anew", path)
    return None


def _stamp(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns


@lru_cache(maxsize=1000)  # a study with twenty heads on one backbone asks for the same files twenty times
def _checksum(path: Path, stamp: tuple[int, int]) -> str:  # noqa: ARG001, the stamp is for the cache
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open(path: Path, count: int, size: int, name: str) -> Tensor:
    """Return the features in a file as a tensor on the disk, of which only what is used is read."""
    dtype: torch.dtype = getattr(torch, name)
    return torch.from_file(str(path), shared=False, size=count * size, dtype=dtype).view(count, size)


def _no_room(folder: Path, wanted: int) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free - wanted >= KEPT_FREE:
        return ""
    return (
        f"{folder}: {wanted / 2**30:.1f} GiB of features do not fit, {free / 2**30:.1f} GiB are free; remove what "
        "other studies left there, or set BAKEOFF_CACHE to a folder with more room"
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
