"""The documents' models in Keras, line by line; only the last softmax is left out, because ours give logits."""

from collections.abc import Callable
from types import ModuleType
from typing import Any


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
