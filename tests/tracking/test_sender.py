"""Whoever is sent to, however slow or broken, changes nothing for the sender."""

import logging
import threading

import pytest

from bakeoff.tracking import sender
from bakeoff.tracking.sender import Sender


def test_everything_is_carried_out_in_order_before_it_is_closed():
    done: list[int] = []
    to = Sender("a server", "")
    for number in range(1000):
        to.send(lambda number=number: done.append(number))
    to.close()
    assert done == list(range(1000))


def test_many_failures_are_one_warning_without_passwords(caplog: pytest.LogCaptureFixture):
    def fail() -> None:
        raise OSError("http://me:secret@example.org/api\nrefused")

    done: list[int] = []
    to = Sender("MLflow at https://me:p@w@example.org/x", "See runs/a.")
    for _ in range(5):
        to.send(fail)
    to.send(lambda: done.append(1))
    to.close()
    assert done == [1]
    (line,) = caplog.messages
    assert "https://example.org/x does not take everything (OSError: http://example.org/api refused)" in line
    assert "See runs/a." in line


def test_a_server_that_never_answers_holds_nobody_up(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sender, "MOST", 3)
    monkeypatch.setattr(sender, "LAST_SECONDS", 0.01)
    never = threading.Event()
    to = Sender("a server", "")
    for _ in range(100):  # would not come back from here
        to.send(never.wait)  # type: ignore[arg-type]
    to.close()
    never.set()
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "too slow" in caplog.text
