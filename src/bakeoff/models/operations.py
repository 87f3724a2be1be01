"""How much a network computes: its multiply-accumulates."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

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
    # The fused attention of `nn.MultiheadAttention` is one operator that torch's counter does not know.
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with FlopCounterMode(display=False) as counter:
            yield lambda: int(counter.get_total_flops()) // 2
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
