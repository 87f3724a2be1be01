"""Where a network looked: Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391)."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.errors import ModelError


def gradcam(model: nn.Module, images: Tensor, classes: Tensor) -> Tensor:
    """Return how much each place of the last maps speaks for a class, from 0 to 1, shape (B, h, w).

    The maps are those that the network computes last of all that still have more than one place. They are weighted by
    the gradient of the class's logit, averaged over places, and summed; what speaks against the class counts as 0. The
    largest value of an image is 1, or 0 where nothing speaks for the class.

    Args:
        model: in any mode; it is left in that, and without gradients.
        images: what it takes, shape (B, channels, height, width).
        classes: whose logits to explain, shape (B,).

    Raises:
        ModelError: the network has no maps at its end, as those that see images as tokens.
    """
    was_training = model.training
    model.eval()
    try:
        with torch.enable_grad(), _as_written(), _watched(model, len(images)) as seen:
            logits = model(images.detach().requires_grad_())  # so that gradients reach a frozen network, too
            chosen = logits.gather(1, classes[:, None]).sum()
            gradient = torch.autograd.grad(chosen, seen[-1], allow_unused=True)[0] if seen else None
    finally:
        model.train(was_training)
    if gradient is None:
        raise ModelError(f"{type(model).__name__} has no maps at its end in which Grad-CAM could show places")
    maps, weights = _channels_first(seen[-1].detach()), _channels_first(gradient).mean((2, 3), keepdim=True)
    heat = (maps * weights).sum(1).clamp_min(0).float()
    return heat / heat.amax((1, 2), keepdim=True).clamp_min(torch.finfo(heat.dtype).tiny)


def _as_written() -> AbstractContextManager[None]:
    """Run networks without the compiler, since a compiled one goes past hooks that came later.

    Nothing is compiled where the compiler, which is slow to load, has not been loaded.
    """
    stance: AbstractContextManager[None] = nullcontext()
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else stance


@contextmanager
def _watched(model: nn.Module, batch: int) -> Iterator[list[Tensor]]:
    """Give the list of maps that modules return, in order; it is emptied where tokens follow."""
    seen: list[Tensor] = []

    def note(_module: nn.Module, _inputs: Any, output: Any) -> None:
        if not isinstance(output, Tensor) or len(output) != batch:
            return
        if output.ndim == 3:
            seen.clear()
        elif output.ndim == 4 and _channels_first(output).shape[2] == _channels_first(output).shape[3] > 1:
            seen[:] = [output]

    # Before the hook with which a tapped network leaves.
    handles = [module.register_forward_hook(note, prepend=True) for module in model.modules()]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _channels_first(maps: Tensor) -> Tensor:
    """Turn maps that have their channels last, as some transformers do: images are square, and so are maps."""
    _, first, second, third = maps.shape
    return maps.permute(0, 3, 1, 2) if first == second != third else maps
