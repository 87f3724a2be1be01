"""Train the networks on which `evidence.py` tests itself: one small network, many seeds, right or wrong per image.

    python benchmarks/evidence_runs.py [DATA_DIR]

writes `evidence_runs.npz` beside this file (135 kB; about a quarter of an hour on one core of a CPU). DATA_DIR holds
data sets for machines without the internet. Each array is packed bits of shape (seeds, test images).
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import bakeoff

STUDIES = {  # data set, network, training images (None: all), epochs, seeds
    "digits lenet5": ("digits", "lenet5", None, 20, 100),
    "mnist lenet5": ("mnist", "lenet5", 2_000, 3, 48),
    "cifar10 lenet5": ("cifar10", "lenet5", 5_000, 3, 40),
    "cifar10 simcnn": ("cifar10", "simcnn", 3_000, 2, 40),
}


def right(folder: Path) -> NDArray[np.bool_]:
    """Return right or wrong of every run of a finished study on every test image."""
    result = bakeoff.load(folder)
    parts = [result.predictions(run) for run in result.runs]
    assert all((part.indices == parts[0].indices).all() for part in parts)
    return np.array([part.judged.argmax(1) == part.labels for part in parts])


def main() -> None:
    """Train all studies and pack their results."""
    data_dir = sys.argv[1] if len(sys.argv) > 1 else None
    packed = {}
    for name, (data, model, images, epochs, seeds) in STUDIES.items():
        with tempfile.TemporaryDirectory() as folder:
            size = {} if images is None else {"max_train": images}
            bakeoff.compare(
                data, model, seeds=seeds, epochs=epochs, out=Path(folder) / "out", data_dir=data_dir, **size
            )
            bits = right(Path(folder) / "out")
        packed[name] = np.packbits(bits, axis=1)
        packed[f"{name} images"] = np.array(bits.shape[1])
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **packed)


if __name__ == "__main__":
    main()
