"""Every run: its figures on each part, and in what it deviates."""

import json
from collections.abc import Sequence

from bakeoff.records.run import RunRecord, RunState
from bakeoff.report.subject import Subject
from bakeoff.report.table import Cell, Column, Rows, Table, Value, number_columns, text_columns
from bakeoff.report.text import NONE, decimal, duration, join, moment, percent, plural, size, whole
from bakeoff.specs.model import ModelSpec
from bakeoff.study import looks as studies

MOST_TRACEBACK = 4000  # characters of one, counted from its end
PARTS = ("train", "val", "test")


def run_table(subject: Subject) -> Table:
    """Return loss and accuracy of every finished run on every part, its best epoch and its cost."""
    columns = (
        *text_columns("model"),
        Column("seed"),
        Column("best epoch", note="whose weights were kept and judged"),
        *number_columns(
            *(f"{part} {kind}" for part in ("training", "validation", "test") for kind in ("loss", "accuracy"))
        ),
        *number_columns("training time", "whole run"),
        Column(
            "memory", note="largest, of the device; on a CPU of the process, and ≤ where earlier runs of it are in that"
        ),
        *text_columns("run"),
    )
    rows: Rows = [
        (
            Value(contender.label, place=contender.place),
            record.spec.turn.removeprefix("seed "),
            _best_epoch(record),
            *(cell for part in PARTS for cell in _part(record, part)),
            *_cost(record),
            Value(record.run_id, code=True),
        )
        for contender in subject.contenders
        for record in contender.finished
    ]
    note = "The weights that were kept, judged without augmentation on every image of each part."
    return Table("Loss and accuracy of every finished run", columns, rows, note)


def _best_epoch(record: RunRecord) -> Value:
    text = NONE if record.best_epoch is None else f"{record.best_epoch} of {len(record.epochs)}"
    return Value(text, record.best_epoch)


def _part(record: RunRecord, part: str) -> tuple[Cell, Cell]:
    figures = record.metrics.get(part, {})
    return decimal(figures.get("loss")), percent(figures.get("accuracy"))


def _cost(record: RunRecord) -> tuple[Cell, Cell, Cell]:
    cost = record.cost
    if cost is None:
        return NONE, NONE, NONE
    return (
        Value(duration(cost.training_seconds), cost.training_seconds),
        Value(duration(cost.total_seconds), cost.total_seconds),
        Value(("" if cost.own_peak_memory else "≤ ") + size(cost.peak_memory_bytes), cost.peak_memory_bytes),
    )


def deviation_table(subject: Subject) -> Table | None:
    """Return in what runs differ from what was asked for, and why; None where none does."""
    found: dict[tuple[str, str, str, str, str], tuple[int, list[str]]] = {}
    for contender in subject.contenders:
        for record in contender.records:
            for deviation in record.deviations:
                key = (contender.label, deviation.what, deviation.wanted, deviation.got, deviation.why)
                found.setdefault(key, (contender.place, []))[1].append(record.spec.turn.removeprefix("seed "))
    rows: Rows = [(Value(label, place=place), join(seeds), *rest) for (label, *rest), (place, seeds) in found.items()]
    columns = text_columns("model", "seeds", "setting", "asked for", "done", "why")
    return Table("Deviations", columns, rows) if rows else None


def no_deviations(subject: Subject) -> str:
    """Return what is said where there is no table of deviations."""
    ended = any(record.state.is_final for record in subject.records)
    return "No run deviates from what was asked for." if ended else "No run has ended, so none is known to deviate."


def network_table(subject: Subject) -> Table:
    """Return every network with its settings, its input and its weights."""
    rows: Rows = []
    for contender in subject.contenders:
        spec = contender.records[0].spec.model
        parameters = next((record.parameters for record in contender.records if record.parameters), None)
        counts = (parameters.total, parameters.trainable, parameters.non_trainable) if parameters else (None,) * 3
        weights = next((record.cost.weights_bytes for record in contender.records if record.cost), None)
        rows.append(
            (
                Value(contender.label, place=contender.place),
                "; ".join(filter(None, (_settings(spec), _how_frozen(contender.finished)))) or NONE,
                NONE if spec.image_size is None else f"{spec.image_size} × {spec.image_size}",
                *map(whole, counts),
                Value(size(weights), weights),
            )
        )
    columns = (
        *text_columns("model", "settings", "input"),
        *number_columns("parameters", "trainable", "not trainable", "size"),
    )
    return Table("Networks", columns, rows)


def _settings(spec: ModelSpec) -> str:
    """Return what is set of a network besides the size of its input, and its name where the label is another."""
    elsewhere = {"label", "image_size", "weights_sha256"} | ({"name"} if spec.title == spec.name else set())
    content = spec.model_dump(mode="json", exclude_defaults=True, exclude=elsewhere)
    return "; ".join(
        f"{field} {value if isinstance(value, str) else json.dumps(value)}" for field, value in content.items()
    )


def _how_frozen(records: Sequence[RunRecord]) -> str:
    """Say whether the features of a frozen backbone were cached; nothing where no backbone is frozen."""
    cached = {record.cost.cached_features for record in records if record.cost}
    views = next((record.spec.recipe.views for record in records), 0)
    if cached == {True}:
        return f"trained on {views} cached views of every image" if views else "trained on cached features"
    frozen = any(record.spec.model.freeze == "backbone" for record in records)
    return "frozen, and run anew on every image of every epoch" if frozen else ""


def looks_at_test_set(subject: Subject) -> tuple[str, Table | None]:
    """Return a sentence on how often the test set was opened, and every time that it was."""
    labels = {record.run_id: c.run_label(record) for c in subject.contenders for record in c.records}
    looks = [event for event in subject.events if event.kind == "test opened"]
    if not looks:
        return "The test set has not been opened.", None
    runs = {event.run_id for event in looks}
    times = f"{plural(len(looks), 'time')}, by {plural(len(runs), 'run')}"
    often = ": once a run" if len(looks) == len(runs) else "; some runs opened it more than once"
    before = (
        studies.sentence(studies.before(subject.events)) or "No other study on this machine had looked at it before."
    )
    sentence = f"The test set was opened {times}, each when its weights were final{often}. {before}"
    rows: Rows = [
        (labels.get(look.run_id, look.run_id), moment(look.at), Value(look.detail[:16], code=True)) for look in looks
    ]
    return sentence, Table("Looks at the test set", text_columns("run", "when", "SHA-256 of the weights"), rows)


def tracebacks(subject: Subject) -> list[tuple[str, str]]:
    """Return the last traceback of every failed run, by the run's name."""
    last = {event.run_id: event.detail for event in subject.events if event.kind == "traceback"}
    return [
        (contender.run_label(record), last[record.run_id][-MOST_TRACEBACK:])
        for contender in subject.contenders
        for record in contender.records
        if record.state is RunState.FAILED and record.run_id in last
    ]
