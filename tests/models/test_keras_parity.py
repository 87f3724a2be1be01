"""The networks against Keras itself: the same weights and images must give the same numbers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from keras_documents import DOCUMENTS, leaky_cnn, vgg_small
from torch import nn

from bakeoff.data.locations import Locations
from bakeoff.models import networks
from bakeoff.models.fitting import fit
from bakeoff.models.keras_files import read_keras, save_keras_weights
from bakeoff.models.keras_weights import keras_to_torch, torch_to_keras
from bakeoff.models.library import build
from bakeoff.models.stages import Stages
from bakeoff.models.weights import Loaded, load, locate
from bakeoff.specs.model import ModelSpec

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TOLERANCE = 1e-4  # of the largest output


def randomize(model: Any, seed: int = 0) -> None:
    """Draw biases, scales, shifts and running statistics too, which Keras sets to 0 and 1."""
    draw = np.random.default_rng(seed)
    for variable in model.variables:
        if variable.name in ("gamma", "moving_variance"):
            variable.assign(draw.uniform(0.5, 1.5, variable.shape))
        elif variable.name in ("bias", "beta", "moving_mean"):
            variable.assign(draw.normal(0, 0.1, variable.shape))


def weights_of(model: Any) -> dict[str, np.ndarray]:
    return {variable.path: variable.numpy() for variable in model.variables if "seed" not in variable.path}


def pictures(size: int, channels: int = 3, batch: int = 2) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(batch, size, size, channels)).astype("float32")


def to_torch(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def to_numpy(tensor: torch.Tensor) -> np.ndarray:
    return (tensor.permute(0, 2, 3, 1) if tensor.ndim == 4 else tensor).numpy()


def assert_same(ours: np.ndarray, theirs: np.ndarray, what: str = "") -> None:
    assert ours.shape == theirs.shape, what
    assert theirs.std() > 0, "nothing is compared"
    assert np.abs(ours - theirs).max() <= TOLERANCE * np.abs(theirs).max(), what


SMALL, LARGE = 5_000_000, 30_000_000  # parameters: up to which every format is tried, and from which none is


def assert_files_go_both_ways(theirs: Any, ours: nn.Module, another: Callable[[], nn.Module], folder: Path) -> None:
    """Read what Keras saves into a fresh network, and let Keras load what we save of ours."""
    if theirs.count_params() > LARGE:
        return
    fresh = another()
    formats = (".h5", ".weights.h5", ".keras") if theirs.count_params() < SMALL else (".weights.h5",)
    for suffix in formats:
        file = folder / f"theirs{suffix}"
        theirs.save_weights(file) if suffix == ".weights.h5" else theirs.save(file)
        found = fit(read_keras(file), fresh, (), fresh)
        found.load()
        assert found.left_out == ()
        wanted = ours.state_dict()
        assert all(tensor.equal(wanted[name]) for name, tensor in fresh.state_dict().items()), suffix
        for tensor in fresh.state_dict().values():
            tensor.zero_()

    before = weights_of(theirs)
    save_keras_weights(ours, folder / "ours.weights.h5")
    for variable in theirs.variables:
        if "seed" not in variable.path:
            variable.assign(np.zeros(variable.shape))
    theirs.load_weights(folder / "ours.weights.h5")
    after = weights_of(theirs)
    assert all(np.array_equal(after[path], array) for path, array in before.items())


@pytest.mark.parametrize(("name", "options", "size", "channels", "document"), DOCUMENTS)
def test_documents(keras, name, options, size, channels, document, tmp_path):
    theirs = document(keras)
    randomize(theirs)
    ours = networks.get(name).build(10, channels, size, **options)
    weights = weights_of(theirs)
    keras_to_torch(ours, weights)

    batch = pictures(size, channels)
    with torch.no_grad():
        assert_same(ours.eval()(to_torch(batch)).numpy(), theirs(batch, training=False).detach().numpy())
    back = torch_to_keras(ours)
    assert len(back) == len(weights)
    assert sum(array.size for array in back.values()) == theirs.count_params()
    assert_files_go_both_ways(theirs, ours, lambda: networks.get(name).build(10, channels, size, **options), tmp_path)


APPLICATIONS = [
    ("vgg16", {}, 33, "VGG16"),
    ("vgg19", {}, 32, "VGG19"),
    ("resnet50-keras", {}, 45, "ResNet50"),
    ("resnet50v2-keras", {}, 45, "ResNet50V2"),
    ("inceptionv3-keras", {}, 80, "InceptionV3"),
    ("mobilenet-keras", {"alpha": 0.25}, 45, "MobileNet"),
    ("mobilenet-keras", {"alpha": 0.5}, 33, "MobileNet"),
    ("mobilenet-keras", {"alpha": 0.75}, 32, "MobileNet"),
    ("mobilenet-keras", {}, 64, "MobileNet"),
]


@pytest.fixture
def application(keras, request) -> tuple[str, Callable[[], Stages], Any, int]:
    """Return the name of a backbone, what builds it, Keras's application with random weights, and the size."""
    name, options, size, theirs = request.param
    keras.utils.clear_session()  # so that automatic names start anew
    model = getattr(keras.applications, theirs)(include_top=False, weights=None, input_shape=(size, size, 3), **options)
    randomize(model)
    return name, lambda: networks.get(name).build(10, 3, size, **options).backbone.eval(), model, size


@pytest.mark.parametrize("application", APPLICATIONS, indirect=True)
def test_every_stage_of_an_application(keras, application, tmp_path):
    name, another, theirs, size = application
    ours = another()
    weights = weights_of(theirs)
    keras_to_torch(ours, weights)
    back = torch_to_keras(ours)
    assert back.keys() == weights.keys()
    assert all(np.array_equal(back[path], weights[path]) for path in weights)

    places = {layer.name: place for place, layer in enumerate(theirs.layers)}
    assert [places[stage] for stage in ours.names] == sorted(places[stage] for stage in ours.names)
    assert ours.names[-1] == theirs.layers[-1].name

    batch = pictures(size)
    tapped = keras.Model(theirs.input, [theirs.get_layer(stage).output for stage in ours.names])
    with torch.no_grad():
        expected = tapped(batch, training=False)
        x = to_torch(batch)
        for stage, features in zip(ours.names, expected, strict=True):
            x = ours.get_submodule(stage)(x)
            assert_same(to_numpy(x), features.numpy(), f"{name}: {stage}")
    assert_files_go_both_ways(theirs, ours, another, tmp_path)


def arrays_in(file: Path, group: str) -> dict[str, np.ndarray]:
    """Return what a file holds, by nothing but the paths in it."""
    arrays: dict[str, np.ndarray] = {}

    def visit(path: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[path] = item[()]

    with h5py.File(file) as content:
        content[group].visititems(visit)
    return arrays


@pytest.mark.parametrize(("suffix", "group"), [(".h5", "model_weights"), (".weights.h5", "layers")])
def test_paths_as_they_lie_in_files(keras, suffix, group, tmp_path):
    theirs = vgg_small(keras)
    randomize(theirs)
    file = tmp_path / f"model{suffix}"
    theirs.save(file) if suffix == ".h5" else theirs.save_weights(file)
    ours = networks.get("vgg-small").build(10, 3, 32).eval()
    keras_to_torch(ours, arrays_in(file, group))
    batch = pictures(32)
    with torch.no_grad():
        assert_same(to_numpy(ours(to_torch(batch))), theirs(batch, training=False).numpy())


def started(spec: dict[str, Any], file: Path, size: int) -> tuple[nn.Module, Loaded]:
    """Return a network with the weights of a file, as a study makes it."""
    asked = ModelSpec.parse({**spec, "weights": str(file)})
    located = locate(asked, Locations(cache=file.parent, offline=True))
    assert located is not None
    model = build(asked, 10, 3, size)
    return model.eval(), load(model, asked, located, 3, size)


MOBILENET = {"name": "mobilenet-keras", "options": {"alpha": 0.25}}

HEAD_A = {"pool": "flatten", "head": [40, {"dropout": 0.2}, 20, {"dropout": 0.2}]}


@pytest.mark.parametrize("suffix", [".h5", ".weights.h5", ".keras"])
def test_a_user_saved_a_head_on_an_application(keras, suffix, tmp_path):
    """Document A's model, with the application as a model inside the model."""
    layers = keras.layers
    backbone = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(32, 32, 3), alpha=0.25)
    head = [layers.Flatten(), layers.Dense(40, "relu"), layers.Dropout(0.2), layers.Dense(20, "relu")]
    theirs = keras.Sequential([keras.Input((32, 32, 3)), backbone, *head, layers.Dropout(0.2), layers.Dense(10)])
    randomize(theirs)
    file = tmp_path / f"users{suffix}"
    theirs.save_weights(file) if suffix == ".weights.h5" else theirs.save(file)
    batch = pictures(32)
    with torch.no_grad():
        ours, loaded = started({**MOBILENET, **HEAD_A}, file, 32)
        assert loaded == Loaded((), (), "")
        assert_same(ours(to_torch(batch)).numpy(), theirs(batch, training=False).numpy())
        other, loaded = started({**MOBILENET, "head": [7]}, file, 32)
        assert (loaded.fresh, len(loaded.left_out)) == (("head",), 3)
        assert_same(to_numpy(other.backbone(to_torch(batch))), backbone(batch, training=False).numpy())


def test_a_user_saved_a_trained_model_with_augmentation_inside(keras, tmp_path):
    layers = keras.layers
    augment = keras.Sequential([keras.Input((32, 32, 3)), layers.RandomFlip(), layers.RandomRotation(0.2)])
    theirs = keras.Sequential([keras.Input((32, 32, 3)), augment, *leaky_cnn(keras, dropout=True).layers])
    theirs.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    theirs.fit(pictures(32), np.array([1, 2]), verbose=0)
    theirs.save(tmp_path / "trained.keras")
    ours, loaded = started({"name": "leaky-cnn-dropout"}, tmp_path / "trained.keras", 32)
    assert loaded == Loaded((), (), "")
    batch = pictures(32)
    with torch.no_grad():
        assert_same(ours(to_torch(batch)).numpy(), theirs(batch, training=False).detach().numpy())


@pytest.mark.parametrize(
    ("file", "alpha", "last"),
    [
        ("mobilenet_2_5_224_tf_no_top.h5", 0.25, "conv_pw_13_relu"),
        ("mobilenet_2_5_224_tf_no_top.h5", 0.25, "conv_pw_6_relu"),
        ("mobilenet_1_0_to_conv_pw_12.weights.h5", 1.0, "conv_pw_12_relu"),
    ],
)
def test_real_weights_give_kerass_features(keras, real_weights, file, alpha, last):
    make = keras.applications.MobileNet
    theirs = make(include_top=False, weights=None, input_shape=(64, 64, 3), alpha=alpha)
    in_file = "conv_pw_12_relu" if "conv_pw_12" in file else "conv_pw_13_relu"
    theirs = keras.Model(theirs.input, theirs.get_layer(in_file).output)
    theirs.load_weights(real_weights / file)
    theirs = keras.Model(theirs.input, theirs.get_layer(last).output)
    spec = {"name": "mobilenet-keras", "options": {"alpha": alpha}, "tap": last}
    ours, _ = started(spec, real_weights / file, 64)
    batch = pictures(64).clip(-1, 1)
    with torch.no_grad():
        assert_same(to_numpy(ours.backbone(to_torch(batch))), theirs(batch, training=False).numpy())
