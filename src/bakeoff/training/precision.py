"""Number formats: which one a device computes in, and the context that makes it so."""

from dataclasses import dataclass

import torch
from torch import Tensor

from bakeoff.errors import SpecError


def resolve_amp(amp: str, device: torch.device) -> str:
    """Return "off", "bf16" or "fp16" for a recipe's `amp`.

    `auto` is bf16 where the hardware multiplies it natively, else fp16 on a GPU, else off.
    """
    if amp == "auto":
        if device.type == "cuda":
            return "bf16" if torch.cuda.get_device_capability(device)[0] >= 8 else "fp16"
        return "bf16" if device.type == "cpu" and native_bf16() else "off"
    if amp == "fp16" and device.type == "cpu":
        raise SpecError("amp 'fp16' does not train on a CPU; choose bf16 or off")
    return amp


def native_bf16() -> bool:
    """Return whether the CPU has instructions for products of bfloat16 matrices."""
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16"))


@dataclass(frozen=True)
class Precision:
    """The format in which a network computes; its weights are always float32."""

    amp: str  # "off", "bf16" or "fp16"
    device: torch.device

    @property
    def dtype(self) -> torch.dtype:
        """The format of products and convolutions."""
        return {"off": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[self.amp]

    def autocast(self) -> torch.autocast:
        """Return a new context in which networks compute in this format."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.amp != "off")

    def scaler(self) -> torch.amp.GradScaler:
        """Return what keeps small fp16 gradients from vanishing; it does nothing in the other formats."""
        return torch.amp.GradScaler(self.device.type, enabled=self.amp == "fp16")


def is_cast(x: Tensor) -> bool:
    """Whether what is computed from a tensor is cast to another format on a CPU."""
    return x.device.type == "cpu" and torch.is_autocast_enabled("cpu") and x.dtype != torch.float64
