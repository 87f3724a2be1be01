"""Figures other than accuracy, with their intervals and tied groups."""

from bakeoff.evidence.verdict import Verdict
from bakeoff.report.answers import TestAnswers, answered
from bakeoff.report.subject import Contender, Subject
from bakeoff.report.table import Column, Rows, Table, Value, text_columns
from bakeoff.report.text import NONE, decimal, join
from bakeoff.study.metrics import METRICS, judge_metrics

MOST = 30  # models, beyond which pairs are too many to be read
TITLES = {"loss": "loss", "macro_f1": "macro F1", "roc_auc": "ROC AUC", "ece": "calibration error"}
LACKING = "for too few images of a class or in all, too many logits, or values that are not finite"


def metric_table(subject: Subject, test: TestAnswers) -> Table | None:
    """Return a row per metric and model, the best first; None under cross-validation and with no or too many models."""
    shown = answered(subject, test)
    if not shown or len(shown) > MOST or test.folding:
        return None
    of = {one.label: test.of[one.place] for one in shown}
    verdicts = judge_metrics(of, test.labels, len(subject.class_names))
    rows: Rows = [row for name, verdict in verdicts.items() for row in _rows(TITLES[name], verdict, shown)]
    columns = (
        *text_columns("metric", "model"),
        Column("mean"),
        Column("95 % interval", note="for new seeds and new test images; for one run, new images only"),
        Column("group", numeric=False, note="models that share a letter in a metric cannot be told apart in it"),
    )
    return Table("Other metrics and their intervals", columns, rows, _note(verdicts)) if rows else None


def _note(verdicts: dict[str, Verdict]) -> str:
    lacking = [TITLES[name] for name in METRICS if name not in verdicts]
    return (
        "Loss, in nats, and calibration error: less is better. P-values behind the groups are corrected within each "
        "metric."
        + (
            " The interval of a calibration error below some 3 % is too high: chance alone adds to it."
            * ("ece" in verdicts)
        )
        + (f" Not judged: {join(lacking)}, {LACKING}." if lacking else "")
    )


def _rows(metric: str, verdict: Verdict, shown: list[Contender]) -> Rows:
    places = {contender.label: contender.place for contender in shown}
    return [
        (
            metric,
            Value(one.name, place=places[one.name]),
            Value(decimal(one.mean), one.mean),
            Value(f"{decimal(one.low)} to {decimal(one.high)}", one.low),
            verdict.letters[one.name] or NONE,
        )
        for one in verdict.estimates
    ]
