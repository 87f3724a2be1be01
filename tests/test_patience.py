"""Pauses before a server is asked again: longer each time, as the server asks, and never for long."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bakeoff import patience


@pytest.mark.parametrize(
    ("attempt", "asked", "pause"),
    [
        (1, None, 1),
        (4, "", 8),
        (40, "", 30),
        (1, "7", 7),
        (4, "7", 8),
        (1, "86400", 30),
        (1, "-5", 1),
        (1, "soon", 1),
        # Names of their own: with the time in them two processes of one trial would collect different tests.
        pytest.param(1, format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True), 30, id="tomorrow"),
        pytest.param(1, format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True), 1, id="yesterday"),
        (1, "Wed, 21 Oct 2015 07:28:00", 1),  # without its zone
        (1, f"Wed, 21 Oct {10**20} 07:28:00 GMT", 1),
    ],
)
def test_pauses_grow_and_are_what_the_server_asks_for_up_to_half_a_minute(
    monkeypatch: pytest.MonkeyPatch, attempt: int, asked: str | None, pause: float
):
    waited: list[float] = []
    monkeypatch.setattr(patience, "sleep", waited.append)
    patience.wait(attempt, asked)
    assert waited == [pause]
