"""The program as a stranger meets it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bakeoff", *arguments],
        cwd=cwd,
        env={**os.environ, "BAKEOFF_CACHE": str(cwd / "cache"), "COLUMNS": "120", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    cwd = tmp_path_factory.mktemp("study")
    flags = ["--models", "lenet5,simcnn", "--seeds", "2", "--epochs", "1", "--offline", "--out", "out"]
    return cwd, run("compare", "digits", *flags, cwd=cwd)


def test_the_program_and_the_package_start_without_torch(tmp_path: Path):
    watch = "import sys; sys.argv = ['bakeoff', '--help']; import bakeoff; assert 'torch' not in sys.modules\n"
    watch += "from bakeoff.cli.main import main\ntry: main()\nexcept SystemExit: pass\n"
    watch += "heavy = {'torch', 'numpy', 'pandas', 'pydantic', 'sqlalchemy', 'starlette'} & set(sys.modules)\n"
    watch += "assert not heavy, heavy"
    done = subprocess.run([sys.executable, "-c", watch], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for command in ("compare", "models", "recipes", "data", "leaderboard", "report", "diff", "plan", "ui", "doctor"):
        assert command in done.stdout


def test_without_a_terminal_every_run_is_a_line_of_json(compared):
    _, done = compared
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["run"] * 4 + ["study"]
    assert all(line["state"] == "finished" and 0 <= line["test_accuracy"] <= 1 for line in lines[:4])
    assert lines[-1]["finished"] == 4
    assert done.stderr == ""


def test_a_folder_of_another_study_is_all_that_is_told(compared, inside):
    cwd, _ = compared
    done = inside("compare", "digits", "--models", "lenet5", "--epochs", "2", "--offline", "--out", "out", cwd=cwd)
    assert done.returncode == 1
    assert done.stderr.startswith("error: out belongs to another study: overrides.recipe.epochs is 1 there and 2 here")
    assert done.stderr.count("\n") == 1, "and nothing of looks at the test set, which are its own"


@pytest.mark.parametrize("kind", ["json", "csv", "md", "table"])
def test_a_leaderboard_in_every_format(compared, inside, kind: str):
    cwd, _ = compared
    done = inside("leaderboard", "out", "--format", kind, cwd=cwd)
    assert done.returncode == 0, done.stderr
    for name in ("lenet5", "simcnn"):
        assert name in done.stdout
    if kind == "json":
        rows = json.loads(done.stdout)
        wanted = "model recipe seeds test_accuracy_mean test_accuracy_std test_loss_mean val_accuracy_mean params"
        assert {*wanted.split(), "train_seconds_mean"} <= set(rows[0])
        assert {row["params"] for row in rows} == {15626, 60554}
        assert all(row["test_accuracy_low"] < row["test_accuracy_mean"] < row["test_accuracy_high"] for row in rows)
        assert all(set(row["group"]) <= {"a", "b"} and isinstance(row["tied"], bool) for row in rows)
    if kind == "md":
        assert done.stdout.startswith("| rank | model | test accuracy | 95 % interval | group |")
    if kind == "table":
        assert "95 % interval" in done.stdout.splitlines()[0]  # in a pipe nothing is folded
        assert "Two runs tell little of the spread over seeds" in done.stdout


def test_a_plan_says_how_many_seeds_are_needed_and_what_it_assumes(compared, inside, tmp_path: Path):
    by_default = inside("plan", "--detect", "2", "--plot", "curve.PNG").stdout
    assert "drawn in curve.PNG" in by_default
    assert (tmp_path / "curve.PNG").read_bytes().startswith(b"\x89PNG")
    assert "seeds of each model find a difference of 2 points in 8 of 10 cases." in by_default
    assert "0.5 points" in by_default
    assert "little trained networks on CIFAR-10" in by_default
    cwd, _ = compared
    measured = inside("plan", "--from", "out", "--models", "3", cwd=cwd).stdout
    assert "For 359 test images and a test at the 5 % level, divided by 3 pairs of 3 models" in measured
    assert "how far models spread over seeds cannot be told from out" in measured
    assert "Assumed: 0.89 points of spread" in measured
    assert "the default, of small, little trained networks" in measured
    assert "cannot be told" not in by_default


def test_a_study_is_the_same_as_itself(compared, inside):
    cwd, _ = compared
    done = inside("diff", "out", "out", cwd=cwd)
    assert "The settings are the same." in done.stdout
    assert done.stdout.count("too close to call") == 2


def test_two_runs_differ_by_their_folders(compared, inside):
    cwd, _ = compared
    one, other = sorted(str(path) for path in (cwd / "out" / "runs").iterdir())[:2]
    done = inside("diff", one, other, cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert "training time" in done.stdout
    assert "one run cannot tell" in done.stdout
    lost = inside("diff", one, f"{other[:-8]}00000000", cwd=cwd)
    assert "has no run of that name" in lost.stderr


def test_a_dry_run_prints_the_plan_and_writes_nothing(inside, tmp_path: Path):
    done = inside("compare", "digits", "--models", "lenet5,simcnn", "--dry-run", "--offline", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "Deviation: model.image_size 8 -> 18 (simcnn)" in done.stdout
    assert "in all" in done.stdout
    assert "it counts as no look" in done.stdout
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "cache" / "looks").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["compare"], 1, "DATA is missing"),
        (["compare", "digits"], 1, "--models is missing"),
        (["compare", "digits", "--models", "simcn"], 1, "did you mean simcnn"),
        (["compare", "--config", "none.yaml"], 1, "none.yaml: cannot be read"),
        (["compare", "digits", "--models", "simcnn", "--seeds", "many"], 1, "--seeds is a number"),
        (["compare", "digits", "--models", "simcnn", "--batch-size", "0"], 1, "error: --batch-size: must be greater"),
        (["data", "digits", "--preview", "x.bmp"], 1, "x.bmp does not say which kind of picture to write"),
        (["compare", "digits", "--models", "simcnn", "--budget", "10"], 1, "--budget is epochs=N"),
        (["compare", "cifar10", "--models", "simcnn", "--offline"], 1, "--data-dir"),
        (["leaderboard", "nowhere"], 1, "there is no study in nowhere"),
        (["report", "nowhere"], 1, "there is no study in nowhere"),
        (["plan", "--detect", "0"], 1, "--detect is a number of points above 0"),
        (["diff", "nowhere", "there"], 1, "there is no study in nowhere"),
        (["plan", "--from", "nowhere"], 1, "there is no study in nowhere"),
        (["plan", "--plot", "x.gif"], 1, "a figure is written as .png or .pdf; got x.gif"),
        (["models", "vg"], 1, "unknown model 'vg'"),
        (["models", "zzz*"], 1, "no model fits the pattern 'zzz*'; bakeoff models lists them"),
        (["leaderboard", "out", "--format", "xml"], 2, "error: --format: 'xml' is not one of 'table'"),
        (["comapre"], 2, "no such command 'comapre' (did you mean 'compare'?)"),
        (["compare", "digits", "--epochs", "x"], 2, "error: --epochs: must be a whole number; got 'x'"),
        (["compare", "digits", "--models", "simcnn", "--budget", "epochs=1", "--mode", "own-recipe"], 1, "no budget"),
        (["compare", "digits", "--epoch", "3"], 2, "no such option: --epoch (did you mean --epochs?)"),
    ],
)
def test_a_mistake_is_one_sentence_and_a_status(inside, arguments: list[str], status: int, words: str):
    done = inside(*arguments)
    assert done.returncode == status
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_a_time_limit_has_a_status_of_its_own_and_the_same_command_goes_on(inside, tmp_path: Path):
    flags = ("compare", "digits", "--models", "lenet5", "--seeds", "1", "--epochs", "1", "--out", "out", "--offline")
    stopped = inside(*flags, "--time-limit", "1e-6")
    assert stopped.returncode == 3
    assert "the time limit was reached; 1 run is left, and the same command goes on where it was" in stopped.stderr
    assert inside(*flags).returncode == 0


def test_a_study_file(inside, tmp_path: Path):
    (tmp_path / "study.yaml").write_text(
        "data: digits\nmodels: [lenet5]\nseeds: 1\nrecipe: {base: default, epochs: 1}\n"
        "grid:\n  recipe.batch_size: [64, 128]\n"
    )
    done = inside("compare", "--config", "study.yaml", "--offline", "--out", "out")
    assert done.returncode == 0, done.stderr
    recipes = {json.loads(line).get("recipe") for line in done.stdout.splitlines()}
    assert recipes == {"default* (batch_size=64)", "default* (batch_size=128)", None}


def test_control_characters_in_a_name_do_not_reach_the_terminal(inside):
    done = inside("compare", "digits", "--models", "\x1b[31mred")
    assert "\x1b" not in done.stderr


def test_lists_for_people(inside):
    assert "122,570" in inside("models", "simcnn", "--summary").stdout
    assert "leaky-cnn-deep" in inside("models", "leaky*").stdout
    assert "default" in inside("recipes").stdout


def test_the_doctor_tells_versions_and_what_is_cached(inside, tmp_path: Path):
    for name, size in (("features/a.features", 2_000_000_000), ("looks/b/c.jsonl", 10)):
        path = tmp_path / "cache" / name
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            file.truncate(size)
    said = " ".join(inside("doctor").stdout.split())
    assert "torch" in said
    assert "cached features 2.00 GB cached looks 0.00 GB What is cached is made or fetched again" in said


def test_what_is_wrong_with_the_data_is_told_before_training(inside, tmp_path):
    random = np.random.default_rng(0)
    pixels, labels = random.integers(0, 256, (90, 8, 8), np.uint8), np.arange(90) % 3
    pixels[80] = pixels[2]  # the class of both is 2
    np.savez(tmp_path / "a b.npz", x_train=pixels[:60], y_train=labels[:60], x_test=pixels[60:], y_test=labels[60:])
    done = inside("data", "a b.npz", "--check")
    assert "1 test image is also among the training or validation images" in done.stdout
    found = done.stdout.splitlines()[done.stdout.splitlines().index("") :]
    assert [line.split()[0] for line in found if "test 80" in line or "remove them" in line] == ["training", "->"]
    flags = ["--models", "lenet5", "--seeds", "1", "--epochs", "1", "--batch-size", "16", "--offline", "--out"]
    done = inside("compare", "a b.npz", *flags, "out")
    assert done.stderr.count("\n") == 1
    assert "More by: bakeoff data" in done.stderr
    assert "a b.npz' --check" in done.stderr
    checks = json.loads((tmp_path / "out" / "study.json").read_text())["data"]["checks"]
    assert checks["findings"][0]["groups"] == [[2, 80]]
    done = inside("compare", "a b.npz", *flags, "other", "--lr", "0.1")
    assert "another study on this machine (1 run)" in done.stderr
    for other, more in (
        ("--imgsz=12", "--check --imgsz 12"),
        ("--max-train=30", "More under 'Data set' in the report"),
    ):
        assert more in inside("compare", "a b.npz", *flags, "new", other, "--dry-run").stdout, "of the same images"
