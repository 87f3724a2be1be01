"""What the loops of PyTorch and Lightning train: SimCNN, written down as a user would, on arrays of a file."""

import numpy as np
import torch
from torch import nn


def network() -> nn.Module:
    """Return document D's network."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(1024, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def arrays(path: str, part: str) -> tuple[np.ndarray, torch.Tensor]:
    """Return images as bytes (N, H, W, C) and labels of a part, "train" or "test"."""
    with np.load(path) as file:
        return file[f"x_{part}"], torch.from_numpy(file[f"y_{part}"].astype(np.int64))


def tensors(path: str, part: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return images as floats (N, C, H, W) from 0 to 1, and labels."""
    pixels, labels = arrays(path, part)
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous().float() / 255, labels


@torch.inference_mode()
def judged(model: nn.Module, path: str) -> dict[str, float]:
    """Return the test accuracy of a network and the number of its parameters."""
    images, labels = tensors(path, "test")
    right = sum(
        int((model.eval()(some).argmax(1) == true).sum())
        for some, true in zip(images.split(500), labels.split(500), strict=True)
    )
    return {"accuracy": right / len(labels), "parameters": sum(weight.numel() for weight in model.parameters())}
