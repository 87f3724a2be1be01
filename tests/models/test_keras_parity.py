"""The networks against Keras itself: the same weights and images must give the same numbers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from bakeoff.models import networks
from bakeoff.models.keras_weights import keras_to_torch, torch_to_keras
from bakeoff.models.stages import Stages

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TOLERANCE = 1e-4  # of the largest output


@pytest.fixture(scope="module")
def keras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "torch")
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        yield pytest.importorskip("keras")


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


# The documents' models, line by line; only the last softmax is left out, because ours give logits.


def simcnn(keras: ModuleType) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10),
        ]
    )


def leaky_cnn(keras: ModuleType, dropout: bool = False) -> Any:
    layers = keras.layers
    model = keras.Sequential([keras.Input((32, 32, 3))])
    model.add(layers.Conv2D(filters=16, kernel_size=(3, 3), padding="same"))
    model.add(layers.LeakyReLU(0.1))
    if dropout:
        model.add(layers.Dropout(0.2))
    model.add(layers.Conv2D(filters=32, kernel_size=(3, 3), padding="same"))
    model.add(layers.LeakyReLU(0.1))
    if dropout:
        model.add(layers.Dropout(0.2))
    model.add(layers.MaxPooling2D(pool_size=(2, 2)))
    model.add(layers.Flatten())
    model.add(layers.Dense(256))
    model.add(layers.LeakyReLU(0.1))
    if dropout:
        model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10))
    return model


def leaky_cnn_deep(keras: ModuleType) -> Any:
    layers = keras.layers
    model = keras.Sequential([keras.Input((32, 32, 3))])
    for first, second in ((16, 32), (32, 64)):
        model.add(layers.Conv2D(filters=first, kernel_size=(3, 3), padding="same"))
        model.add(layers.LeakyReLU(0.1))
        model.add(layers.Conv2D(filters=second, kernel_size=(3, 3), padding="same"))
        model.add(layers.LeakyReLU(0.1))
        model.add(layers.MaxPooling2D(pool_size=(2, 2)))
        model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    model.add(layers.Dense(256))
    model.add(layers.LeakyReLU(0.1))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10))
    return model


def vgg_small(keras: ModuleType) -> Any:
    layers = keras.layers
    model = keras.Sequential([keras.Input((32, 32, 3))])
    for width, dropout in ((32, 0.2), (64, 0.3), (128, 0.4)):
        for _ in range(2):
            model.add(layers.Conv2D(width, (3, 3), activation="relu", kernel_initializer="he_uniform", padding="same"))
            model.add(layers.BatchNormalization())
        model.add(layers.MaxPooling2D((2, 2)))
        model.add(layers.Dropout(dropout))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu", kernel_initializer="he_uniform"))
    model.add(layers.BatchNormalization())
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10))
    return model


def alexnet_bn(keras: ModuleType) -> Any:
    layers = keras.layers
    model = keras.Sequential([keras.Input((75, 75, 3))])
    model.add(layers.Conv2D(filters=96, kernel_size=(11, 11), strides=(4, 4), activation="relu"))
    model.add(layers.BatchNormalization())
    model.add(layers.MaxPool2D(pool_size=(3, 3), strides=(2, 2)))
    model.add(layers.Conv2D(filters=256, kernel_size=(5, 5), strides=(1, 1), activation="relu", padding="same"))
    model.add(layers.BatchNormalization())
    model.add(layers.MaxPool2D(pool_size=(3, 3), strides=(2, 2)))
    for width, kernel in ((384, 3), (384, 1), (256, 1)):
        model.add(layers.Conv2D(filters=width, kernel_size=kernel, strides=(1, 1), activation="relu", padding="same"))
        model.add(layers.BatchNormalization())
    model.add(layers.MaxPool2D(pool_size=(3, 3), strides=(2, 2)))
    model.add(layers.Flatten())
    for width in (4096, 4096, 1000):
        model.add(layers.Dense(width, activation="relu"))
        model.add(layers.BatchNormalization())
        model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10))
    return model


def vgg16(keras: ModuleType, size: int, channels: int, last_pool: int, flatten: bool) -> Any:
    layers = keras.layers
    model = keras.Sequential([keras.Input((size, size, channels))])
    for block, (convolutions, width) in enumerate(((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)), start=1):
        for _ in range(convolutions):
            model.add(layers.ZeroPadding2D((1, 1)))
            model.add(layers.Conv2D(filters=width, kernel_size=3, activation="relu"))
        pool = last_pool if block == 5 else 2
        model.add(layers.MaxPooling2D(pool_size=(pool, pool), strides=(2, 2)))
    model.add(layers.Flatten() if flatten else layers.GlobalAveragePooling2D())
    for _ in range(2):
        model.add(layers.Dense(units=4096, activation="relu"))
        model.add(layers.Dropout(0.5))
    model.add(layers.Dense(units=10))
    return model


def resnet50_biased(keras: ModuleType) -> Any:
    layers = keras.layers

    def block(x: Any, channel_in: int, channel_out: int) -> Any:
        channel = channel_out // 4
        h = layers.Conv2D(channel, kernel_size=(1, 1), padding="same")(x)
        h = layers.Activation("relu")(layers.BatchNormalization()(h))
        h = layers.Conv2D(channel, kernel_size=(3, 3), padding="same")(h)
        h = layers.Activation("relu")(layers.BatchNormalization()(h))
        h = layers.Conv2D(channel_out, kernel_size=(1, 1), padding="same")(h)
        h = layers.BatchNormalization()(h)
        if channel_in != channel_out:
            x = layers.Conv2D(channel_out, kernel_size=(1, 1), padding="same")(x)
        return layers.Activation("relu")(layers.Add()([h, x]))

    image = keras.Input((28, 28, 1))
    x = layers.Conv2D(64, kernel_size=(7, 7), strides=(2, 2), padding="same")(image)
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.MaxPool2D(pool_size=(3, 3), strides=(2, 2), padding="same")(x)
    x = block(x, 64, 256)
    for _ in range(2):
        x = block(x, 256, 256)
    for width, blocks in ((512, 4), (1024, 6), (2048, 3)):
        x = layers.Conv2D(width, kernel_size=(1, 1), strides=(2, 2))(x)
        for _ in range(blocks):
            x = block(x, width, width)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(1000, activation="relu")(x)
    return keras.Model(image, layers.Dense(10)(x))


DOCUMENTS: list[tuple[str, dict[str, Any], int, int, Callable[[ModuleType], Any]]] = [
    ("simcnn", {}, 32, 3, simcnn),
    ("leaky-cnn", {}, 32, 3, leaky_cnn),
    ("leaky-cnn-dropout", {}, 32, 3, lambda keras: leaky_cnn(keras, dropout=True)),
    ("leaky-cnn-deep", {}, 32, 3, leaky_cnn_deep),
    ("vgg-small", {}, 32, 3, vgg_small),
    ("alexnet-bn", {}, 75, 3, alexnet_bn),
    ("vgg16-gap", {}, 32, 3, lambda keras: vgg16(keras, 32, 3, last_pool=2, flatten=False)),
    ("vgg16-dense", {"last_pool": 1}, 28, 1, lambda keras: vgg16(keras, 28, 1, last_pool=1, flatten=True)),
    ("vgg16-dense", {}, 64, 3, lambda keras: vgg16(keras, 64, 3, last_pool=2, flatten=True)),
    ("resnet50-biased", {}, 28, 1, resnet50_biased),
]


@pytest.mark.parametrize(("name", "options", "size", "channels", "document"), DOCUMENTS)
def test_documents(keras, name, options, size, channels, document):
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


APPLICATIONS = [
    ("vgg16", {}, 33, "VGG16"),
    ("vgg19", {}, 32, "VGG19"),
    ("resnet50-keras", {}, 45, "ResNet50"),
    ("resnet50v2-keras", {}, 45, "ResNet50V2"),
    ("inceptionv3-keras", {}, 80, "InceptionV3"),
    ("mobilenet-keras", {"alpha": 0.25}, 45, "MobileNet"),
    ("mobilenet-keras", {}, 64, "MobileNet"),
]


@pytest.fixture
def application(keras, request) -> Iterator[tuple[str, Stages, Any, int]]:
    """Return the name of a backbone, the backbone, Keras's application with random weights, and the size."""
    name, options, size, theirs = request.param
    keras.utils.clear_session()  # so that automatic names start anew
    model = getattr(keras.applications, theirs)(include_top=False, weights=None, input_shape=(size, size, 3), **options)
    randomize(model)
    return name, networks.get(name).build(10, 3, size, **options).backbone.eval(), model, size


@pytest.mark.parametrize("application", APPLICATIONS, indirect=True)
def test_every_stage_of_an_application(keras, application):
    name, ours, theirs, size = application
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
@pytest.mark.parametrize("name", ["vgg-small", "resnet50-keras", "resnet50v2-keras", "mobilenet-keras"])
def test_paths_as_they_lie_in_files(keras, name, suffix, group, tmp_path):
    applications = {ours: theirs for ours, _, _, theirs in APPLICATIONS}
    model = networks.get(name).build(10, 3, 32).eval()
    if name in applications:
        make = getattr(keras.applications, applications[name])
        ours, theirs = model.backbone, make(include_top=False, weights=None, input_shape=(32, 32, 3))
    else:
        ours, theirs = model, vgg_small(keras)
    randomize(theirs)
    file = tmp_path / f"model{suffix}"
    theirs.save(file) if suffix == ".h5" else theirs.save_weights(file)

    keras_to_torch(ours, arrays_in(file, group))
    batch = pictures(32)
    with torch.no_grad():
        assert_same(to_numpy(ours(to_torch(batch))), theirs(batch, training=False).numpy())
