"""Networks with their weights, as a study makes them."""

import hashlib
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from bakeoff.data.locations import Locations
from bakeoff.models.library import build
from bakeoff.models.weights import Loaded, Located, load, locate
from bakeoff.specs.model import ModelSpec

QUARTER = {"name": "mobilenet-keras", "options": {"alpha": 0.25}}

PUBLISHED = "mobilenet_2_5_224_tf_no_top.h5"

CUT = "mobilenet_1_0_to_conv_pw_12.weights.h5"


def built(spec: dict[str, Any], *, classes: int = 10, channels: int = 3, size: int = 32, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build(ModelSpec.parse(spec), classes, channels, size).eval()


def started(
    spec: dict[str, Any], where: Locations, *, classes: int = 10, channels: int = 3, size: int = 32
) -> tuple[nn.Module, Located, Loaded]:
    """Return a network with its weights, as a study makes it."""
    located = locate(ModelSpec.parse(spec), where)
    assert located is not None
    assert located.sha256 == hashlib.sha256(located.path.read_bytes()).hexdigest()
    model = built(spec, classes=classes, channels=channels, size=size, seed=1)
    drawn = torch.get_rng_state()
    loaded = load(model, ModelSpec.parse(spec), located, channels, size)
    assert torch.get_rng_state().equal(drawn), "loading drew random numbers"
    return model, located, loaded


def same(first: nn.Module, second: nn.Module) -> bool:
    return all(second.state_dict()[name].equal(tensor) for name, tensor in first.state_dict().items())


def saved(model: nn.Module, path: Path, metadata: dict[str, str] | None = None) -> str:
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, path, metadata)
    return str(path)
