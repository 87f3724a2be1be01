"""What weights expect of their input: the side of the images, and how pixels become numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from safetensors import SafetensorError, safe_open

# Mean and deviation of each colour, for pixels from 0 to 1, by the modes of `Recipe.normalize`.
_MODES = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "clip": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "tf": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "unit": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}
_KNOWN = {*_MODES, "caffe", "dataset", "per-image"}
_ROUNDING = 5e-4


@dataclass(frozen=True)
class Expectation:
    """The input that a network with certain weights was trained on.

    Attributes:
        image_size: side of the images in pixels.
        normalize: a mode of `Recipe.normalize`.
    """

    image_size: int
    normalize: str

    @property
    def metadata(self) -> dict[str, str]:
        """Itself as the metadata of a `.safetensors` file: one entry, because several are written in any order."""
        return {"input": f"{self.image_size} {self.normalize}"}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Self | None:
        """Return what the metadata of a `.safetensors` file tells; None where that is nothing."""
        size, _, normalize = metadata.get("input", "").partition(" ")
        return cls.told(int(size), normalize) if size.isdecimal() and len(size) <= 4 else None

    @classmethod
    def told(cls, image_size: int, normalize: str | None) -> Self | None:
        """Return what a file tells; None where no network is trained so, since files come from anywhere."""
        return cls(image_size, normalize) if normalize in _KNOWN and 4 <= image_size <= 4096 else None


def mode_of(mean: Sequence[float], deviation: Sequence[float]) -> str | None:
    """Return the mode of `Recipe.normalize` that has this mean and deviation of pixels from 0 to 1; None for others."""
    given = (*mean, *deviation)
    for mode, (means, deviations) in _MODES.items():
        values = (*means, *deviations)
        if len(values) == len(given) and all(abs(v - g) <= _ROUNDING for v, g in zip(values, given, strict=True)):
            return mode
    return None


def told_by(path: Path) -> Expectation | None:
    """Return what a `.safetensors` file tells of the input; whether it is damaged shows when it is loaded."""
    if path.suffix != ".safetensors":
        return None
    try:
        with safe_open(path, "pt") as file:
            return Expectation.from_metadata(file.metadata() or {})
    except (SafetensorError, OSError):
        return None
