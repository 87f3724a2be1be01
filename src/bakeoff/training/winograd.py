"""Convolutions of 3x3 pixels with half of the multiplications, by Winograd's minimal filtering along the rows."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bakeoff.training.windows import border_of

LEAST_CHANNELS = 64  # of images and output, from which it is faster, by measurements
LEAST_PIXELS = 2048  # of all images of a batch, below which kernels are too much of the work
LEAST_WORK = 2**26  # pixels of a batch x channels of images x channels of output
MOST_SHARE = 0.6  # of the multiplications, where the last rows fill no tile
AT_ONCE = 2**20  # numbers of images, if one has fewer: what is between them and the output is several times as much

ROWS = 4  # of the output in a tile, for which six rows of the image are seen
BORDER = (1, 1)

_POINTS = 6  # 0, 1, -1, 2, -2 and infinity, at which the polynomials are multiplied whose coefficients are rows
_KERNEL_AT_POINTS = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)


def is_faster(layer: nn.Conv2d, x: Tensor) -> bool:
    """Whether a convolution of images (N, C, H, W) on a CPU is computed faster so, by its shape and the processor.

    It is where the processor has no wider vectors than AVX2. With those it was not measured: they multiply twice as
    fast beside the same memory, through which there are more passes this way.
    """
    shape = layer.kernel_size, layer.stride, border_of(layer)
    if shape != ((3, 3), (1, 1), BORDER) or x.dtype != torch.float32 or not _has_narrow_vectors():
        return False
    count, channels, height, width = x.shape
    pixels, kernels = count * height * width, layer.out_channels
    return (
        min(channels, kernels) >= LEAST_CHANNELS
        and pixels >= LEAST_PIXELS
        and pixels * channels * kernels >= LEAST_WORK
        and _tiles(height) * _POINTS <= MOST_SHARE * height * 3
    )


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return the convolution of images with one row and column of zeros around them.

    A tile of four rows of the output is computed from six rows of the image with six products in place of twelve:
    F(4, 3) of S. Winograd, Arithmetic Complexity of Computations, 1980, with the points of A. Lavin and S. Gray, Fast
    Algorithms for Convolutional Neural Networks, arXiv:1509.09308. Along the columns it stays a convolution, which
    needs less memory than tiles in both directions do. In float32 it errs by two to three times as much as torch, and
    by less in gradients of kernels, which is far below what tf32 or bfloat16 round. What is not finite spreads to the
    rows of its tile.

    Args:
        x: images, shape (N, C, H, W), at least one.
        weight: kernels, shape (K, C, 3, 3).
        bias: shape (K,), if there is one.

    Returns:
        Shape (N, K, H, W), in channels-last format.
    """
    y: Tensor = _Convolve.apply(x, weight, bias)
    return y


class _Convolve(torch.autograd.Function):
    """Its way back goes through the same points, so that each gradient takes half of the multiplications too."""

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        context.save_for_backward(x, weight)
        size = len(x), len(weight), *x.shape[2:]
        y = torch.empty(size, dtype=x.dtype, memory_format=torch.channels_last)
        kernels = _kernels_at_points(weight)
        for images, output in _parts(x, y):
            at_points = _convolved(_images_at_points(images), kernels, bias)
            _write_output(at_points, output)
        return y

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        (gradient,), (x, weight) = gradients, context.saved_tensors
        of_x, of_weight, of_bias = context.needs_input_grad
        if torch.is_grad_enabled():  # somebody wants gradients of these gradients, which only torch's own have
            found: tuple[Tensor | None, Tensor | None, Tensor | None] = torch.ops.aten.convolution_backward(
                gradient, x, weight, [len(weight)], (1, 1), BORDER, (1, 1), False, (0, 0), 1, [of_x, of_weight, of_bias]
            )
            return found
        kernels = _kernels_at_points(weight.flip(3).transpose(0, 1)) if of_x else []
        towards_x = [torch.empty_like(x, memory_format=torch.channels_last)] if of_x else []
        towards_kernels = weight.new_zeros(_POINTS, 3, *weight.shape[:2])
        for images, part, *place in _parts(x, gradient, *towards_x):
            at_points = _gradients_at_points(part)
            if place:
                _write_gradients(_convolved(at_points, kernels, None), *place)
            for products, one, other in zip(towards_kernels, at_points, _images_at_points(images), strict=True):
                _add_products(products, one, other)
        towards_weight = torch.tensordot(_points_of_kernels(weight), towards_kernels, ([0], [0])).permute(2, 3, 0, 1)
        return towards_x[0] if of_x else None, towards_weight, gradient.sum((0, 2, 3)) if of_bias else None


def _parts(*batches: Tensor) -> Iterator[list[Tensor]]:
    """Yield some images of each batch (N, C, H, W) at a time, as (N, H, W, C)."""
    step = max(1, AT_ONCE // max(batch[0].numel() for batch in batches))
    for first in range(0, len(batches[0]), step):
        yield [batch[first : first + step].permute(0, 2, 3, 1) for batch in batches]


def _tiles(height: int) -> int:
    return -(-height // ROWS)


def _points_of_kernels(like: Tensor) -> Tensor:
    return torch.tensor(_KERNEL_AT_POINTS, dtype=like.dtype)


def _kernels_at_points(weight: Tensor) -> list[Tensor]:
    """Return kernels of one row, (K, C, 1, 3), for each point."""
    rows = torch.tensordot(_points_of_kernels(weight), weight, ([1], [2]))
    return [row.unsqueeze(2).contiguous(memory_format=torch.channels_last) for row in rows]


def _convolved(at_points: Tensor, kernels: Sequence[Tensor], bias: Tensor | None) -> list[Tensor]:
    """Convolve the rows of each point. The bias goes with the point 1, of which all rows of an output have one."""
    biases = [bias if point == 1 else None for point in range(_POINTS)]
    return [
        functional.conv2d(rows.permute(0, 3, 1, 2), kernel, one, padding=(0, 1)).permute(0, 2, 3, 1)
        for rows, kernel, one in zip(at_points, kernels, biases, strict=True)
    ]


def _images_at_points(images: Tensor) -> Tensor:
    """Return images (N, H, W, C) at every point: (points, N, tiles, W, C)."""
    count, height, width, channels = images.shape
    tiles = _tiles(height)
    padded = functional.pad(images, (0, 0, 0, 0, 1, ROWS * tiles + 1 - height))
    row0, row1, row2, row3, row4, row5 = (padded[:, row : row + ROWS * tiles - 3 : ROWS] for row in range(_POINTS))
    out = images.new_empty(_POINTS, count, tiles, width, channels)
    even, odd = torch.sub(row4, row2, alpha=4), torch.sub(row3, row1, alpha=4)
    torch.add(even, odd, out=out[1])
    torch.sub(even, odd, out=out[2])
    torch.sub(row4, row2, out=even)
    torch.sub(row3, row1, out=odd)
    torch.add(even, odd, alpha=2, out=out[3])
    torch.sub(even, odd, alpha=2, out=out[4])
    torch.add(even, row0 - row2, alpha=4, out=out[0])
    torch.sub(row5 - row3, odd, alpha=4, out=out[5])
    return out


def _write_output(at_points: Sequence[Tensor], output: Tensor) -> None:
    """Write what comes of the points, each (N, tiles, W, K), into an output (N, H, W, K)."""
    zero, one, minus_one, two, minus_two, infinity = at_points
    even1, odd1, even2, odd2 = one + minus_one, one - minus_one, two + minus_two, two - minus_two
    row0, row1, row2, row3 = _rows(output)
    torch.add(zero, even1, out=row0).add_(even2)
    torch.add(*_above(row1, odd1, odd2), alpha=2, out=row1)
    torch.add(*_above(row2, even1, even2), alpha=4, out=row2)
    torch.add(*_above(row3, odd1, odd2), alpha=8, out=row3).add_(*_above(row3, infinity))


def _gradients_at_points(gradients: Tensor) -> Tensor:
    """Return gradients of an output (N, H, W, K) at every point: `_write_output`, transposed."""
    count, height, width, channels = gradients.shape
    tiles = _tiles(height)
    if height % ROWS:
        gradients = functional.pad(gradients, (0, 0, 0, 0, 0, ROWS * tiles - height))
    row0, row1, row2, row3 = _rows(gradients)
    out = gradients.new_empty(_POINTS, count, tiles, width, channels)
    out[0], out[5] = row0, row3
    even, odd = row0 + row2, row1 + row3
    torch.add(even, odd, out=out[1])
    torch.sub(even, odd, out=out[2])
    torch.add(row0, row2, alpha=4, out=even)
    torch.add(row1, row3, alpha=4, out=odd)
    torch.add(even, odd, alpha=2, out=out[3])
    torch.sub(even, odd, alpha=2, out=out[4])
    return out


def _write_gradients(at_points: Sequence[Tensor], gradients: Tensor) -> None:
    """Write what comes of the points into the gradients of images (N, H, W, C): `_images_at_points`, transposed."""
    zero, one, minus_one, two, minus_two, infinity = at_points
    even1, odd1, even2, odd2 = one + minus_one, one - minus_one, two + minus_two, two - minus_two
    row0, row1, row2, row3 = _rows(gradients)
    torch.sub(infinity, odd1, out=row0).mul_(4).sub_(odd2, alpha=2)
    row0[:, 1:].add_(infinity[:, :-1])  # the last row that a tile sees is the first of the next one
    torch.add(*_above(row1, even2, even1), alpha=4, out=row1).add_(*_above(row1, zero), alpha=5).neg_()
    torch.add(*_above(row2, odd1, odd2), alpha=2, out=row2).sub_(*_above(row2, infinity), alpha=5)
    torch.add(*_above(row3, even1, even2), out=row3).add_(*_above(row3, zero))
    seen = row3[:, : zero.shape[1] - 1]  # and the first that a tile sees the last of the one above
    seen.add_(zero[:, 1:], alpha=4)


def _rows(pixels: Tensor) -> list[Tensor]:
    """Return the first, second, third and last rows of all tiles, of which the lowest tile may lack some."""
    return [pixels[:, row::ROWS] for row in range(ROWS)]


def _above(row: Tensor, *at_points: Tensor) -> list[Tensor]:
    """Return what is for the tiles that have a row."""
    return [rows[:, : row.shape[1]] for rows in at_points]


def _add_products(products: Tensor, gradients: Tensor, images: Tensor) -> None:
    """Add the products of gradients (N, tiles, W, K) and the pixels to their left, of them and to their right.

    Pixels lie one behind the other in memory, so that each is one matrix product, in which the gradients whose pixel is
    one of another row must be zero. They are written over: nobody needs them any more.

    Args:
        products: of the three columns of kernels, shape (3, K, C).
        gradients: at a point.
        images: at this point, shape (N, tiles, W, C).
    """
    left, own, right = products
    pixels, rows = images.flatten(0, 2), gradients.flatten(0, 2).t()
    torch.addmm(own, rows, pixels, out=own)
    first = gradients[:, :, 0].clone()
    gradients[:, :, 0] = 0
    torch.addmm(left, rows[:, 1:], pixels[:-1], out=left)
    gradients[:, :, 0] = first
    gradients[:, :, -1] = 0
    torch.addmm(right, rows[:, :-1], pixels[1:], out=right)


@cache
def _has_narrow_vectors() -> bool:
    """Whether the CPU has AVX2 and nothing wider."""
    has = {name for name, there in torch.cpu.get_capabilities().items() if there}
    return "avx2" in has and not any(name.startswith(("avx512", "avx10")) for name in has)
