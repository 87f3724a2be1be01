"""Files of weights as torch lays them out: `.safetensors`, `.pth`, `.pt` and `.bin`, read without running any code."""

import argparse
import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from bakeoff.errors import ModelError
from bakeoff.models.fitting import Match, Slot
from bakeoff.models.trial import reason

MAX_BYTES = 4 << 30
MAX_RATIO = 2  # of what a zipped file unpacks to; torch does not compress

_PREFIXES = ("", "backbone.", "backbone.network.")  # of the backbone in a `Classifier`, and in an `EarlyExit` there
_WRAPPERS = re.compile(r"^(module\.|_orig_mod\.)+")  # of DistributedDataParallel and torch.compile
_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.(?=[12]\.)")  # names as torchvision had them once
_AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")  # torchvision's further classifiers, which networks here do not have
_ENTRIES = ("state_dict_ema", "model_ema", "state_dict", "model")  # of checkpoints, the averaged weights first


@dataclass(frozen=True)
class StateDict:
    """Weights by torch's names."""

    tensors: Mapping[str, Tensor]

    def slots(self, network: nn.Module) -> list[Slot]:
        """Return the slots of a network: its weights and statistics, without counters of batches."""
        kept = network.state_dict(keep_vars=True)
        return [
            Slot(name, tensor, network.get_submodule(name.rpartition(".")[0]))
            for name, tensor in kept.items()
            if not _is_counter(name)
        ]

    def match(self, network: nn.Module) -> Match:
        """Pair weights of the same name, also where they are of a backbone with a head."""
        names = {slot.name for slot in self.slots(network)}
        prefix = max(_PREFIXES, key=lambda prefix: len(names & self._stripped(prefix).keys()))
        weights = self._stripped(prefix)
        surplus = {name: tensor for name, tensor in weights.items() if name not in names}
        # What lies beside the backbone is the head.
        beside = [name for name in self.tensors if prefix and not name.startswith(prefix)]
        auxiliary = [name for name in surplus if name.startswith(_AUXILIARY)]
        surplus = {name: tensor for name, tensor in surplus.items() if name not in auxiliary}
        given = {name: tensor for name, tensor in weights.items() if name in names}
        return Match(given, surplus, tuple(name for name in (*beside, *auxiliary) if not _is_counter(name)))

    def _stripped(self, prefix: str) -> dict[str, Tensor]:
        return {
            name.removeprefix(prefix): tensor
            for name, tensor in self.tensors.items()
            if name.startswith(prefix) and not _is_counter(name)
        }


def read_state_dict(path: Path) -> StateDict:
    """Return the weights in a file: of a network, or of a checkpoint that has them among other things.

    Raises:
        ModelError: it holds no weights, or is damaged, or would run code.
    """
    try:
        content: Any = load_file(path) if path.suffix == ".safetensors" else _unpickled(path)
    except ModelError:
        raise
    except pickle.UnpicklingError as error:
        if called := re.search(r"GLOBAL ([\w.]+)", str(error)):
            raise ModelError(
                f"it would call {called[1]} when loaded, which may run any code, and is refused; "
                "save only the weights, best as .safetensors"
            ) from None
        if "Unsupported operand" in str(error):
            raise ModelError(
                "it is pickled in a way that could run any code, and is refused; save the weights as .safetensors"
            ) from None
        raise ModelError("it is no file of weights, or a damaged one") from None
    except Exception as error:  # torch raises nearly everything for damaged files
        raise ModelError(f"it is no file of weights, or a damaged one ({reason(error)})") from None
    for entry in _ENTRIES:
        if isinstance(content, Mapping) and isinstance(content.get(entry), Mapping):
            content = content[entry]
            break
    if not isinstance(content, Mapping) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise ModelError("it holds no weights by name; save model.state_dict()")
    return StateDict({_DENSENET.sub(r"\1", _WRAPPERS.sub("", str(name))): weight for name, weight in content.items()})


def _unpickled(path: Path) -> Any:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > min(MAX_BYTES, MAX_RATIO * path.stat().st_size):
            raise ModelError(f"it unpacks to {unpacked:,} bytes, which no real weights do")
    # timm keeps its arguments beside the weights; torch warns of newer pickles before it refuses them.
    with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings(action="ignore"):
        return torch.load(path, map_location="cpu", weights_only=True)


def _is_counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")
