"""Write the tables of `docs/performance.md` from the results that are kept: `python benchmarks/performance_page.py`."""

import statistics
from itertools import chain
from pathlib import Path

from cases import CASES, EPOCH
from outcome import OURS, Outcome
from page_tables import filled, table
from scipy import stats

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def written(page: str) -> str:
    """Return the text of the page with the tables of all results between its markers."""
    outcomes = [outcome for outcome in map(Outcome.kept, CASES) if outcome]
    return filled(page, "peers", "\n\n".join(map(section, outcomes)) or "Nothing is kept yet.")


def section(outcome: Outcome) -> str:
    """Return the section of a case."""
    case, machine = CASES[outcome.name], outcome.machine
    first = next(iter(outcome.found.values()))
    judged = case.slow and bool(first.each("accuracy"))
    where = f"{machine['date']}, {machine['processor']} ({machine['matrices']}), {machine['threads']} threads"
    count = len(outcome.figures(OURS))
    rounds = f"{count} {'round' if count == 1 else 'rounds'} of {outcome.images:,} images"
    unit = {"s": f"seconds for {EPOCH:,} images", "MiB": "MiB"}[case.unit]
    heads = ["", unit, "least to most", "bakeoff is", "by the least", *["test accuracy"] * judged, "what it does"]
    lines = [f"### {case.title}", "", f"{where}; {rounds}.", ""]
    rows = []
    for who, found in outcome.found.items():
        figures = outcome.figures(who)
        multiple = "" if who == OURS else f"{outcome.multiple(who):.2f} x"
        multiple = f"{multiple} ({wanted})".strip() if (wanted := case.wanted(who)) else multiple
        least = "" if who == OURS else f"{outcome.least_multiple(who):.2f} x"
        row = [
            who,
            f"{statistics.median(figures):,.4g}",
            f"{min(figures):,.4g} to {max(figures):,.4g}",
            multiple,
            least,
        ]
        rows.append([*row, *([_accuracies(found.each("accuracy"))] if judged else []), found.about["does"]])
    lines.append(table(heads, rows))
    versions = dict(chain.from_iterable(found.about.items() for found in outcome.found.values()))
    del versions["does"]
    lines += ["", f"Versions: {', '.join(f'{name} {version}' for name, version in sorted(versions.items()))}."]
    if judged:
        lines += [_equality(outcome, who) for who in outcome.found if who != OURS]
    return "\n".join(lines)


def _accuracies(each: list[float]) -> str:
    return f"{statistics.mean(each):.2%} (n = {len(each)}, deviation {statistics.stdev(each):.2%})"


def _equality(outcome: Outcome, who: str) -> str:
    """Return a sentence with the difference in accuracy and its 95 % interval by Welch's t-test."""
    ours, theirs = (outcome.found[one].each("accuracy") for one in (OURS, who))
    low, high = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval()
    difference = statistics.mean(ours) - statistics.mean(theirs)
    return f"Accuracy less that of {who}: {difference:+.2%}, 95 % interval {low:+.2%} to {high:+.2%} (Welch)."


def write() -> None:
    """Write the page."""
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write()
