"""Attention in float32 on a CPU, also where other layers compute in bfloat16."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from bakeoff.training.precision import is_cast


def attends(layer: nn.Module) -> bool:
    """Whether a layer calls torch's scaled dot product attention, by the name that timm gives its switch for that."""
    return getattr(layer, "fused_attn", False) is True


@cache
def leaner_attention(kind: type[nn.Module]) -> type[nn.Module]:
    """Return a class like that of layers that attend, which trains their attention in float32.

    Backward, torch's kernel takes two to six times as long in bfloat16 for the up to 65 tokens of a small image, and no
    less for more of them. Products before and behind attention keep their format.
    """

    def forward(self: nn.Module, *inputs: Any, **named: Any) -> Any:
        with _InFloat32():
            return kind.forward(self, *inputs, **named)

    return type(kind.__name__, (kind,), {"forward": forward, "__doc__": kind.__doc__, "__module__": kind.__module__})


class _InFloat32(TorchFunctionMode):
    """Within it, attention that will be gone back through is computed in float32."""

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
    if not is_cast(query) or not torch.is_grad_enabled():
        return attend(query, key, value, attn_mask, *rest, **named)
    if attn_mask is not None and attn_mask.is_floating_point():
        attn_mask = attn_mask.float()
    with torch.autocast("cpu", enabled=False):
        y = attend(query.float(), key.float(), value.float(), attn_mask, *rest, **named)
    return y.to(torch.get_autocast_dtype("cpu"))
