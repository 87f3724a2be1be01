"""`bakeoff reproduce` as a stranger meets it."""

import json
import os
import signal
from pathlib import Path

import pytest

import bakeoff
from bakeoff.cli.live import JsonLines
from bakeoff.records.run import RunState
from bakeoff.specs.library import systems

QUICK = ("--epochs", "1", "--max-train", "100", "--device", "cpu", "--offline")


def test_the_list_names_every_system_with_its_figures(inside):
    done = inside("reproduce", "--list")
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    assert set(systems()) <= set(lines)
    for figure in ("24,832,498", "88.93 % (0.3469)", "89.12 % (0.3293)", "91.24 % (0.258)", "254"):
        assert figure in lines["vgg16-frozen-224"]
    assert "…" not in done.stdout
    assert "The 19 with nothing but a letter" in done.stdout


def test_two_systems_are_two_studies_and_lines_of_json(inside, tmp_path: Path, tiny_data: Path):
    flags = ("--seeds", "2", *QUICK, "--data-dir", str(tiny_data), "--out", "out")
    done = inside("reproduce", "simcnn", "leaky-cnn", *flags)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["run", "run", "reproduced"] * 2
    for name, line in (("simcnn", lines[2]), ("leaky-cnn", lines[5])):
        assert (line["system"], line["out"], line["finished"]) == (name, f"out/{name}", 2)
        written = json.loads((tmp_path / "out" / name / "reproduced.json").read_text())
        assert written == {key: value for key, value in line.items() if key not in ("event", "out")}
    again = inside("reproduce", "leaky-cnn", *flags)
    assert [json.loads(line)["event"] for line in again.stdout.splitlines()] == ["reproduced"]


def test_jobs_are_shared_by_all_systems(inside, tmp_path: Path, tiny_data: Path):
    flags = ("--seeds", "1", "--jobs", "2", *QUICK, "--data-dir", str(tiny_data), "--out", "out")
    done = inside("reproduce", "simcnn", "leaky-cnn", *flags)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    told = [(line["event"], line.get("model") or line["system"]) for line in lines]
    assert told == [(event, system) for system in ("simcnn", "leaky-cnn") for event in ("run", "reproduced")]
    for system in ("simcnn", "leaky-cnn"):
        (run,) = bakeoff.load(tmp_path / "out" / system).runs
        assert (run.state, run.environment["at_once"]) == (RunState.FINISHED, "2")


def test_a_signal_at_the_end_of_one_system_stops_the_next(inside, tmp_path: Path, tiny_data: Path, monkeypatch):
    monkeypatch.setattr(JsonLines, "run_ended", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    flags = ("--seeds", "1", *QUICK, "--data-dir", str(tiny_data), "--out", "out")
    done = inside("reproduce", "simcnn", "leaky-cnn", *flags)
    assert done.returncode == 128 + signal.SIGTERM
    assert "stopped by SIGTERM; 1 run is left" in done.stderr
    states = [run.state for system in ("simcnn", "leaky-cnn") for run in bakeoff.load(tmp_path / "out" / system).runs]
    assert states == [RunState.FINISHED, RunState.PENDING]


def test_a_folder_of_another_study_is_told_before_the_first_system_is_trained(inside, tmp_path: Path, tiny_data: Path):
    flags = ("--seeds", "1", "--device", "cpu", "--data-dir", str(tiny_data), "--out", "out")
    assert inside("reproduce", "leaky-cnn", "--epochs", "1", "--max-train", "64", *flags).returncode == 0
    done = inside("reproduce", "simcnn", "leaky-cnn", "--epochs", "1", "--max-train", "100", *flags)
    assert done.returncode == 1
    assert "out/leaky-cnn belongs to another study: data.max_train is 64 there and 100 here" in done.stderr
    assert not (tmp_path / "out" / "simcnn").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "which system?"),
        (["simcn"], "did you mean simcnn"),
        (["simcnn", "--offline"], "--data-dir"),
    ],
)
def test_a_mistake_is_one_sentence(inside, arguments: list[str], words: str):
    done = inside("reproduce", *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.slow
def test_the_real_data_give_what_was_reported(inside, real_data: Path):
    done = inside("reproduce", "simcnn", "--seeds", "2", "--data-dir", str(real_data), "--offline")
    assert done.returncode == 0, done.stderr
    line = json.loads(done.stdout.splitlines()[-1])
    assert line["figures"][0]["lies"] in ("inside", "below")
