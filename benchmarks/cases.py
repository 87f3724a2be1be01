"""What is compared with whom, and on what: the product comes first in every case."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

EPOCH = 50_000  # images


@dataclass(frozen=True)
class Entry:
    """A candidate of a case.

    Attributes:
        script: its file.
        task: what its task has besides the case's.
        times: how many rounds make the whole.
        bf16: whether it is only there for bfloat16, which is far too slow where a processor must imitate it.
    """

    script: str
    task: Mapping[str, Any] = field(default_factory=dict)
    times: float = 1.0
    bf16: bool = False


@dataclass(frozen=True)
class Case:
    """A comparison of candidates that do the same.

    Attributes:
        title: for the table.
        images: that a round goes through.
        task: of all candidates.
        entries: the candidates by name.
        targets: for some, the product's figure as a multiple of theirs that it must not exceed.
        rounds: that count, of each seed.
        warm_up: rounds before them, which do not.
        seeds: candidates are started anew for each.
        measure: what is compared: seconds, or peak_mib of the process.
        most: that the product's figure may be.
        slow: whether it is only measured when it is named.
    """

    title: str
    images: int
    task: Mapping[str, Any]
    entries: Mapping[str, Entry]
    targets: Mapping[str, float] = field(default_factory=dict)
    rounds: int = 5
    warm_up: int = 1
    seeds: tuple[int, ...] = (0,)
    measure: str = "seconds"
    most: float | None = None
    slow: bool = False

    @property
    def unit(self) -> str:
        """Of the measure."""
        return {"seconds": "s", "peak_mib": "MiB"}[self.measure]

    def without_bf16(self) -> Self:
        """Return the case for a processor that does not multiply bfloat16."""
        return replace(self, entries={name: entry for name, entry in self.entries.items() if not entry.bf16})

    def wanted(self, who: str) -> str:
        """Return what is wanted of the product beside a candidate, or of the product itself; or nothing."""
        if who in self.targets:
            return f"at most {self.targets[who]} x wanted"
        return f"at most {self.most:,g} {self.unit} wanted" if self.most and who == next(iter(self.entries)) else ""


OURS, OURS_FLOAT = Entry("ours_study.py"), Entry("ours_study.py", {"amp": "off"}, bf16=True)
KERAS, KERAS_XLA = (Entry("keras_tensorflow.py", {"way": way}) for way in ("default", "xla"))
KERAS_BF16 = Entry("keras_tensorflow.py", {"way": "bf16"}, bf16=True)
EAGER, LOADER = (Entry("plain_torch.py", {"way": way}) for way in ("eager", "dataloader"))
TUNED = Entry("plain_torch.py", {"way": "tuned"}, bf16=True)
KERASES = {
    "Keras on TensorFlow": KERAS,
    "Keras on TensorFlow, compiled by XLA": KERAS_XLA,
    "Keras on TensorFlow, bfloat16": KERAS_BF16,
}
SIMCNN = {"network": "simcnn", "batch": 32, "optimizer": "adam", "lr": 0.001}
FROZEN_EPOCHS = 10

CASES = {
    "simcnn": Case(
        "SimCNN on CIFAR-10, batches of 32, Adam: an epoch",
        10_000,
        SIMCNN,
        {
            "bakeoff": OURS,
            "bakeoff, float32": OURS_FLOAT,
            **KERASES,
            "PyTorch, DataLoader": LOADER,
            "PyTorch, in memory": EAGER,
            "PyTorch, in memory, tuned": TUNED,
            "Lightning, in memory": Entry("lightning_loop.py"),
        },
        {"Keras on TensorFlow": 0.5, "PyTorch, DataLoader": 0.3},
    ),
    "leaky-cnn-deep": Case(
        "leaky-cnn-deep on CIFAR-10, batches of 32, Adamax: an epoch",
        6_400,  # so that the rounds are long enough a training to be computed as one of all images would be
        SIMCNN | {"network": "leaky-cnn-deep", "optimizer": "adamax"},
        {"bakeoff": OURS, **KERASES},
        {"Keras on TensorFlow": 0.6},
    ),
    "vgg-small": Case(
        "vgg-small on CIFAR-10, batches of 128, Adam: an epoch",
        3_840,
        SIMCNN | {"network": "vgg-small", "batch": 128},
        {"bakeoff": OURS, **KERASES},
        {"Keras on TensorFlow": 0.6},
    ),
    "frozen": Case(
        f"VGG16 frozen to block 3 with a new head, random weights, batches of 250, Adamax: {FROZEN_EPOCHS} epochs",
        2_000,
        {"network": "vgg16-frozen-block3", "batch": 250, "optimizer": "adamax", "lr": 0.0005},
        {
            "bakeoff": Entry("ours_study.py", {"epochs": FROZEN_EPOCHS}),
            "Keras on TensorFlow": Entry("keras_tensorflow.py", {"way": "default"}, FROZEN_EPOCHS),
            "Keras on TensorFlow, bfloat16": Entry("keras_tensorflow.py", {"way": "bf16"}, FROZEN_EPOCHS, bf16=True),
        },
        {"Keras on TensorFlow": 0.1},
    ),
    "input": Case(
        "Input: CIFAR-10 shuffled, flipped, cropped by 4 pixels and normalized, batches of 128: an epoch",
        20_000,
        {"batch": 128},
        {
            "bakeoff": Entry("ours_input.py"),
            "torchvision, DataLoader of two workers": Entry("torch_photos.py", {"workers": 2}),
            "torchvision, DataLoader in the process": Entry("torch_photos.py", {"workers": 0}),
        },
        {"torchvision, DataLoader of two workers": 0.1},
    ),
    "memory": Case(
        "Peak memory of the process: a whole study of SimCNN on CIFAR-10, one epoch",
        EPOCH,
        SIMCNN,
        {
            "bakeoff": Entry("ours_study.py", {"data": "cifar10"}),
            "Keras on TensorFlow": KERAS,
            "PyTorch, in memory": EAGER,
        },
        rounds=1,
        warm_up=0,
        measure="peak_mib",
        most=1430,  # 1.5 GB
    ),
    "accuracy": Case(
        "SimCNN on CIFAR-10, batches of 32, Adam: accuracy after 10 epochs",
        EPOCH,
        SIMCNN,
        {"bakeoff": OURS, "Keras on TensorFlow": KERAS},
        {"Keras on TensorFlow": 0.5},
        rounds=10,
        warm_up=0,
        seeds=(0, 1, 2),
        slow=True,
    ),
}
