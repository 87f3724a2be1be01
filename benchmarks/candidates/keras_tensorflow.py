"""`model.fit` of Keras on TensorFlow, on arrays in memory: the loop of the documents that the product reproduces.

A task's `way` is "default", as Keras chooses (float32, and no XLA where there is no GPU), "xla", or "bf16" (the mixed
policy, also without XLA).
"""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import keras
import numpy as np
import tensorflow
from keras import layers
from rounds import Rounds

WAYS = {
    "default": "float32, as `fit` chooses",
    "xla": "float32, `jit_compile=True`",
    "bf16": "`mixed_bfloat16`",
}


def simcnn() -> list:
    """Return the layers of document D's network."""
    return [
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
    ]


def leaky_cnn_deep() -> list:
    """Return the layers of document C's third network."""
    found = []
    for widths in ((16, 32), (32, 64)):
        for width in widths:
            found += [layers.Conv2D(width, 3, padding="same"), layers.LeakyReLU(0.1)]
        found += [layers.MaxPooling2D(), layers.Dropout(0.25)]
    return [*found, layers.Flatten(), layers.Dense(256), layers.LeakyReLU(0.1), layers.Dropout(0.5)]


def vgg_small() -> list:
    """Return the layers of document B's small VGG."""
    found = []
    for width, dropout in ((32, 0.2), (64, 0.3), (128, 0.4)):
        for _ in range(2):
            convolution = layers.Conv2D(width, 3, padding="same", activation="relu", kernel_initializer="he_uniform")
            found += [convolution, layers.BatchNormalization()]
        found += [layers.MaxPooling2D(), layers.Dropout(dropout)]
    dense = layers.Dense(128, activation="relu", kernel_initializer="he_uniform")
    return [*found, layers.Flatten(), dense, layers.BatchNormalization(), layers.Dropout(0.5)]


def vgg16_frozen_block3() -> list:
    """Return the layers of document C's transfer, whose backbone Keras runs over every image in every epoch."""
    whole = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
    backbone = keras.Model(whole.input, whole.get_layer("block3_pool").output, trainable=False)
    head = [layers.Dense(256, activation="relu"), layers.Dense(128, activation="relu"), layers.Dropout(0.3)]
    head += [layers.Dense(64, activation="relu"), layers.BatchNormalization()]
    return [backbone, layers.Flatten(), *head]


NETWORKS = {
    "simcnn": simcnn,
    "leaky-cnn-deep": leaky_cnn_deep,
    "vgg-small": vgg_small,
    "vgg16-frozen-block3": vgg16_frozen_block3,
}


class Turns(keras.callbacks.Callback):
    """Makes every epoch of one call of `fit` a round."""

    def __init__(self, rounds: Rounds, does: str) -> None:
        super().__init__()
        self.rounds, self.does = rounds, does

    def on_train_begin(self, logs: object = None) -> None:  # noqa: ARG002
        """Wait for the first round."""
        self.rounds.wait(does=self.does, keras=keras.__version__, tensorflow=tensorflow.__version__)

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002
        """End a round."""
        self.rounds.done()


def main() -> None:
    """Train when told to."""
    rounds = Rounds()
    task, way = rounds.task, rounds.task.get("way", "default")
    keras.utils.set_random_seed(task["seed"])
    if way == "bf16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    with np.load(task["data"]) as arrays:
        x_train, x_test = (arrays[name].astype(np.float32) / 255 for name in ("x_train", "x_test"))
        y_train, y_test = arrays["y_train"], arrays["y_test"]
    classify = [layers.Dense(10), layers.Activation("softmax", dtype="float32")]
    model = keras.Sequential([layers.Input((32, 32, 3)), *NETWORKS[task["network"]](), *classify])
    kind = {"adam": keras.optimizers.Adam, "adamax": keras.optimizers.Adamax}[task["optimizer"]]
    jit = True if way == "xla" else "auto"
    model.compile(kind(task["lr"]), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=jit)
    turns = [Turns(rounds, WAYS[way])]
    model.fit(x_train, y_train, task["batch"], epochs=task["rounds"], verbose=0, callbacks=turns)
    _, accuracy = model.evaluate(x_test, y_test, batch_size=500, verbose=0)
    rounds.finish(accuracy=accuracy, parameters=model.count_params())


if __name__ == "__main__":
    main()
