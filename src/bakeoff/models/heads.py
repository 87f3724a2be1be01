"""What turns features into logits: pooling, the declared layers, and one logit per class."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from bakeoff.errors import SpecError
from bakeoff.models.layers import (
    Flatten,
    GlobalAveragePool,
    GlobalMaxPool,
    batch_norm_dense,
    glorot_uniform,
    keras_sequential,
)
from bakeoff.specs.model import HeadLayer

_MAPS: dict[str, Callable[[], nn.Module]] = {"flatten": Flatten, "avg": GlobalAveragePool, "max": GlobalMaxPool}
_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "leaky-relu": lambda: nn.LeakyReLU(0.1, inplace=True),
    "gelu": nn.GELU,
}


class TokenPool(nn.Module):
    """Makes tokens (batch, tokens, channels) a vector.

    Args:
        how: `flatten` puts all tokens one after the other; `avg` and `max` look at those of the image alone.
        prefix: how many tokens stand before those of the image.
    """

    def __init__(self, how: str, prefix: int) -> None:
        super().__init__()
        self.how, self.prefix = how, prefix

    def extra_repr(self) -> str:
        """Return the settings, for printing."""
        return f"how={self.how}, prefix={self.prefix}"

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, channels), or (batch, tokens * channels) where it flattens."""
        if self.how == "flatten":
            return x.flatten(1)
        tokens = x[:, self.prefix :] if self.prefix < x.shape[1] else x
        return tokens.mean(1) if self.how == "avg" else tokens.amax(1)


def build_head(
    feature_shape: tuple[int, ...],
    prefix_tokens: int,
    pool: str | None,
    layers: Sequence[HeadLayer],
    num_classes: int,
) -> nn.Sequential:
    """Return a head with freshly drawn weights: Glorot's uniform kernels and zero biases, as in Keras.

    Its first layer pools; the names of all are Keras's.

    Args:
        feature_shape: of one image: (channels, height, width) of maps, (tokens, channels), or (features,).
        prefix_tokens: how many of the tokens are none of the image.
        pool: flatten, avg or max; None: avg, except for vectors, which need none.
        layers: between pooling and logits.
        num_classes: number of logits.

    Raises:
        SpecError: if vectors are to be averaged, or their maximum taken.
    """
    row, size = _pooling(feature_shape, prefix_tokens, pool)
    for layer in layers:
        match layer.kind:
            case "dense":
                assert layer.size is not None, "the spec has checked it"
                row.append(_dense(size, layer.size, layer.activation))
                size = layer.size
            case "dropout":
                assert layer.rate is not None, "the spec has checked it"
                row.append(nn.Dropout(layer.rate))
            case "batch-norm":
                row.append(batch_norm_dense(size))
    return glorot_uniform(keras_sequential(*row, nn.Linear(size, num_classes)))


def _pooling(feature_shape: tuple[int, ...], prefix_tokens: int, pool: str | None) -> tuple[list[nn.Module], int]:
    """Return the first layer of a head and how many features it gives."""
    match feature_shape:
        case (features,):
            if pool in ("avg", "max"):
                raise SpecError(f"pool: {pool} needs maps, and the tap gives {features} features; tap an earlier one")
            return [nn.Identity()], features
        case (tokens, channels):
            how = pool or "avg"
            return [TokenPool(how, prefix_tokens)], tokens * channels if how == "flatten" else channels
        case (channels, height, width):
            how = pool or "avg"
            return [_MAPS[how]()], channels * height * width if how == "flatten" else channels
    raise AssertionError(f"features of the shape {feature_shape} are no maps, tokens or vectors")


def _dense(features: int, size: int, activation: str) -> nn.Module:
    dense = nn.Linear(features, size)
    return dense if activation == "none" else nn.Sequential(dense, _ACTIVATIONS[activation]())
