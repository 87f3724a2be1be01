"""Features from inside a network of another library, which runs up to a tap and no further."""

from collections.abc import Set
from math import isqrt
from typing import Any

from torch import Tensor, nn

from bakeoff.errors import ModelError
from bakeoff.models.trial import trial


class _Reached(Exception):  # noqa: N818, it is no error
    """Leaves a network with the features of the tap."""

    def __init__(self, features: Any) -> None:
        self.features = features


def _leave_after(_module: nn.Module, _inputs: Any, output: Any) -> None:
    raise _Reached(output)


class _Exit(nn.Module):
    """Stands where the classifier was."""

    def forward(self, x: Tensor) -> Tensor:
        raise _Reached(x)


class EarlyExit(nn.Module):
    """A network up to a tap. What lies behind the tap is removed, so that it costs neither time nor weights.

    It gives maps (batch, channels, height, width), tokens (batch, tokens, channels) or vectors (batch, features);
    maps with their channels last, as some transformers have them, are turned.

    Args:
        network: of timm or torchvision. It is changed.
        tap: the path of the module whose output is used. None: timm's features before pooling and classifier, and
            what torchvision gives to the classifier.
        classifier: the path of torchvision's classifier.
        in_channels: channels of the images.
        image_size: height and width of the images in pixels.

    Attributes:
        feature_shape: shape of the features of one image.
        prefix_tokens: how many of the tokens are none of the image, such as the class token.

    Raises:
        ModelError: if the network cannot take such images, or gives several tensors there.
    """

    def __init__(self, network: nn.Module, tap: str | None, classifier: str, in_channels: int, image_size: int) -> None:
        super().__init__()
        self.network = network
        self._tap = tap
        self._to_the_end = tap is None and hasattr(network, "forward_features")
        if tap is not None:
            network.get_submodule(tap).register_forward_hook(_leave_after)
        elif not self._to_the_end:
            network.set_submodule(classifier, _Exit())
        self._channels_last = False
        self._remove_the_rest(in_channels, image_size)
        features = trial(self, in_channels, image_size)
        if not isinstance(features, Tensor) or features.ndim not in (2, 3, 4):
            raise ModelError(f"{type(network).__name__} gives no single tensor of features {_there(tap)}; tap another")
        self._channels_last = _has_channels_last(features, getattr(network, "output_fmt", None))
        self.feature_shape = tuple((features.permute(0, 3, 1, 2) if self._channels_last else features).shape[1:])
        # Square images have a square number of patches: then there are only those.
        only_patches = features.ndim != 3 or isqrt(features.shape[1]) ** 2 == features.shape[1]
        self.prefix_tokens: int = 0 if only_patches else getattr(network, "num_prefix_tokens", 0)

    def extra_repr(self) -> str:
        """Return the settings, for printing."""
        return f"tap={self._tap}"

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of images (batch, channels, height, width)."""
        features: Tensor
        if self._to_the_end:
            features = self.network.forward_features(x)  # type: ignore[operator]
        else:
            try:
                self.network(x)
            except _Reached as reached:
                features = reached.features
            else:
                raise AssertionError("the tap did not run")
        return features.permute(0, 3, 1, 2) if self._channels_last else features

    def _remove_the_rest(self, in_channels: int, image_size: int) -> None:
        """Replace every module that a trial does not enter."""
        entered: set[nn.Module] = set()
        ended: set[nn.Module] = set()
        handles = []
        for module in self.network.modules():
            # Before the hook of the tap, which leaves.
            handles.append(module.register_forward_hook(lambda module, *_: ended.add(module), prepend=True))
            handles.append(module.register_forward_pre_hook(lambda module, _: entered.add(module)))
        try:
            trial(self, in_channels, image_size)
        finally:
            for handle in handles:
                handle.remove()
        _remove_unused(self.network, entered, ended)


def taps(network: nn.Module, in_channels: int, image_size: int) -> list[str]:
    """Return the paths of the modules that can be tapped, in the order in which they give their output.

    Raises:
        ModelError: if the network cannot take such images.
    """
    outputs: dict[str, Any] = {}
    handles = [
        module.register_forward_hook(lambda _, __, output, path=path: outputs.setdefault(path, output))
        for path, module in network.named_modules()
        if path
    ]
    try:
        logits = trial(network, in_channels, image_size)
    finally:
        for handle in handles:
            handle.remove()
    return [
        path
        for path, output in outputs.items()
        if isinstance(output, Tensor) and output.ndim in (2, 3, 4) and output is not logits
    ]


def _remove_unused(module: nn.Module, entered: Set[nn.Module], ended: Set[nn.Module]) -> None:
    for name, child in module._modules.items():
        # What ran to its end may use its parts without calling them.
        if child is None or child in ended:
            continue
        if any(part in entered for part in child.modules()):
            _remove_unused(child, entered, ended)
        else:
            module._modules[name] = nn.Identity()


def _has_channels_last(features: Tensor, declared: object) -> bool:
    """Tell the order of the axes by the declaration of timm, else by the height that equals the width."""
    if features.ndim != 4:
        return False
    _, first, second, third = features.shape
    return (first == second != third) or (first == second == third and "NHWC" in str(declared))


def _there(tap: str | None) -> str:
    return "at its end" if tap is None else f"at {tap!r}"
