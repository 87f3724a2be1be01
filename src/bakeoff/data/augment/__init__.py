"""Augmentations: a whole batch at once, on its device, each image with its own randomness.

Every augmentation takes and returns uint8 images, so that each can be looked at, and none depends on the
normalization that follows. Randomness comes from the generator that is passed, and from nowhere else.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch

from bakeoff.errors import SpecError, nearest
from bakeoff.registry import Registry
from bakeoff.specs.recipe import AugmentSpec


class Augmentation(Protocol):
    """A frozen dataclass whose fields are its options."""

    mixes: ClassVar[bool]  # whether it changes targets, which are then class probabilities

    def __call__(
        self, images: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return changed copies.

        Args:
            images: uint8, shape (B, H, W, C), contiguous; left as they are.
            targets: shape (B,) class indices, or (B, K) probabilities where any augmentation mixes.
            generator: of the images' device.
        """
        ...


@runtime_checkable
class Alternating(Protocol):
    """An augmentation that is another one in every epoch."""

    def in_epoch(self, epoch: int, seed: int) -> Augmentation:
        """Return what is done in an epoch, counted from 0, of a run with that seed."""
        ...


augmentations: Registry[Callable[..., Augmentation]] = Registry("augmentation", __name__)


def build(specs: Sequence[AugmentSpec]) -> list[Augmentation]:
    """Return the augmentations that the specs name; raise `SpecError` for an option that is unknown or wrong."""
    return [_build(spec) for spec in specs]


def resolve(specs: Sequence[AugmentSpec]) -> tuple[AugmentSpec, ...]:
    """Return the specs with every option written out, so that the identity of a run hides no default."""
    return tuple(
        AugmentSpec(name=spec.name, options=dataclasses.asdict(augmentation))  # type: ignore[call-overload]
        for spec, augmentation in zip(specs, build(specs), strict=True)
    )


def check_amount(name: str, amount: float, most: float = math.inf) -> None:
    """Raise `SpecError` for the amount of an augmentation that is not above 0, above the most, or not finite."""
    if not 0 < amount <= most or math.isinf(amount):
        bound = "" if math.isinf(most) else f" and at most {most:g}"
        raise SpecError(f"the augmentation option {name}.amount is above 0{bound}; got {amount!r}")


def _build(spec: AugmentSpec) -> Augmentation:
    kind = augmentations.get(spec.name)
    fields = {field.name: field.type for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for option, value in spec.options.items():
        if option not in fields:
            raise SpecError(f"the augmentation {spec.name!r} has no option {option!r}{nearest(option, fields)}")
        _check_type(f"{spec.name}.{option}", value, fields[option])
    return kind(**spec.options)


def _check_type(where: str, value: Any, kind: Any) -> None:
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise SpecError(f"the augmentation option {where} is a {kind.__name__}; got {value!r}")
