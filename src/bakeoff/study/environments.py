"""Versions and hardware: no part of a run's identity, and told where they differ within a study."""

from collections import Counter
from collections.abc import Iterable, Mapping

from bakeoff.records.run import Deviation, RunRecord, RunState

MATTERS = {
    **{package: f"versions of {package}" for package in ("bakeoff", "torch", "torchvision", "timm")},
    "device_name": "hardware",
    "at_once": "numbers of runs at once",
}


def mixed(records: Iterable[RunRecord]) -> tuple[str, ...]:
    """Return in which versions and hardware the finished runs of a study differ, a sentence each."""
    finished = [record for record in records if record.state is RunState.FINISHED]
    sentences = []
    for key, what in MATTERS.items():
        counts = Counter(record.environment[key] for record in finished if key in record.environment)
        if len(counts) > 1:
            found = ", ".join(f"{value} ({count} of {len(finished)} runs)" for value, count in sorted(counts.items()))
            sentences.append(
                f"The runs were made with different {what}: {found}. Differences between models may be due to that."
            )
    return tuple(sentences)


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[Deviation, ...]:
    """Return what changed about a run that was interrupted in one environment and goes on in another."""
    why = "the run was interrupted there, and went on here"
    return tuple(
        Deviation(what, before[key], now[key], why)
        for key, what in MATTERS.items()
        if key in before and key in now and before[key] != now[key]
    )
