"""How the windows of a convolution without dilation lie on images."""

from torch import Tensor, nn


def border_of(layer: nn.Conv2d) -> tuple[int, int]:
    """Return how many zeros are put above and below, and left and right."""
    if isinstance(layer.padding, str):
        height, width = layer.kernel_size
        return (height // 2, width // 2) if layer.padding == "same" else (0, 0)
    return layer.padding[0], layer.padding[1]


def sides_of(layer: nn.Conv2d, x: Tensor) -> tuple[int, int]:
    """Return height and width of the output for images (N, C, H, W), below 1 where they are smaller than a window."""
    sides = zip(x.shape[2:], border_of(layer), layer.kernel_size, layer.stride, strict=True)
    height, width = ((side + 2 * border - kernel) // stride + 1 for side, border, kernel, stride in sides)
    return height, width
