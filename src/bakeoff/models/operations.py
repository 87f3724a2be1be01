"""How much a network computes: its multiply-accumulates."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from bakeoff.models.trial import trial


def count_macs(model: nn.Module, in_channels: int, image_size: int) -> int:
    """Return the multiply-accumulates (MACs) of a forward pass of one image; FLOPs are twice as many.

    Counted are convolutions, matrix products and attention, as papers do: normalization, activations and pooling are
    not. Operators that other libraries write themselves are not seen.

    Args:
        model: left as it is; it may lie on the meta device.
        in_channels: channels of the image.
        image_size: height and width of the image in pixels.

    Raises:
        ModelError: if the network cannot take such an image.
    """
    with counting_macs() as macs:
        trial(model, in_channels, image_size)
    return macs()


@contextmanager
def counting_macs() -> Iterator[Callable[[], int]]:
    """Count what is computed within; give a function that returns the multiply-accumulates so far."""
    # The fused attention of `nn.MultiheadAttention` is one operator that torch has no formula for.
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with _Counter() as counter:
            yield lambda: counter.flops // 2
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts by torch's formulas, as its own counter does, without the compiler, which is slow to load."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        formula = flop_registry.get(func.overloadpacket)
        if formula is None and func is not torch.ops.prim.device.default:
            with self:
                found = func.decompose(*args, **named)
            if found is not NotImplemented:
                return found
        found = func(*args, **named)
        if formula is not None:
            self.flops += formula(*args, **named, out_val=found)
        return found
