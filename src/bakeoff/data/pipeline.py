"""Batches on the device: gathered from uint8 images, and augmented.

There are no worker processes: a gather from memory, whole-batch augmentation and one fused multiply-add are faster
than any queue for images of this size (`input` in `benchmarks/cases.py`).
"""

import copy
import hashlib
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from bakeoff.data.augment import Alternating, Augmentation
from bakeoff.data.imageset import ImageSet, IntArray


@dataclass(frozen=True)
class Batch:
    """Images as uint8 (B, H, W, C), and targets as class indices (B,) or class probabilities (B, K)."""

    images: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.images)


class Part:
    """One part of an image set, such as its training images, where the device can reach them.

    On a CPU the memory map itself is used, and nothing is copied. Another device holds the part whole, where that takes
    less than half of the memory that is free; else batches come from the memory map, through pinned memory.

    Attributes:
        index_device: where `take` wants its positions.
    """

    def __init__(self, images: ImageSet, indices: IntArray, device: torch.device) -> None:
        self.num_classes = images.num_classes
        self.device = device
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # arrays that are read-only are only read
            self._rows: Tensor | None = torch.from_numpy(indices)
            pixels = torch.from_numpy(images.images)
        if device.type != "cpu" and pixels[0].nbytes * len(indices) <= _room(device):
            pixels, self._rows = pixels[self._rows].to(device), None
        self._pixels = pixels
        self.index_device = pixels.device
        self.labels = torch.from_numpy(images.labels[indices]).to(device)
        self.digest = hashlib.sha256(indices.astype("<i8").tobytes()).hexdigest()  # of which images these are

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the stored images."""
        height, width, channels = self._pixels.shape[1:]
        return height, width, channels

    def with_pixels(self, pixels: Tensor) -> "Part":
        """Return the same part with something else in place of each image, shape (len(part), ...), on its device."""
        other = copy.copy(self)
        other._pixels, other._rows, other.index_device = pixels, None, pixels.device
        return other

    def take(self, positions: Tensor) -> Batch:
        """Return the images at these positions of the part, in this order."""
        rows = positions if self._rows is None else self._rows[positions]
        pixels = self._pixels.index_select(0, rows)
        if pixels.device != self.device:
            pixels = pixels.pin_memory().to(self.device, non_blocking=True)
        return Batch(pixels, self.labels[positions.to(self.device)])

    def chunks(self, size: int) -> Iterator[Batch]:
        """Yield every image once, in order, in chunks of at most `size`."""
        positions = torch.arange(len(self))
        yield from self.read(positions[start : start + size] for start in range(0, len(self), size))

    def read(self, batches: Iterable[Tensor]) -> Iterator[Batch]:
        """Yield the images at each of several positions; where the device waits for copies, one batch is read ahead."""
        wanted = (positions.to(self.index_device) for positions in batches)
        return map(self.take, wanted) if self.index_device == self.device else _ahead(self.take, wanted)

    def channel_statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the mean and standard deviation of each channel's pixels, on the scale of 0 to 255.

        Sums are of integers, hence exact, and the same on every machine.
        """
        pixels = self.shape[0] * self.shape[1]
        total = torch.zeros(pixels * self.shape[2], dtype=torch.int64, device=self.device)
        squares = torch.zeros_like(total)
        for batch in self.chunks(512):
            images = batch.images.reshape(len(batch), -1).int()
            total += images.sum(0)
            squares += images.square_().sum(0)
        # On the CPU, because not every device has floats of 64 bits.
        total, squares = (sums.view(pixels, -1).sum(0).cpu() for sums in (total, squares))
        count = len(self) * pixels
        mean = total.double() / count
        deviation = (squares.double() / count - mean.square()).clamp_min(0).sqrt()
        return tuple(mean.tolist()), tuple(deviation.tolist())


class Batches(Protocol):
    """What training goes through, epoch by epoch."""

    @property
    def part(self) -> Part:
        """The images, or what stands for them."""
        ...

    @property
    def batch_size(self) -> int:
        """Images in a batch, at most."""
        ...

    @property
    def steps_per_epoch(self) -> int:
        """Number of batches in an epoch."""
        ...

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch from a step on, both counted from 0."""
        ...


def endless(batches: Batches) -> Iterator[Batch]:
    """Yield the batches of one epoch after the other."""
    for epoch in count():
        yield from batches.epoch(epoch)


class TrainBatches:
    """Shuffled, augmented batches of a part.

    Batch `step` of epoch `epoch` is a pure function of the seed and these two numbers, so that training can go on
    from any step, and does not depend on what ran before. The last batch of an epoch may be smaller; a single left
    over image is left out, because batch normalization cannot train on one.
    """

    def __init__(self, part: Part, batch_size: int, augment: Sequence[Augmentation], seed: int) -> None:
        self.part = part
        self.batch_size = batch_size
        self._augment = tuple(augment)
        self._soft = any(augmentation.mixes for augmentation in augment)
        self._seed = seed
        self._generator = torch.Generator(part.device)

    @property
    def steps_per_epoch(self) -> int:
        """Number of batches in an epoch."""
        full, rest = divmod(len(self.part), self.batch_size)
        return full + (rest > 1)

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch from a step on, both counted from 0."""
        order = torch.randperm(len(self.part), generator=torch.Generator().manual_seed(mix_seed(self._seed, epoch)))
        augment = [
            one.in_epoch(epoch, mix_seed(self._seed)) if isinstance(one, Alternating) else one for one in self._augment
        ]
        order = order.to(self.part.index_device)
        steps = range(first_step, self.steps_per_epoch)
        batches = self.part.read(order[step * self.batch_size : (step + 1) * self.batch_size] for step in steps)
        for step, batch in zip(steps, batches, strict=True):
            yield self._augmented(batch, augment, mix_seed(self._seed, epoch, step)) if augment else batch

    def _augmented(self, batch: Batch, augment: Sequence[Augmentation], seed: int) -> Batch:
        images, targets = batch.images, batch.targets
        if self._soft:
            targets = functional.one_hot(targets, self.part.num_classes).float()
        self._generator.manual_seed(seed)
        for augmentation in augment:
            images, targets = augmentation(images, targets, self._generator)
        return Batch(images, targets)


class ViewBatches:
    """Shuffled batches of parts that hold different views of the same images: each epoch has the next view.

    Order and size of batches are those of `TrainBatches`.
    """

    def __init__(self, views: Sequence[Part], batch_size: int, seed: int) -> None:
        self._views = [TrainBatches(view, batch_size, (), seed) for view in views]
        self.part = views[0]
        self.batch_size = batch_size
        self.steps_per_epoch = self._views[0].steps_per_epoch

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch from a step on, both counted from 0."""
        return self._views[epoch % len(self._views)].epoch(epoch, first_step)


def _room(device: torch.device) -> float:
    """Return the bytes that a part may take on a device: the network needs some as well."""
    return torch.cuda.mem_get_info(device)[0] / 2 if device.type == "cuda" else math.inf


def _ahead(take: Callable[[Tensor], Batch], wanted: Iterable[Tensor]) -> Iterator[Batch]:
    """Yield what is taken, each batch while a thread takes the next."""
    with ThreadPoolExecutor(1) as reader:
        pending: Future[Batch] | None = None
        for positions in wanted:
            done, pending = pending, reader.submit(take, positions)
            if done:
                yield done.result()
        if pending:
            yield pending.result()


def mix_seed(*numbers: int) -> int:
    """Return a 32-bit seed that differs, as far as 32 bits allow, for different numbers."""
    return int.from_bytes(hashlib.blake2s(repr(numbers).encode(), digest_size=4).digest())
