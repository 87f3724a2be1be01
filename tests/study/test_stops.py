"""A study that is stopped, killed, or out of room goes on to the same end."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
import torch
from small import compare, facts
from torch import nn

import bakeoff
from bakeoff.cli.live import JsonLines
from bakeoff.data.locations import Locations
from bakeoff.errors import StoreError
from bakeoff.records.run import RunRecord, RunState
from bakeoff.specs.study import StudySpec
from bakeoff.study import carry_out
from bakeoff.study.execute import Outcome
from bakeoff.study.observer import Observer
from bakeoff.study.plan import make_plan

pytestmark = pytest.mark.usefixtures("own_cache")


def test_a_time_limit_saves_and_stops_and_the_same_again_goes_on(tmp_path, tiny, monkeypatch):
    class Clock:
        """Stands in for the module `time`, and goes on when a network computes, so that no other work counts."""

        now = 1000.0

        def monotonic(self) -> float:
            return self.now

    def slow(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
        """Takes its time."""

        class Slow(nn.Sequential):
            def forward(self, images: torch.Tensor) -> torch.Tensor:
                clock.now += 0.05
                return super().forward(images)

        return Slow(nn.Flatten(), nn.Linear(in_channels * image_size**2, num_classes))

    clock = Clock()
    monkeypatch.setattr("bakeoff.study.stopping.time", clock)
    name = tiny("slow", slow)
    expected = compare(tmp_path / "whole", name, seeds=1, epochs=5)
    cut = compare(tmp_path / "out", name, seeds=1, epochs=5, time_limit=0.5)
    assert cut.runs[0].state is RunState.INTERRUPTED
    result = compare(tmp_path / "out", name, seeds=1, epochs=5)
    assert result.runs[0].state is RunState.FINISHED
    assert result.runs[0].attempts == 2
    assert result.runs[0].metrics == expected.runs[0].metrics


def test_a_stop_when_nothing_is_left_to_do_is_no_stop(tmp_path, tiny):
    class Late(Observer):
        def run_ended(self, record: RunRecord) -> None:
            if record.spec.seed == seeds[-1]:
                os.kill(os.getpid(), signal.SIGTERM)

    def outcome(out: str) -> Outcome:
        where = Locations(cache=tmp_path / "cache", offline=True)
        study = {"data": "digits", "models": "one", "seeds": [0, 1], "recipes": [{"epochs": 1, "amp": "off"}]}
        plan = make_plan(StudySpec.parse(study), where, torch.device("cpu"))
        return carry_out.run(plan, tmp_path / out, where, Late())

    tiny("one")
    seeds = [0, 1]
    late = outcome("late")
    assert (late.stopped, late.signalled) == ("", 0)
    seeds = [0]
    early = outcome("early")
    assert (early.stopped, early.signalled) == ("stopped by SIGTERM", signal.SIGTERM)
    assert [record.state for record in early.records] == [RunState.FINISHED, RunState.PENDING]


def test_a_killed_study_ends_as_one_that_was_not(tmp_path: Path):
    """Killed as a process of its own; what went on without a break, and what goes on again, does so in this one."""
    settings = {"seeds": 1, "epochs": 15, "batch_size": 32, "amp": "off", "offline": True, "device": "cpu"}
    whole = bakeoff.compare("digits", "lenet5", out=tmp_path / "whole", **settings)
    for kind in (signal.SIGTERM, signal.SIGKILL):
        out = tmp_path / kind.name
        _kill_after_epochs(3, kind, out)
        killed = bakeoff.compare("digits", "lenet5", out=out, **settings)
        assert killed.runs[0].attempts == 2
        assert facts(whole.runs[0]) == facts(killed.runs[0])
        weights = [r.run_folder(r.runs[0]).weights.read_bytes() for r in (whole, killed)]
        assert weights[0] == weights[1]


KILLED = """
import os, sys
from bakeoff.cli.main import main
from bakeoff.store.database import Store
kind, count = int(sys.argv.pop(1)), int(sys.argv.pop(1))
usual = Store.epoch_ended

def epoch_ended(store, claim, row):
    usual(store, claim, row)
    if row.epoch == count:
        os.kill(os.getpid(), kind)

Store.epoch_ended = epoch_ended
main()
"""


def _kill_after_epochs(count: int, kind: signal.Signals, out: Path) -> None:
    flags = "--models lenet5 --seeds 1 --epochs 15 --batch-size 32 --amp off --offline --device cpu"
    program = [sys.executable, "-c", KILLED, str(int(kind)), str(count)]
    command = [*program, "compare", "digits", *flags.split(), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == (143 if kind is signal.SIGTERM else -kind), done.stderr
    if kind is signal.SIGTERM:
        assert "stopped by SIGTERM; 1 run is left, and the same command goes on where it was" in done.stderr


@pytest.mark.parametrize("stop_at", [3, 12, 60])  # in the two validations, and in the last judgement
def test_asked_to_stop_while_the_network_is_judged_it_goes_on_to_the_same_end(tmp_path, tiny, monkeypatch, stop_at):
    """Judging many images may take minutes, in which Ctrl-C must be heard."""
    monkeypatch.setattr("bakeoff.run.run_one.images_at_once", lambda size: 16)
    expected = compare(tmp_path / "whole", tiny("one"), seeds=1, epochs=2)
    seen = iter(range(10**9))
    asked: list[int] = []

    def why_stop(*_: object) -> str:
        if any(frame.name == "_inputs" for frame in traceback.extract_stack()):
            asked.extend([stop_at] * (next(seen) == stop_at))
        return "asked" if asked else ""

    with monkeypatch.context() as patched:
        patched.setattr("bakeoff.study.stopping.Stop.why", why_stop)
        cut = compare(tmp_path / "out", "one", seeds=1, epochs=2)
        assert cut.runs[0].state is RunState.INTERRUPTED
    result = compare(tmp_path / "out", "one", seeds=1, epochs=2)
    assert facts(result.runs[0]) == facts(expected.runs[0])


def test_a_full_disk_ends_the_study_with_a_sentence_and_it_goes_on_once_there_is_room(tmp_path, tiny, monkeypatch):
    expected = compare(tmp_path / "whole", tiny("one"), seeds=2)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("bakeoff.store.folder.RunFolder.write_predictions", full)
        with pytest.raises(StoreError, match="the disk of .*out.* is full; make room, and the same command goes on"):
            compare(tmp_path / "out", "one", seeds=2)
    cut = bakeoff.load(tmp_path / "out").runs
    assert [(run.state, run.attempts) for run in cut] == [(RunState.INTERRUPTED, 1), (RunState.PENDING, 0)]
    result = compare(tmp_path / "out", "one", seeds=2)
    assert [facts(run) for run in result.runs] == [facts(run) for run in expected.runs]


def test_a_damaged_checkpoint_is_told_to_the_user_and_kept_among_the_events(tmp_path, tiny, monkeypatch):
    compare(tmp_path / "out", tiny("one"), seeds=1, epochs=3, time_limit=1e-9)
    result = bakeoff.load(tmp_path / "out")
    checkpoints = result.run_folder(result.runs[0]).checkpoints
    checkpoints.mkdir(parents=True)
    (checkpoints / f"{1:012d}.safetensors").write_bytes(b"")
    (checkpoints / f"{1:012d}.json").write_text("{")
    (checkpoints / f"{1:012d}.safetensors").write_bytes(b"")
    stream = io.StringIO()
    events = compare(tmp_path / "out", "one", seeds=1, epochs=3, observer=JsonLines(stream)).events
    told = json.loads(stream.getvalue().splitlines()[0])
    assert told["event"] == "notice"
    assert told["text"].startswith("checkpoint 1 is damaged (")
    assert told["text"].endswith("; training starts anew")
    assert [event.detail for event in events if event.kind == "notice"] == [told["text"]]
