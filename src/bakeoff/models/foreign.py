"""Networks of timm and torchvision by name, adapted to the classes, channels and size of the data.

Both libraries take seconds to import, so that they are imported only when a name must be theirs.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

from torch import nn

from bakeoff.errors import ModelError, SpecError
from bakeoff.models import Network
from bakeoff.models.trial import reason, trial

# Arguments of the libraries' functions that are not options of a network: what the data says, and where weights
# come from, which may mean downloads and unpickling.
_NOT_OPTIONS = frozenset(
    {
        *("num_classes", "in_chans", "img_size", "image_size", "input_size", "features_only", "out_indices"),
        *("pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "cache_dir", "weights"),
        *("scriptable", "exportable", "no_jit", "progress", "aux_logits", "init_weights"),
    }
)


@dataclass(frozen=True)
class Library:
    """A library of networks.

    Attributes:
        names: lists the names of its networks.
        create: returns a network from its name, classes, channels, image size and options.
    """

    names: Callable[[], list[str]]
    create: Callable[[str, int, int, int, Mapping[str, Any]], nn.Module]


def network(library: str, name: str) -> Network:
    """Return a network of a library; its smallest input is not known before a trial."""

    def build(num_classes: int, in_channels: int, image_size: int, **options: Any) -> nn.Module:
        if refused := sorted(_NOT_OPTIONS & options.keys()):
            raise SpecError(f"{library}:{name}: {refused[0]!r} is not an option of the network; leave it out")
        try:
            model = LIBRARIES[library].create(name, num_classes, in_channels, image_size, options)
        except SpecError:
            raise
        except Exception as error:  # a library may raise anything
            raise ModelError(
                f"{library}:{name} cannot be built for images of {image_size}x{image_size} pixels "
                f"({reason(error)}); give it another image_size or other options"
            ) from error
        logits = trial(model, in_channels, image_size, f"{library}:{name}")
        if getattr(logits, "shape", None) != (1, num_classes):
            raise ModelError(f"{library}:{name} does not give one logit for each class; choose a classifier")
        return model

    build.__doc__ = f"{name} of {library}."
    return Network(build, None, f"{library} {version(library)}")


@cache
def _timm_names() -> list[str]:
    import timm

    return [*timm.list_models(), *timm.list_pretrained()]


def _create_timm(
    name: str, num_classes: int, in_channels: int, image_size: int, options: Mapping[str, Any]
) -> nn.Module:
    import timm

    def create(**arguments: Any) -> nn.Module:
        model: nn.Module = timm.create_model(name, num_classes=num_classes, in_chans=in_channels, **arguments)
        return model

    return _with_size(name, create, [{"img_size": image_size}, {}], options)


@cache
def _torchvision_names() -> list[str]:
    from torchvision import models

    return list(models.list_models(module=models))


def _create_torchvision(
    name: str, num_classes: int, in_channels: int, image_size: int, options: Mapping[str, Any]
) -> nn.Module:
    from torchvision import models

    # Without its auxiliary classifiers, whose logits would come beside the others in training.
    plain = {"aux_logits": False, "init_weights": True} if name in ("googlenet", "inception_v3") else {}

    def create(**arguments: Any) -> nn.Module:
        model: nn.Module = models.get_model(name, weights=None, num_classes=num_classes, **plain, **arguments)
        return model

    sizes: list[dict[str, Any]] = [{"image_size": image_size}, {"input_size": (image_size, image_size)}, {}]
    model = _with_size(name, create, sizes, options)
    _set_channels(model, in_channels)
    return model


def _with_size(
    name: str, create: Callable[..., nn.Module], sizes: list[dict[str, Any]], options: Mapping[str, Any]
) -> nn.Module:
    """Create a network with the first way to give it the size of its input that it knows; the last gives none."""
    for size in sizes:
        try:
            return create(**size, **options)
        except TypeError as error:
            unknown = re.search(r"unexpected keyword argument.*?'(\w+)'", str(error))
            if unknown and unknown[1] in options:
                raise SpecError(f"{name}: unknown option {unknown[1]!r}; leave it out") from None
            if not unknown or unknown[1] not in size:
                raise
    raise AssertionError("the last way gives no size, so that it cannot be an unknown argument")


def _set_channels(model: nn.Module, channels: int) -> None:
    """Make the first convolution take so many channels; its weights are then drawn as torch draws them by default."""
    stem = next(layer for layer in model.modules() if isinstance(layer, nn.Conv2d))
    if stem.in_channels != channels:
        stem.in_channels = channels
        stem.weight = nn.Parameter(stem.weight.new_empty(stem.out_channels, channels, *stem.kernel_size))
        stem.reset_parameters()


LIBRARIES = {
    "timm": Library(_timm_names, _create_timm),
    "torchvision": Library(_torchvision_names, _create_torchvision),
}
