"""Attention in float32 on a CPU, also where other layers compute in bfloat16."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from bakeoff.training.precision import is_cast

MOST_TOKENS = 512  # that are attended to, above which bfloat16 is as fast, by measurements


class LeanAttention:
    """What makes a layer compute the attention in it in float32, where that is gone back through.

    Backward, torch's kernel takes up to six times as long in bfloat16 as in float32 for the few tokens of small images.
    Products before and behind attention keep their format.
    """

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """Run the layer."""
        with _InFloat32():
            return super().forward(*inputs, **named)  # type: ignore[misc]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the layer as one of the class that it was of, since its own has no name to be found by."""
        return _empty, (type(self).__bases__[1],), vars(self)


def attends(layer: nn.Module) -> bool:
    """Whether a layer calls torch's scaled dot product attention, by the name that timm gives its switch for that."""
    return getattr(layer, "fused_attn", False) is True and not isinstance(layer, LeanAttention)


@cache
def leaner_attention(kind: type[nn.Module]) -> type[nn.Module]:
    """Return a class of `LeanAttention` for layers of a class that attend."""
    return type(kind.__name__, (LeanAttention, kind), {"__module__": kind.__module__})


def _empty(kind: type[nn.Module]) -> nn.Module:
    leaner = leaner_attention(kind)  # type: ignore[arg-type]  # mypy asks layers, not their class, for a hash
    return leaner.__new__(leaner)


class _InFloat32(TorchFunctionMode):
    """Within it, attention is computed in float32 where `LeanAttention` says."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        called = _attend if func is functional.scaled_dot_product_attention else func
        return called(*args, **(kwargs or {}))


def _attend(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, *rest: Any, **named: Any
) -> Tensor:
    attend = functional.scaled_dot_product_attention
    learns = torch.is_grad_enabled() and any(x.requires_grad for x in (query, key, value))
    if not learns or not is_cast(query) or key.shape[-2] > MOST_TOKENS:
        return attend(query, key, value, attn_mask, *rest, **named)
    if attn_mask is not None and attn_mask.is_floating_point():
        attn_mask = attn_mask.float()
    with torch.autocast("cpu", enabled=False):
        y = attend(query.float(), key.float(), value.float(), attn_mask, *rest, **named)
    return y.to(torch.get_autocast_dtype("cpu"))
