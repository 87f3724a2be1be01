"""A study in a few lines, for a terminal or a notebook: what it proves, the ranking, and where the report is."""

import html
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bakeoff.evidence.wording import sentences
from bakeoff.records.run import RunRecord
from bakeoff.report import tuning
from bakeoff.report.text import duration, interval, percent, whole
from bakeoff.study.environments import mixed
from bakeoff.study.judgement import Judgement
from bakeoff.study.printable import printable
from bakeoff.study.tuning import standing
from bakeoff.study.unsteady import unsteady
from bakeoff.study.variants import variants

if TYPE_CHECKING:
    import pandas as pd


def findings(judgement: Judgement, records: Iterable[RunRecord]) -> tuple[str, ...]:
    """Return what the runs prove, and what to mind, a sentence each."""
    records, verdict = tuple(records), judgement.verdict
    if verdict and (
        names := {one.name for one in verdict.estimates} & {one.name for one in standing(variants(records))}
    ):
        verdict = verdict.only(names)
    said = sentences(verdict) if verdict else (judgement.reason,)
    tuned = (*tuning.chosen(records), *tuning.unequal(records))
    machine = (*mixed(records), *unsteady(records))
    return (*said, *tuned, *judgement.missing, *filter(None, [judgement.looked]), *machine)


def as_text(found: Iterable[str], table: "pd.DataFrame", report: Path) -> str:
    """Return findings, the leaderboard's main columns, and where the report is or how to get one."""
    where = f"Report: {report}" if report.exists() else "The method report() writes a report."
    shown = _main(table).map(lambda value: printable(value) if isinstance(value, str) else value)
    return "\n".join((*map(printable, found), "", shown.to_string(index=False), "", printable(where)))


def as_html(found: Iterable[str], table: "pd.DataFrame", report: Path) -> str:
    """Return the same for a notebook."""
    said = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in found)
    where = f"<p>Report: {html.escape(str(report))}</p>" if report.exists() else ""
    return said + _main(table).to_html(index=False, border=0) + where


def _main(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the columns of a leaderboard that people look at first, in words."""
    rows = table.to_dict("records")
    shown = table[["model", "recipe"] if table["recipe"].nunique() > 1 else ["model"]].copy()
    shown["test accuracy"] = [percent(row["test_accuracy_mean"]) for row in rows]
    ends = [(row["test_accuracy_low"], row["test_accuracy_high"]) for row in rows]
    shown["95 % interval"] = [interval(low, high) if low == low else "–" for low, high in ends]
    shown["group"] = table["group"]
    shown["parameters"] = [whole(row["params"]) if row["seeds"] else "–" for row in rows]
    shown["training"] = [duration(row["train_seconds_mean"]) for row in rows]
    shown["runs"] = table["runs"]
    return shown
