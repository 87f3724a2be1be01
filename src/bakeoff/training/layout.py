"""In which order the numbers of images lie in memory."""

import torch
from torch import Tensor


def layout(x: Tensor) -> torch.memory_format:
    """Return channels last where a tensor is of images that lie so, and else the order of its dimensions."""
    channels_last = x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if channels_last else torch.contiguous_format
