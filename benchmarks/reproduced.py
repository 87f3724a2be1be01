"""Keep what `bakeoff reproduce` found of systems in full, and write it into `docs/reproduced.md`.

    python benchmarks/reproduced.py [runs/reproduce/NAME ...]

Without folders the page is written from what was kept before.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from page_tables import filled, table
from timing import RESULTS

import bakeoff
from bakeoff.records.run import RunRecord, RunState

KEPT = RESULTS / "reproduced"
PAGE = Path(__file__).parents[1] / "docs" / "reproduced.md"
FIGURE = ("system", "document", "figure", "reported", "here: mean ± sd", "one more run", "runs")
HEAD = (*FIGURE, "epoch: then", "now", "a run in all")


def keep(folder: Path) -> None:
    """Write what the reproduction in a folder found as JSON, with every run by itself."""
    found = json.loads((folder / "reproduced.json").read_text(encoding="utf-8"))
    runs = [record for record in bakeoff.load(folder).runs if record.state is RunState.FINISHED]
    del found["notes"]
    found |= {"date": max(run.finished for run in runs)[:10], "environment": dict(runs[0].environment)}
    found["seeds"] = [_seed(run) for run in runs]
    KEPT.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=1) + "\n"
    (KEPT / f"{folder.name}.json").write_text(text, encoding="utf-8")


def _seed(run: RunRecord) -> dict[str, Any]:
    assert run.cost, "a finished run has costs"
    accuracies = {f"{part}_accuracy": metrics["accuracy"] for part, metrics in run.metrics.items()}
    if plain := run.metrics["test"].get("plain_accuracy"):
        accuracies["test_plain_accuracy"] = plain
    seconds = {name: round(getattr(run.cost, name), 1) for name in ("train_seconds", "total_seconds")}
    return {"seed": run.spec.seed, "epochs": len(run.epochs), **accuracies, **seconds}


def written(page: str) -> str:
    """Return the text of the page with what is kept."""
    return filled(page, "systems", table(HEAD, _rows()))


def _rows() -> Iterator[list[str]]:
    """Yield a row for each figure of the systems that are kept."""
    for file in sorted(KEPT.glob("*.json")):
        found = json.loads(file.read_text(encoding="utf-8"))
        for figure in found["figures"]:
            yield _row(file.stem, found, figure)


def _row(system: str, found: dict[str, Any], figure: dict[str, Any]) -> list[str]:
    then = found["seconds_per_epoch"]["reported"]
    form = "{:.2%}" if figure["figure"].endswith("accuracy") else "{:.3f}"
    shown = {name: form.format(figure[name]) for name in ("reported", "reproduced", "sd") if figure[name] is not None}
    spread = f" ± {shown['sd']}" if "sd" in shown else ""
    interval = " to ".join(map(form.format, figure["interval"] or ()))
    totals = [seed["total_seconds"] for seed in found["seeds"]]
    at_once = "" if found["environment"].get("at_once", "1") == "1" else f", {found['environment']['at_once']} at once"
    return [
        system,
        found["document"] or "",
        figure["figure"].replace("_", " "),
        shown.get("reported", ""),
        shown["reproduced"] + spread,
        interval,
        str(figure["n"]),
        "" if then is None else _span(then),
        f"{found['seconds_per_epoch']['reproduced']:.1f} s{at_once}",
        _span([round(min(totals)), round(max(totals))]),
    ]


def _span(seconds: list[float]) -> str:
    low, high = seconds
    return f"{low:g} s" if low == high else f"{low:g} to {high:g} s"


def main() -> None:
    """Keep what is new, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*")
    for folder in parser.parse_args().folders:
        keep(folder)
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
