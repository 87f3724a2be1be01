"""Layers and initializations that networks share, with Keras's conventions where they differ from torch's."""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

Model = TypeVar("Model", bound=nn.Module)

# What Keras calls a layer in its summaries and weight files.
_KERAS_KINDS = {
    "Conv2d": "conv2d",
    "Linear": "dense",
    "BatchNorm1d": "batch_normalization",
    "BatchNorm2d": "batch_normalization",
    "LeakyReLU": "leaky_re_lu",
    "MaxPool2d": "max_pooling2d",
    "GlobalAveragePool": "global_average_pooling2d",
    "GlobalMaxPool": "global_max_pooling2d",
}


def named(layers: Mapping[str, nn.Module]) -> nn.Sequential:
    """Return layers in a row under their names; without any, the identity."""
    return nn.Sequential(OrderedDict(layers))


def keras_sequential(*layers: nn.Module) -> nn.Sequential:
    """Return layers in a row, named as Keras does: each kind is counted, as in `conv2d`, `dense`, `conv2d_1`.

    A layer fused with its activation is named after its first part.
    """
    seen: Counter[str] = Counter()
    names: dict[str, nn.Module] = {}
    for layer in layers:
        kind = type(layer[0] if type(layer) is nn.Sequential else layer).__name__
        kind = _KERAS_KINDS.get(kind, kind.lower())
        names[f"{kind}_{seen[kind]}" if seen[kind] else kind] = layer
        seen[kind] += 1
    return named(names)


class Flatten(nn.Module):
    """Flattens maps to vectors in Keras's order."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to (batch, height * width * channels)."""
        # With the channels last, the kernels of Keras's dense layers fit without a permutation. A channels-last tensor
        # lies in memory in this order already: for it this is a view.
        return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1)


class GlobalAveragePool(nn.Module):
    """Averages every map over its pixels."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to (batch, channels)."""
        return x.mean((2, 3))


class GlobalMaxPool(nn.Module):
    """Takes the maximum of every map over its pixels."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to (batch, channels)."""
        return x.amax((2, 3))


class Concat(nn.Module):
    """Branches side by side, their channels one after the other."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs of all branches on one input."""
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class SamePad(nn.Module):
    """Pads with zeros as TensorFlow's "same" does for a kernel with a stride, which torch's symmetric padding cannot.

    A side of n pixels comes out of the kernel as ceil(n / stride); an odd pixel of padding goes to the bottom or right.
    """

    def __init__(self, kernel: int, stride: int) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def extra_repr(self) -> str:
        """Return the settings, for printing."""
        return f"kernel={self.kernel}, stride={self.stride}"

    def forward(self, x: Tensor) -> Tensor:
        """Return the images with their padding."""
        top, bottom = self._sides(x.shape[2])
        left, right = self._sides(x.shape[3])
        return functional.pad(x, (left, right, top, bottom))

    def _sides(self, size: int) -> tuple[int, int]:
        steps = -(-size // self.stride) - 1
        total = max(steps * self.stride + self.kernel - size, 0)
        return total // 2, total - total // 2


class UnscaledBatchNorm2d(nn.BatchNorm2d):
    """Batch normalization with a bias but no scale: Keras's `scale=False`."""

    def __init__(self, channels: int, eps: float, momentum: float) -> None:
        super().__init__(channels, eps, momentum, affine=False)
        self.bias = nn.Parameter(torch.zeros(channels))


def batch_norm(channels: int, eps: float = 1e-3) -> nn.BatchNorm2d:
    """Return batch normalization of images with Keras's momentum, .99, which is .01 as torch counts it.

    The running variance is torch's unbiased one; Keras's is smaller by the factor (n - 1) / n of a batch's n pixels.
    """
    return nn.BatchNorm2d(channels, eps=eps, momentum=0.01)


def batch_norm_dense(features: int) -> nn.BatchNorm1d:
    """Return batch normalization of vectors, as `batch_norm` for images."""
    return nn.BatchNorm1d(features, eps=1e-3, momentum=0.01)


def conv_relu(in_channels: int, channels: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Sequential:
    """Return a convolution with its activation, as one layer."""
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, kernel, stride, padding),
        nn.ReLU(inplace=True),
    )


def dense_relu(in_features: int, features: int) -> nn.Sequential:
    """Return a dense layer with its activation, as one layer."""
    return nn.Sequential(nn.Linear(in_features, features), nn.ReLU(inplace=True))


def global_average_head(channels: int, num_classes: int) -> nn.Sequential:
    """Return the usual head: the average over all pixels, then one dense layer to the logits."""
    return keras_sequential(GlobalAveragePool(), nn.Linear(channels, num_classes))


def side_after(size: int, kernel: int, stride: int = 1) -> int:
    """Return the side in pixels that an unpadded kernel leaves of a side of `size` pixels."""
    return (size - kernel) // stride + 1


def glorot_uniform(model: Model) -> Model:
    """Draw all kernels as Keras does by default (Glorot and Bengio 2010), with zero biases; return the model."""
    for layer in _kernels(model):
        nn.init.xavier_uniform_(layer.weight)
    return model


def he_uniform(model: Model) -> Model:
    """Draw all kernels as Keras's `he_uniform` does (He et al. 2015), with zero biases; return the model."""
    for layer in _kernels(model):
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    return model


def he_normal(model: Model) -> Model:
    """Draw the kernels of convolutions by their outputs (He et al. 2015); return the model.

    Dense layers stay as torch draws them: the few outputs of a classifier would make its weights far too large.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return model


def _kernels(model: nn.Module) -> list[nn.Conv2d | nn.Linear]:
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    for layer in layers:
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return layers
