"""A few images of new classes: are features of other classes worth more than random ones, or than none.

    python examples/class_split_transfer.py DATA_DIR

A small network learns five classes of CIFAR-10. The other five, with 20 training images of each, are then learned in
three ways: by a new head on its frozen features, by the same head on frozen random features, and from scratch. DATA_DIR
holds CIFAR-10; without it, it is downloaded.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bakeoff

if TYPE_CHECKING:
    import pandas as pd

SEEN = ("airplane", "bird", "deer", "frog", "ship")
UNSEEN = ("automobile", "cat", "dog", "horse", "truck")
NETWORK = "leaky-cnn-deep"
HEAD = {"tap": "max_pooling2d_1", "pool": "flatten", "head": [128, {"dropout": 0.5}]}


def experiment(
    data_dir: str | None,
    out: Path,
    *,
    images: int = 25_000,
    epochs: int = 8,
    few: int = 100,
    seeds: int = 5,
    **where: Any,
) -> "pd.DataFrame":
    """Return the leaderboard of the three ways.

    Args:
        data_dir: a folder with CIFAR-10; None: it is downloaded.
        out: where both studies go.
        images: of the seen classes, to learn features from.
        epochs: to learn them in.
        few: images of the unseen classes.
        seeds: of each way.
        where: further arguments of `bakeoff.compare`.
    """
    where = {"data_dir": data_dir, **where}
    first = bakeoff.compare(
        {"name": "cifar10", "classes": SEEN, "max_train": images},
        NETWORK,
        seeds=1,
        epochs=epochs,
        out=out / "seen",
        **where,
    )
    weights = first.run_folder(first.runs[0]).weights
    frozen = {"name": NETWORK, "freeze": "backbone", **HEAD}
    ways = [
        {**frozen, "label": "pretrained, frozen", "weights": str(weights)},
        {**frozen, "label": "random, frozen"},
        {"name": NETWORK, "label": "from scratch"},
    ]
    second = bakeoff.compare(
        {"name": "cifar10", "classes": UNSEEN, "max_train": few},
        ways,
        seeds=seeds,
        epochs=40,
        batch_size=20,
        out=out / "unseen",
        **where,
    )
    return second.leaderboard()


if __name__ == "__main__":
    table = experiment(sys.argv[1] if len(sys.argv) > 1 else None, Path("runs/class-split"))
    print(table[["model", "seeds", "test_accuracy_mean", "test_accuracy_low", "test_accuracy_high"]].to_string())
    print("Report: runs/class-split/unseen/report.html")
