"""The leaderboard as a table for papers, in LaTeX with booktabs."""

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from bakeoff import __version__
from bakeoff.evidence.verdict import Verdict
from bakeoff.study.judgement import Judgement

if TYPE_CHECKING:
    import pandas as pd

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    **{char: f"\\{char}" for char in "{}$&#_%"},
}
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # control, and what turns text around
HEAD = r"Model & Accuracy & 95\,\% interval & Group & Parameters & Training \\"


def as_latex(table: "pd.DataFrame", judgement: Judgement, data: str, images: int) -> str:
    r"""Return a table float. It needs `\usepackage{booktabs}`; names beyond Latin letters need XeLaTeX or LuaLaTeX.

    Accuracies are means in percent, with the standard deviation over runs (n - 1) in brackets; the models that cannot
    be told from the best are bold.

    Args:
        table: the leaderboard.
        judgement: on its rows.
        data: the name of the data set.
        images: number of test images.
    """
    ranked = [row for row in table.to_dict("records") if row["seeds"]]
    several = len({row["recipe"] for row in ranked}) > 1
    compared = [row for row in ranked if row["group"]] or ranked  # a model that ran once may only seem the best
    best = max((row["test_accuracy_mean"] for row in compared), default=0.0)
    bold = [row["tied"] or (row in compared and row["test_accuracy_mean"] == best) for row in ranked]
    lines = [
        f"% Written by bakeoff {__version__}; needs \\usepackage{{booktabs}}",
        r"\begin{table}",
        r"\centering",
        f"\\caption{{{caption({row['runs'] for row in ranked}, judgement, data, images)}}}",
        r"\label{tab:leaderboard}",
        r"\smallskip",  # the standard classes leave no room between a caption and a table below it
        r"\small",
        r"\begin{tabular}{@{}lrrlrr@{}}",
        r"\toprule",
        HEAD,
        r"\midrule",
        *(_row(row, several=several, bold=mark) for row, mark in zip(ranked, bold, strict=True)),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Return a text in one line that TeX sets as it is."""
    line = UNSEEN.sub("", " ".join(str(text).split()))
    return re.sub("-(?=-)", "-{}", "".join(SPECIAL.get(char, char) for char in line))  # two would make a dash


def caption(runs: Collection[int], judgement: Judgement, data: str, images: int) -> str:
    """Return what the table shows, of how many runs and images, and by which method."""
    fewest, most = min(runs, default=0), max(runs, default=0)
    title = f"Test accuracy in percent on {escaped(data)} ({images:,} test images)"
    if not most:
        return f"{title}: no run has finished."
    count = f"$n = {most}$" if fewest == most else f"$n = {fewest}$ to ${most}$"
    what = "accuracy" if most == 1 else "mean (standard deviation)"
    return f"{title}: {what} of {count} {'run' if most == 1 else 'runs'} per model. {_method(judgement.verdict)}"


def _method(verdict: Verdict | None) -> str:
    if verdict is None:
        return "Differences were not tested."
    level = f"{100 * verdict.level:.4g}\\,\\%"
    methods = sorted({pair.method for pair in verdict.comparisons if pair.p_value is not None})
    once = [one.seeds == 1 for one in verdict.estimates]
    scope = "new test images, these networks" if all(once) else "new seeds and new test images"
    if any(once) and not all(once):
        scope += ", of models that ran once for new test images alone"
    if verdict.folds:
        scope = f"other training and test images, by {verdict.folds} folds that share training images"
    said = f"Intervals ({level}) are for {scope}."
    if not methods:
        return said
    pairs = sum(pair.p_value is not None for pair in verdict.comparisons)
    correction = f"; Holm's correction of {pairs} pairs" if pairs > 1 else ""
    return (
        f"{said} Models that share a letter cannot be told apart ({'; '.join(methods)}{correction}); "
        "bold: the best, and what cannot be told from it."
    )


def _seconds(seconds: float) -> str:
    """Return three digits or whole seconds, so that a column reads as one."""
    return f"{seconds:,.0f}" if seconds >= 100 else f"{seconds:#.3g}".rstrip(".")


def _row(row: Mapping[Any, Any], *, several: bool, bold: bool) -> str:
    name = escaped(f"{row['model']} ({row['recipe']})" if several else row["model"])
    mean, deviation, low, high = (100 * row[f"test_accuracy_{figure}"] for figure in ("mean", "std", "low", "high"))
    accuracy = f"{mean:.2f}" if deviation != deviation else f"{mean:.2f} ({deviation:.2f})"
    cells = (
        f"{{{name}}}",  # in braces, since a bracket at the start of a row is an option of the row before
        f"\\textbf{{{accuracy}}}" if bold else accuracy,
        "--" if low != low else f"{low:.1f} to {high:.1f}",
        row["group"],
        f"{int(row['params']):,}" if row["params"] == row["params"] and row["params"] is not None else "--",
        "--"
        if row["train_seconds_mean"] != row["train_seconds_mean"]
        else f"{_seconds(row['train_seconds_mean'])}\\,s",
    )
    return " & ".join(cells) + r" \\"
