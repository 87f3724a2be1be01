"""The 1,797 handwritten digits that come with scikit-learn: 8x8 gray pixels, at hand without any download.

E. Alpaydin, C. Kaynak (1998), Optical Recognition of Handwritten Digits, https://doi.org/10.24432/C50P49. scikit-learn
embeds the test part of it, which here, without a given test set, is split like any other data.
"""

import numpy as np

from bakeoff.data.imageset import UInt8Array
from bakeoff.data.locations import Locations
from bakeoff.data.pixels import ArrayPixels
from bakeoff.data.sources import Listing, sources
from bakeoff.specs.data import DataSpec


@sources.register("digits")
def digits(spec: DataSpec, where: Locations) -> Listing:  # noqa: ARG001, the data lies within a package
    """Return the digits, scaled from 0..16 to 0..255."""
    from sklearn.datasets import load_digits

    embedded = load_digits()

    def images() -> UInt8Array:
        return np.asarray(np.rint(embedded.images[..., None] * (255 / 16)), np.uint8)

    labels = embedded.target.astype(np.int64)
    return Listing(
        key="digits",
        pixels=ArrayPixels(images, spec),
        labels=labels,
        class_names=tuple(str(digit) for digit in range(10)),
        parts={"train": np.arange(len(labels))},
        provenance={"source": "scikit-learn, load_digits", "scaled": "0..16 to 0..255"},
    )
