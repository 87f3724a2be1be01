"""Images drawn at random to be shown: always the same ones, whatever ran before."""

import numpy as np

from bakeoff.data.imageset import IntArray

# A stream of its own. `bakeoff.data.splits` takes the smallest numbers of its streams for the test and validation
# parts, so that in one of those the training images with small numbers would be a lopsided choice.
STREAM = 7


def shuffled(indices: IntArray) -> IntArray:
    """Return the indices in a random order. That of an image does not depend on which others there are."""
    if len(indices) == 0:
        return indices
    keys = np.random.PCG64(np.random.SeedSequence([0, STREAM])).random_raw(int(indices.max()) + 1)
    return indices[np.argsort(keys[indices])]
