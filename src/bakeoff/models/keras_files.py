"""Files of weights as Keras writes them: `.h5`, `.weights.h5` and `.keras` are read, and `.weights.h5` written.

Neither needs Keras, and no code in the files is run.

The formats are those of keras/src/legacy/saving/legacy_h5_format.py and keras/src/saving/saving_lib.py in Keras 3.
"""

import io
import re
import zipfile
from collections import Counter
from pathlib import Path

import h5py
from torch import nn

from bakeoff import durable
from bakeoff.errors import ModelError
from bakeoff.models.hdf5 import MAX_BYTES, MAX_RATIO, Hdf5, opened
from bakeoff.models.keras_weights import Array, KerasWeights, in_keras_order
from bakeoff.models.trial import reason

_MEMBER = "model.weights.h5"
_NO_LAYERS = ("optimizer", "seed_generator")  # groups of a Keras 3 file that hold no weights of layers

Layers = dict[str, dict[str, Array]]


def read_keras(path: Path) -> KerasWeights:
    """Return the weights in a file of Keras's; the rest of it, such as the description of a model, is not looked at.

    Args:
        path: legacy HDF5 with the weights or the whole model, Keras 3's `.weights.h5`, or a `.keras` archive.

    Raises:
        ModelError: it is none of these, or damaged, or could do harm.
    """
    source = _unpacked(path) if path.suffix == ".keras" else path
    size = path.stat().st_size if isinstance(source, Path) else len(source.getbuffer())
    with opened(source, size) as file:
        is_legacy = "model_weights" in file.root or file.names(file.root, "layer_names")
        layers = _legacy_layers(file) if is_legacy else _layers(file)
    if not layers:
        raise ModelError("it holds no weights of layers; save it with save_weights() in Keras")
    return KerasWeights(layers)


def save_keras_weights(model: nn.Module, path: Path) -> None:
    """Write a network's weights so that `keras.Model.load_weights` takes them for the same network in Keras.

    Args:
        model: convolutions, dense layers and batch normalization, in one model without models inside it.
        path: ends in `.weights.h5`.

    Raises:
        ModelError: a layer has no counterpart in Keras, or the path has another ending.
    """
    if not path.name.endswith(".weights.h5"):
        raise ModelError(f"{path}: Keras reads weights from files whose name ends in .weights.h5; call it so")
    counts: Counter[str] = Counter()
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for layer in in_keras_order(model):
            number = f"_{counts[layer.kind]}" if counts[layer.kind] else ""
            counts[layer.kind] += 1
            group = file.create_group(f"layers/{layer.kind}{number}/vars")
            group.attrs["name"] = layer.name
            for place, view in enumerate(layer.variables.values()):
                group[str(place)] = view.detach().cpu().contiguous().numpy()
    durable.write(path, content.getvalue())


def _unpacked(path: Path) -> io.BytesIO:
    """Return the file of weights in a `.keras` archive. Nothing else of it is unpacked, and nothing onto the disk."""
    try:
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo(_MEMBER)
            if member.file_size > min(MAX_BYTES, MAX_RATIO * member.compress_size):
                raise ModelError(f"{_MEMBER} in it unpacks to {member.file_size:,} bytes, which no real weights do")
            return io.BytesIO(archive.read(member))
    except KeyError:
        raise ModelError(f"it has no {_MEMBER} in it; save it with model.save() or save_weights() in Keras 3") from None
    except ModelError:
        raise
    except Exception as error:  # zipfile raises nearly everything for damaged files
        raise ModelError(f"it is no archive of Keras, or a damaged one ({reason(error)})") from None


def _legacy_layers(file: Hdf5) -> Layers:
    root = file.child(file.root, "model_weights") if "model_weights" in file.root else file.root
    layers: Layers = {}
    for name in file.names(root, "layer_names"):
        group = file.child(root, name)
        paths = file.names(group, "weight_names")
        # A model within the model has weights of several layers, whose names are in the paths.
        nested = len({path.rpartition("/")[0] for path in paths}) > 1
        for path in paths:
            above, _, variable = path.rpartition("/")
            layer = above.rpartition("/")[2] if nested else name
            _add(layers, layer, variable.removesuffix(":0"), file.array(file.child(group, path)))
    return layers


def _layers(file: Hdf5) -> Layers:
    layers: Layers = {}

    def visit(group: h5py.Group) -> None:
        for name, part in sorted(file.children(group), key=lambda child: _numbered(child[0])):
            if not isinstance(part, h5py.Group) or name in (*_NO_LAYERS, "vars"):
                continue
            if "vars" in part:
                variables = file.child(part, "vars")
                layer = "".join(file.names(variables, "name")) or name  # early Keras 3 tells no names
                for place, dataset in file.children(variables):
                    _add(layers, layer, place, file.array(dataset))
            visit(part)

    visit(file.root)
    return layers


def _numbered(name: str) -> tuple[str, int]:
    """Return a key that sorts `conv2d_2` before `conv2d_10`: the order in which Keras lists the layers of a class."""
    found = re.fullmatch(r"(.*?)_?(\d+)?", name)
    assert found is not None
    return found[1], int(found[2] or 0)


def _add(layers: Layers, layer: str, variable: str, array: Array) -> None:
    arrays = layers.setdefault(layer, {})
    if variable in arrays:
        raise ModelError(f"it has two layers {layer!r}; give the weights of one network")
    arrays[variable] = array
