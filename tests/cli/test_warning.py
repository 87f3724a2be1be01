"""The line that `bakeoff compare` prints of what the checks of the data found."""

import numpy as np
import pytest

from bakeoff.cli.dataset import few_images, warning
from bakeoff.data.checks import Finding
from bakeoff.data.examine import Examined


@pytest.mark.parametrize(
    ("grave", "said"),
    [
        ((), ""),
        ((False,), "1 thing to look at"),
        ((False, False), "2 things to look at"),
        ((True,), "copies"),
        ((True, False), "copies; 1 more to look at"),
    ],
)
def test_more_is_said_only_where_something_was_named(grave, said):
    findings = [Finding(check="copies", grave=one, count=1, what="copies", advice="remove them") for one in grave]
    assert warning(Examined(tuple(findings))) == said


def test_classes_with_few_images_are_named_with_how_many_there_are():
    names = ["cat", "dog", "emu"]
    enough = {"train": np.array([80, 90, 70]), "val": np.array([10, 0, 9]), "test": np.array([20, 20, 20])}
    assert few_images(names, enough) == ""
    assert few_images(names, {**enough, "test": np.array([0, 0, 0])}) == "", "folds are dealt later"
    said = few_images(names, {"train": np.array([80, 7, 3]), "val": np.array([9, 1, 0]), "test": np.array([20, 1, 0])})
    assert said.startswith("2 classes have fewer than 10 images")
    assert "dog (9), emu (3); 1 class is missing from a part" in said
