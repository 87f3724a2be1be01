"""Flags that hold several values."""

import pytest

from bakeoff.cli.values import names_value
from bakeoff.errors import SpecError


def test_names_are_read_as_people_type_them():
    assert names_value("--models", None) is None
    assert names_value("--models", "simcnn, vgg*,") == ["simcnn", "vgg*"]
    for nothing in ("", " ", ",", " , "):
        with pytest.raises(SpecError, match=r"--recipe is one name"):
            names_value("--recipe", nothing)
