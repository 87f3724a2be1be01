"""The first epoch of vgg-small by Keras and by the product, to tell whether the network is why document B is slower.

    python benchmarks/beside_keras.py [STEPS]

Both see the same batches of 128 images, standardized one by one, and the same optimizer; weights and dropout are drawn
by each. Keras runs on its torch backend. Means over all steps, and over the last 40. CIFAR-10 is read as the tests do.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

os.environ["KERAS_BACKEND"] = "torch"

from bakeoff.data.load import load
from bakeoff.data.locations import Locations
from bakeoff.data.pipeline import Part
from bakeoff.data.preprocess import Preprocess
from bakeoff.models.library import build
from bakeoff.specs.data import DataSpec
from bakeoff.specs.model import ModelSpec
from bakeoff.training.engines import make_ready

BATCH, LAST = 128, 40
CPU = torch.device("cpu")
Network = tuple[Callable[[Tensor], Tensor], list[Tensor]]


def by_keras() -> Network:
    """Return the network as document B builds it, but with logits, and its weights."""
    from keras import Input, Sequential, layers

    def pair(filters: int, dropout: float) -> list[layers.Layer]:
        options = {"activation": "relu", "kernel_initializer": "he_uniform", "padding": "same"}
        normalized = [(layers.Conv2D(filters, 3, **options), layers.BatchNormalization()) for _ in range(2)]
        return [*sum(normalized, ()), layers.MaxPooling2D(2), layers.Dropout(dropout)]

    dense = layers.Dense(128, activation="relu", kernel_initializer="he_uniform")
    head = [layers.Flatten(), dense, layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(10)]
    network = Sequential([Input((32, 32, 3)), *pair(32, 0.2), *pair(64, 0.3), *pair(128, 0.4), *head])
    weights = [variable.value for variable in network.trainable_variables]
    return lambda images: network(images.permute(0, 2, 3, 1), training=True), weights


def by_bakeoff(engine: str) -> Network:
    """Return the product's network and its weights."""
    network = make_ready(build(ModelSpec(name="vgg-small"), 10, 3, 32), engine).train()
    return network, list(network.parameters())


def main(steps: int) -> None:
    """Train and print."""
    folder = Path(os.environ.get("BAKEOFF_TEST_DATA", "../shared/data"))
    images = load(DataSpec(name="cifar10"), Locations(data_dir=folder))
    part = Part(images, images.parts["train"], CPU)
    prepare = Preprocess(part.shape, "per-image", part.channel_statistics(), 3, 32, CPU)
    order = np.random.default_rng(0).permutation(len(part))
    for name, (network, weights) in {
        "Keras": by_keras(),
        "bakeoff, torch's layers": by_bakeoff("eager"),
        "bakeoff, lean layers": by_bakeoff("lean"),
    }.items():
        optimizer, losses, right = torch.optim.Adam(weights, lr=1e-3, eps=1e-7), [], []
        for batch in part.read(torch.as_tensor(order[step * BATCH : (step + 1) * BATCH]) for step in range(steps)):
            logits = network(prepare(batch.images))
            loss = functional.cross_entropy(logits, batch.targets)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.append(loss.item())
            right.append((logits.argmax(1) == batch.targets).float().mean().item())
        last = f"last {LAST}: loss {np.mean(losses[-LAST:]):.3f}, right {np.mean(right[-LAST:]):.1%}"
        print(f"{name:<24} loss {np.mean(losses):.3f}, right {np.mean(right):.1%}; {last}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 351)
