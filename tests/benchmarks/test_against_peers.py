"""The benchmarks against peers: a slower product is noticed, its candidates work, and the page shows what is kept."""

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
MACHINE = {"processor": "one", "matrices": "AVX512", "threads": 2}
AIRBENCH = """
print("|  run     |  epoch  |  train_acc  |  val_acc  |  tta_val_acc  |  time_seconds  |")
for run, accuracy, seconds in (("warmup", 0.1, 99), (0, 0.94, 2.5), (1, 0.9401, 2.7), (2, 0.9402, 2.6)):
    print(f"|  {run}  |      0  |     0.5111  |   0.5000  |           |        0.3000  |")
    print(f"|         |   eval  |     0.9811  |   0.9300  |   {accuracy:.4f}  |  {seconds:.4f}  |")
"""


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch):
    """Import from the folder of benchmarks, whose scripts are no package."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)

    def imported(name: str) -> ModuleType:
        return __import__(name)

    yield imported
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(BENCHMARKS):
            del sys.modules[name]


def test_what_became_slower_beside_a_peer_is_named(benchmarks):
    outcome = benchmarks("outcome")

    def of(ours: list[float], machine: dict = MACHINE):
        seconds = {"bakeoff": ours, "Keras on TensorFlow": [10.0, 20.0, 10.0], "PyTorch, DataLoader": [1000.0] * 3}
        return outcome.Outcome(
            "simcnn", machine, 100, {who: outcome.Found({}, 1, each, []) for who, each in seconds.items()}
        )

    before = of([5.0, 10.0, 900.0])  # half of its neighbour in two rounds of three
    assert before.multiple("Keras on TensorFlow") == 0.5
    assert of([4.0, 30.0, 90.0]).least_multiple("Keras on TensorFlow") == 0.4
    assert of([5.5, 11.0, 5.5]).worse_than(before, 0.15) == []
    (named,) = of([6.0, 12.0, 6.0]).worse_than(before, 0.15)
    assert named == "simcnn: 0.60 x Keras on TensorFlow, 0.50 before"
    assert of([6.0, 12.0, 6.0], MACHINE | {"threads": 1}).worse_than(before, 0.15) == []


def test_processors_without_bfloat16_are_spared_what_they_must_imitate(benchmarks):
    cases = benchmarks("cases").CASES
    ways = {
        name: [entry.task.get("way") for entry in case.without_bf16().entries.values()] for name, case in cases.items()
    }
    assert not {"bf16", "tuned"} & {way for each in ways.values() for way in each}
    for name, case in cases.items():
        assert next(iter(case.without_bf16().entries)) == "bakeoff", name
        assert set(case.targets) <= set(case.without_bf16().entries), name


def test_the_products_candidates_train_when_they_are_told_to(benchmarks, tmp_path: Path):
    rng = np.random.default_rng(0)
    arrays = {}
    for part in ("train", "test"):
        arrays[f"x_{part}"] = rng.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
        arrays[f"y_{part}"] = np.arange(40) % 10
    np.savez(tmp_path / "images.npz", **arrays)
    task = {"data": str(tmp_path / "images.npz"), "network": "simcnn", "batch": 20, "optimizer": "adam", "lr": 0.001}
    started = benchmarks("candidate").Candidate
    with started(Path(sys.executable), "ours_study.py", {**task, "seed": 0, "rounds": 2}, 1) as study:
        assert all(study.round() > 0 for _ in range(2))
        found = study.finish()
    assert found["parameters"] == 122_570
    assert 0 <= found["accuracy"] <= 1
    with started(Path(sys.executable), "ours_input.py", {**task, "rounds": 1}, 1) as pipeline:
        assert pipeline.round() > 0
    with pytest.raises(RuntimeError, match=r"missing\.npz"):
        started(Path(sys.executable), "ours_input.py", {"data": "missing.npz"}, 1)


@pytest.mark.parametrize("name", ["performance_page", "reproduced"])
def test_a_page_shows_the_results_that_are_kept(benchmarks, name: str):
    page = benchmarks(name)
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.written(text) == text, f"run: python benchmarks/{name}.py"


def test_what_a_recipe_says_of_its_accuracy_is_what_is_kept(benchmarks):
    kept = sorted(benchmarks("reproduced").KEPT.glob("*.json"))
    assert kept
    for file in kept:
        figures = json.loads(file.read_text(encoding="utf-8"))["figures"]
        (shown,) = [one["reproduced"] for one in figures if one["figure"] == "test_accuracy"]
        recipe = (BENCHMARKS.parent / "src/bakeoff/recipes" / f"{file.stem}.yaml").read_text(encoding="utf-8")
        assert f"{100 * shown:.2f} % test" in recipe, file.stem


def test_a_script_of_airbench_is_read_and_stopped(benchmarks, tmp_path: Path):
    script = tmp_path / "airbench.py"
    script.write_text(AIRBENCH)
    found = benchmarks("beside_script").theirs(script, 2)
    assert (found["accuracy"], found["seconds"]) == ([0.94, 0.9401], [2.5, 2.7])
    script.write_text("print('no GPU')")
    with pytest.raises(SystemExit, match="no rows of runs"):
        benchmarks("beside_script").theirs(script, 2)
