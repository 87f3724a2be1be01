"""The leaderboard as the page shows it, and the runs that it leaves out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bakeoff.evidence.estimate import Estimate
from bakeoff.evidence.verdict import Verdict
from bakeoff.records.run import RunRecord, RunState
from bakeoff.report.subject import Contender, Subject
from bakeoff.report.table import Column, Rows, Table, Value, text_columns
from bakeoff.report.text import NONE, decimal, duration, interval, percent, plural, spread, whole


@dataclass(frozen=True)
class Strip:
    """The test accuracies of a contender's seeds on the scale that all contenders share, from 0 to 100."""

    dots: tuple[float, ...]
    mean: float
    text: str


PLAIN = "test_plain_accuracy_mean"  # which there is with test-time augmentation alone
TOP5 = "test_top5_accuracy_mean"  # which is 1 with five classes or fewer, and then not shown

# Column, the leaderboard's name for it, how it is written, and whether the largest or smallest is the best.
FIGURES: tuple[tuple[Column, str, Callable[[float | None], str], Callable[..., float] | None], ...] = (
    (Column("plain accuracy", note="of each test image once, as it is"), PLAIN, percent, max),
    (Column("loss", note="mean cross-entropy of the test images, in nats"), "test_loss_mean", decimal, min),
    (Column("top 5", note="share of images whose class is among the five likeliest"), TOP5, percent, max),
    (Column("macro F1", note="mean over the classes"), "test_macro_f1_mean", percent, max),
    (Column("ROC AUC", note="one class against the rest, mean over the classes"), "test_roc_auc_mean", decimal, max),
    (
        Column("validation accuracy", note="of several settings of a model, the one that it chooses is marked"),
        "val_accuracy_mean",
        percent,
        None,
    ),
    (Column("parameters", note="all weights, as Keras counts them"), "params", whole, min),
    (Column("training", note="seconds of training of a run, validation left out"), "train_seconds_mean", duration, min),
)

SEEDS = ("seeds", "every seed", "new seeds and new test images; for one run, new images only")
FOLDS = ("folds and seeds", "every fold of every seed", "other training and test images, with new seeds")


def ranking(ranked: Sequence[Contender], verdict: Verdict | None) -> Table:
    """Return the leaderboard; the cells of the column "seeds" are to be drawn as `strips`.

    Failures and recipes have a column where there are some, and several that names do not tell already.
    """
    some_failed = any(contender.figures["failed"] for contender in ranked)
    several = len({contender.recipe for contender in ranked}) > 1
    recipes = several and not all(contender.label.endswith(f"({contender.recipe})") for contender in ranked)
    known = {estimate.name: estimate for estimate in verdict.estimates} if verdict else {}
    letters = verdict.letters if verdict else {}
    turns, every, scope = FOLDS if verdict and verdict.folds else SEEDS
    without = {PLAIN: _is_missing, TOP5: _is_one}
    shown = [
        figure
        for figure in FIGURES
        if figure[1] not in without or not all(without[figure[1]](one.figures[figure[1]]) for one in ranked)
    ]
    columns = (
        Column("rank"),
        *text_columns("model"),
        Column("test accuracy", note=f"mean ± standard deviation over {turns}"),
        Column("95 % interval", note=f"of the mean, for {scope}"),
        Column("group", numeric=False, note="models that share a letter cannot be told apart"),
        Column("seeds", numeric=False, note=f"test accuracy of {every}; the bar is the mean"),
        *(column for column, *_ in shown),
        Column("runs", note="finished runs"),
        *([Column("failed", note="failed or diverged runs, not counted")] if some_failed else []),
        *text_columns(*["recipe"] * recipes),
    )
    best = {name: _best(ranked, name, pick) for _, name, _, pick in shown if pick}
    rows: Rows = [
        (
            str(contender.rank),
            Value(contender.label, place=contender.place),
            Value(spread(contender.accuracy, contender.figures["test_accuracy_std"]), mark=contender.rank == 1),
            _interval(known.get(contender.label)),
            letters.get(contender.label) or NONE,
            "",
            *(
                Value(write(value), value if write is duration else None, mark=value == best.get(name) or choice)
                for _, name, write, _ in shown
                for value in [contender.figures[name]]
                for choice in [name == "val_accuracy_mean" and _is_choice(contender)]
            ),
            str(len(contender.finished)),
            *([str(contender.figures["failed"])] if some_failed else []),
            *[contender.recipe] * recipes,
        )
        for contender in ranked
    ]
    return Table("Models by test accuracy", columns, rows)


def _is_missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def _is_one(value: float | None) -> bool:
    return _is_missing(value) or value == 1


def _is_choice(contender: Contender) -> bool:
    return bool(contender.figures["chosen"]) and contender.figures["settings"] > 1


def _interval(of: Estimate | None) -> Value:
    return Value(interval(of.low, of.high), of.mean) if of else Value(NONE)


def _best(ranked: Sequence[Contender], name: str, pick: Callable[..., float]) -> float | None:
    known = [value for contender in ranked if math.isfinite(value := contender.figures[name] or math.nan)]
    return pick(known) if len(set(known)) > 1 else None


def strips(ranked: Sequence[Contender]) -> list[Strip]:
    """Return the strip of every contender."""
    accuracies = [[record.metrics["test"]["accuracy"] for record in contender.finished] for contender in ranked]
    everything = [value for values in accuracies for value in values]
    low, high = min(everything, default=0.0), max(everything, default=1.0)

    def scaled(value: float) -> float:
        return round(100 * (value - low) / (high - low), 1) if high > low else 50.0

    return [
        Strip(
            tuple(map(scaled, values)),
            scaled(contender.accuracy),
            ", ".join(
                f"{record.spec.turn}: {percent(value)}"
                for record, value in zip(contender.finished, values, strict=True)
            ),
        )
        for contender, values in zip(ranked, accuracies, strict=True)
    ]


def unranked(subject: Subject) -> Table | None:
    """Return the runs that are not finished, with the reason; None where all are."""
    rows: Rows = [
        (
            Value(contender.label, place=contender.place),
            record.spec.turn.removeprefix("seed "),
            record.state.value,
            _progress(record),
            record.error or _reason(record),
        )
        for contender in subject.contenders
        for record in contender.records
        if record.state is not RunState.FINISHED
    ]
    if not rows:
        return None
    columns = (
        *text_columns("model"),
        Column("seed"),
        *text_columns("state"),
        Column("epochs done"),
        *text_columns("reason"),
    )
    return Table("Runs that are not ranked", columns, rows, f"{plural(len(rows), 'run')} of {len(subject.records)}.")


def _progress(record: RunRecord) -> str:
    done = record.epochs[-1].epoch if record.epochs else 0
    return f"{done} of {max(done, record.expected_epochs)}" if done else NONE


def _reason(record: RunRecord) -> str:
    return {
        RunState.PENDING: "has not started yet",
        RunState.RUNNING: "is being trained, or was cut off",
        RunState.INTERRUPTED: "was interrupted; the same command goes on with it",
    }.get(record.state, "")
