"""Twenty heads, each for ten epochs, on one frozen VGG16 at 32 pixels: with the feature cache and without.

    python benchmarks/feature_cache.py [IMAGES]

Trains for real on a slice of images (2,000 unless given), reads how long a pass of the backbone and an epoch of each
way take, and says what 50,000 images would take. Times grow in proportion: with the cache, images go through once.
"""

import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from timing import RESULTS, processor

from bakeoff.api import declare, load, run
from bakeoff.data.locations import Locations
from bakeoff.run.device import find_device
from bakeoff.study.observer import Observer
from bakeoff.study.plan import make_plan

HEADS, EPOCHS, WHOLE = 20, 10, 50_000


def measure(images: int, folder: Path) -> dict[str, float]:
    """Return the seconds per image of a pass of the backbone, of a cached and of an uncached epoch."""
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 256, (images + 200, 32, 32, 3), dtype=np.uint8), np.arange(images + 200) % 10
    parts = {
        "x_train": pixels[:images],
        "y_train": labels[:images],
        "x_test": pixels[images:],
        "y_test": labels[images:],
    }
    np.savez(folder / "slice.npz", **parts)
    heads = [{"name": "vgg16", "freeze": "backbone", "pool": "flatten", "head": [64 + 8 * one]} for one in range(4)]
    recipes = [
        {"name": "cached", "epochs": EPOCHS, "batch_size": 128},
        {"name": "uncached", "epochs": 1, "batch_size": 128, "cache_features": False},
    ]
    found = {}
    for recipe, models in zip(recipes, (heads, heads[:1]), strict=True):
        study = declare(str(folder / "slice.npz"), models, recipe=recipe, seeds=1)
        where = Locations(cache=folder / "cache")
        plan = make_plan(study, where, find_device("auto"))
        run(plan, folder / recipe["name"], where, Observer())
        records = load(folder / recipe["name"]).runs
        count = len(plan.split.train)
        per_epoch = [row.seconds / count for record in records for row in record.epochs]
        found[recipe["name"]] = float(np.median(per_epoch))
        passes = len(plan.split.train) + len(plan.split.val) + len(plan.split.test)
        if extracted := sum(record.cost.feature_seconds for record in records if record.cost):
            found["backbone"] = extracted / passes
    return found


def main(images: int) -> None:
    """Measure, scale up, and keep the result."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = measure(images, Path(folder))
    cached = WHOLE * (seconds["backbone"] + HEADS * EPOCHS * seconds["cached"])
    uncached = WHOLE * HEADS * EPOCHS * seconds["uncached"]
    result = {
        "benchmark": "feature_cache",
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "images_measured": images,
        "seconds_per_image": {name: round(value, 6) for name, value in seconds.items()},
        "extrapolated_seconds": {"cached": round(cached), "uncached": round(uncached)},
        "ratio": round(uncached / cached, 1),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "feature_cache.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
