"""The line that `bakeoff compare` prints of what the checks of the data found."""

import pytest

from bakeoff.cli.dataset import warning
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
