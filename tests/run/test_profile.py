import dataclasses
import json
import re
import time
from pathlib import Path

import pytest
import torch

from bakeoff.api import declare
from bakeoff.cli.profile import profile as command
from bakeoff.cli.profiles import hints, print_profile
from bakeoff.data.locations import Locations
from bakeoff.data.preprocess import Preprocess
from bakeoff.errors import StoreError
from bakeoff.run import profile as module
from bakeoff.run.profile import PHASES, Profile, profile, trace_file
from bakeoff.study.plan import Plan, make_plan


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setattr(module, "SECONDS", 0.1)
    study = declare("digits", "lenet5", seeds=1, batch_size=64, recipe={"augment": [{"shift": 1}]})
    return make_plan(study, Locations(offline=True), torch.device("cpu"))


def test_the_phases_of_a_step_add_up_to_it(plan: Plan, tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    trace = trace_file(tmp_path / "new" / "trace", plan.runs[0].spec)
    found = profile(plan.runs[0], plan.images, plan.split, plan.device, trace)
    assert 0 < sum(found.seconds.values()) <= found.total * 1.5, "medians of parts, and of the whole"
    assert all(seconds > 0 for seconds in found.seconds.values())
    assert found.images_per_second == pytest.approx(64 / found.total)
    assert 0 < found.attained < 1
    assert 0 < found.input_bound < 1
    assert sum(share for _, share in found.operations) <= 1
    assert any(name.startswith("convolution") for name, _ in found.operations)
    assert "lenet5" in trace.parent.name
    assert json.loads(trace.read_bytes())["traceEvents"]
    assert torch.equal(before, torch.random.get_rng_state())


def test_where_no_trace_can_be_written_is_told_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "profile", lambda *_: pytest.fail("measured"))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot write traces to .*/file: Not a directory; give another folder"):
        command("digits", "lenet5", trace=tmp_path / "file", device="cpu", offline=True)


def test_floating_point_operations_are_those_of_the_layers(plan: Plan) -> None:
    """Two for each product, three times over: outputs, gradients of inputs and of weights; the first input has none."""
    found = profile(plan.runs[0], plan.images, plan.split, plan.device)
    side = plan.runs[0].spec.model.image_size
    assert side == 12
    first, second = 6 * 1 * 25 * 12 * 12, 16 * 6 * 25 * 2 * 2
    dense = 16 * 120 + 120 * 84 + 84 * 10
    assert found.flops == 64 * 2 * (2 * first + 3 * second + 3 * dense)


def test_images_are_picked_as_the_run_does(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Outputs of all images are computed by the small network, and in one step of two it learns from the hardest."""
    monkeypatch.setattr(module, "SECONDS", 0.1)
    settings = {"hard_examples": {"keep": 0.25, "proxy": "lenet5", "every": 2}}
    study = declare("digits", "lenet5", seeds=1, batch_size=64, recipe=settings)
    plan = make_plan(study, Locations(offline=True), torch.device("cpu"))
    found = profile(plan.runs[0], plan.images, plan.split, plan.device)
    assert all(seconds > 0 for seconds in found.seconds.values())
    first, second = 6 * 1 * 25 * 12 * 12, 16 * 6 * 25 * 2 * 2
    dense = 16 * 120 + 120 * 84 + 84 * 10
    forward, whole = first + second + dense, 2 * first + 3 * second + 3 * dense
    assert found.flops == 2 * (64 * forward + 16 * whole / 2 + 16 * whole)
    print_profile(plan.runs[0].spec, found)
    assert "pick its hardest images" in capsys.readouterr().out


def test_slow_input_is_found(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Preprocess.__call__

    def slow(self: Preprocess, images: torch.Tensor) -> torch.Tensor:
        time.sleep(0.05)
        return quick(self, images)

    monkeypatch.setattr(Preprocess, "__call__", slow)
    found = profile(plan.runs[0], plan.images, plan.split, plan.device)
    assert found.seconds["prepare"] >= 0.05
    assert found.awake < 0.8, "the steps slept for most of the time"
    assert found.crowded


def test_what_is_printed_says_what_to_change(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    seconds = {"data": 0.6, "pick": 0.0, "prepare": 0.05, "forward": 0.1, "backward": 0.2, "optimizer": 0.05}
    found = Profile(64, 10, seconds, 1.0, (("conv", 0.5),), 1e9, 1e10, frozen=False)
    spec = plan.runs[0].spec
    print_profile(spec, found)
    printed = capsys.readouterr().out
    assert re.search(r"gather and augment the batch +600\.00 +60 %", printed)
    assert "64 images/s; input-bound by 65 %; 1.0 GFLOP/s, 10 % of the 10" in printed
    assert "(shift)" in printed
    assert "hardest" not in printed
    print_profile(spec, dataclasses.replace(found, awake=0.4))
    busy = capsys.readouterr().out
    assert "The machine is busy: this process had 0.40 of a core" in busy
    assert "- no advice" in busy
    assert "(shift)" not in busy, "no advice from times of others"
    print_profile(spec, dataclasses.replace(found, seconds=dict.fromkeys(PHASES, 0.2), batch_size=128))
    assert "- no setting stands out: " in capsys.readouterr().out
    assert "computed once" in hints(spec, dataclasses.replace(found, frozen=True))[0]
