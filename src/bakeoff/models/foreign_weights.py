"""Weights that timm and torchvision publish for their networks, and what these expect of images."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from bakeoff.errors import ModelError
from bakeoff.models import foreign
from bakeoff.models.downloads import Published
from bakeoff.models.expectation import Expectation, mode_of
from bakeoff.models.hub import Repository
from bakeoff.models.state_dicts import StateDict
from bakeoff.specs.model import ModelSpec

_HASH = re.compile(r"-([0-9a-f]{8,})\.\w+$")  # the first digits of the SHA-256, as torch.hub has them in names


def published(library: str, name: str) -> Repository | Published:
    """Return where a library publishes the weights of a network: a repository of the hub, or a file.

    timm's are those of the tag, else of its default tag; torchvision's are its default ones.

    Raises:
        ModelError: if it publishes none.
    """
    config = _timm_config(name) if library == "timm" else None
    repository, url = (config.hf_hub_id, config.url) if config else ("", "")
    if library == "torchvision" and (weights := _torchvision_weights(name)):
        url = weights.url
    if repository:
        return Repository.parse(repository)
    if not url:
        raise ModelError(f"{library}:{name}: {library} publishes no weights for it; give weights: random, or a file")
    digits = _HASH.search(url)
    return Published(url, f"sha256:{digits[1]}" if digits else "")


def expected_by(library: str, name: str) -> Expectation | None:
    """Return what a library's weights of a network expect; None where that is not known, or cannot be given here."""
    if library == "timm":
        config = _timm_config(name)
        return _expectation(config.input_size, config.mean, config.std) if config else None
    weights = _torchvision_weights(name)
    if weights is None:
        return None
    transforms = weights.transforms()
    # Ported from TensorFlow; torchvision turns its usual normalization into theirs inside the network, which is built
    # here without that.
    if name in ("googlenet", "inception_v3"):
        return Expectation(transforms.crop_size[0], "tf")
    return _expectation(transforms.crop_size, transforms.mean, transforms.std)


def expected_in(config: Path) -> Expectation | None:
    """Return what the `config.json` of a repository of timm's kind tells; None where that is nothing."""
    try:
        content = json.loads(config.read_text(encoding="utf-8"))
        given = content.get("pretrained_cfg", content)
        return _expectation(given["input_size"], given["mean"], given["std"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError):
        return None


def adapted(weights: StateDict, spec: ModelSpec, name: str, in_channels: int, image_size: int) -> StateDict | None:
    """Return weights as timm makes them fit: renamed from older layouts, and resized to other images.

    Args:
        weights: of one of timm's networks.
        spec: gives the network's options.
        name: of the network in timm.
        in_channels: channels of the images.
        image_size: height and width of the images in pixels.

    Returns:
        The weights; None where timm cannot make them fit either.
    """
    config = _timm_config(name)
    if config is None:
        return None
    source: Mapping[str, Any] = {
        "pretrained": True,
        "pretrained_cfg_overlay": {"state_dict": dict(weights.tensors), "source": "", "custom_load": False},
    }
    create = foreign.LIBRARIES["timm"].create
    try:
        with torch.random.fork_rng(devices=[]):
            model = create(name, config.num_classes, in_channels, image_size, {**spec.options, **source})
    except Exception:  # timm raises nearly everything for weights of another network
        return None
    return StateDict(model.state_dict())


def _timm_config(name: str) -> Any:
    from timm.models import get_pretrained_cfg

    return get_pretrained_cfg(name)


def _torchvision_weights(name: str) -> Any:
    from torchvision import models

    return getattr(models.get_model_weights(name), "DEFAULT", None)


def _expectation(size: Any, mean: Any, deviation: Any) -> Expectation | None:
    return Expectation.told(int(size[-1]), mode_of(mean, deviation))
