"""Every test here counts its cases under the promises that it holds; `trial.py` makes the table of them."""

import json
from collections.abc import Callable, Iterator

import pytest
from tally import Tally


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Iterator[Tally]:
    """Count cases; the test fails where any of them failed."""
    counted = Tally()
    yield counted
    record_property("tally", json.dumps([counted.tried, counted.failures, counted.details]))
    assert not counted.failures, counted.failures[:5]
