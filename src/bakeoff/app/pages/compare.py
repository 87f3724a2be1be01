"""Any runs side by side, also of several studies: their curves, what is proven, and in what they differ."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from bakeoff.app.site import Site
from bakeoff.app.studies import Reading
from bakeoff.errors import BakeoffError, StoreError
from bakeoff.records.run import RunRecord
from bakeoff.report.answers import TestAnswers, collect, judged
from bakeoff.report.curves import curve_figures
from bakeoff.report.intervals import interval_figure
from bakeoff.report.pairs import pair_table
from bakeoff.report.subject import Subject
from bakeoff.report.table import Rows, Table, Value, text_columns
from bakeoff.report.verdict import verdict
from bakeoff.store.folder import Predictions
from bakeoff.study import mismatch
from bakeoff.study.difference import Difference, Side, difference

RUNS, STUDIES = 100, 8  # at one time, at most
ALL = 4  # studies up to which all are offered without being named
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Chosen:
    """A study with the runs of it that are ticked."""

    reading: Reading
    runs: tuple[RunRecord, ...]


def compare(site: Site, request: Request) -> Response:
    """Return the page; the query names studies that are offered, and ticked runs as `study.run`."""
    ticked = [tuple(one.partition(".")[::2]) for one in request.query_params.getlist("run")]
    if len(ticked) > RUNS:
        raise StoreError(f"{len(ticked)} runs are too many for one page; tick up to {RUNS}")
    places = site.studies.places()
    named = dict.fromkeys([*request.query_params.getlist("study"), *(study for study, _ in ticked)])
    named.pop("", None)
    offered, broken = _readable(site, list(named))
    if len(places) <= ALL:
        offered += _readable(site, [place.key for place in places if place.key not in named])[0]
    chosen = [
        Chosen(reading, runs)
        for reading in offered
        if (runs := tuple(reading.run(run) for study, run in ticked if study == reading.place.key))
    ]
    return site.show(
        "compare.html.j2",
        offered=offered,
        broken=broken,
        others=[place for place in places if place.key not in {reading.place.key for reading in offered}],
        ticked={f"{study}.{run}" for study, run in ticked},
        **_compared(chosen),
    )


def _readable(site: Site, keys: list[str]) -> tuple[list[Reading], list[str]]:
    if len(keys) > STUDIES:
        raise StoreError(f"{len(keys)} studies are too many for one page; choose up to {STUDIES}")
    readings, broken = [], []
    for key in keys:
        try:
            readings.append(site.studies.reading(key))
        except BakeoffError as error:
            names = [place.name for place in site.studies.places() if place.key == key]
            broken.append(": ".join([*names, str(error)]))
    return readings, broken


def _compared(chosen: list[Chosen]) -> dict[str, Any]:
    """Return what the page says of the ticked runs; of none of them nothing."""
    if not chosen:
        return {"subject": None, "figures": {}}
    subject = together(chosen)
    refusal = _other_images(chosen)
    test = TestAnswers(_NONE, _NONE, {}, (), refusal) if refusal else collect(subject)
    judgement = judged(subject, test)
    curves, bars = curve_figures(subject.contenders), interval_figure(subject, judgement.verdict)
    return {
        "subject": subject,
        "refusal": "" if judgement.verdict else judgement.reason,
        "verdict": verdict(subject, judgement),
        "intervals": bars,
        "pairs": pair_table(subject, judgement.verdict),
        "curves": curves,
        "settings": settings(subject),
        "differences": _differences(chosen),
        "figures": {figure.id: figure.plot for figure in (*([bars] if bars else []), *curves)},
    }


def together(chosen: list[Chosen]) -> Subject:
    """Return the ticked runs as one study; where they are of several, each model has its study's name behind it."""
    of: dict[int, tuple[Reading, RunRecord]] = {}
    records = []
    for one in chosen:
        for record in one.runs:
            named = _labelled(record, one.reading.place.name) if len(chosen) > 1 else record
            of[id(named)] = one.reading, record
            records.append(named)

    def read(record: RunRecord, part: str) -> Predictions:
        reading, original = of[id(record)]  # whose name leads to its folder
        return reading.subject.predictions(original, part)

    return replace(chosen[0].reading.subject, records=tuple(records), events=(), predictions=read)


def _labelled(record: RunRecord, study: str) -> RunRecord:
    model = record.spec.model
    label = f"{model.title} · {study}"
    return replace(
        record,
        spec=record.spec.model_copy(update={"model": model.model_copy(update={"label": label})}),
        stored_id=record.run_id,
    )


def settings(subject: Subject) -> Table | None:
    """Return the settings in which the models differ, one a row; None where there are none."""
    flat = [
        {field: "–" if value is None else str(value) for field, value in mismatch.settings(record.spec).items()}
        for record in (contender.records[0] for contender in subject.contenders)
    ]
    rows: Rows = [
        (Value(field, code=True), *(one.get(field, "–") for one in flat))
        for field in dict.fromkeys(field for one in flat for field in one)
        if len({one.get(field) for one in flat}) > 1
    ]
    columns = text_columns("setting", *(contender.label for contender in subject.contenders))
    return Table("Settings that differ", columns, rows) if rows else None


def _differences(chosen: list[Chosen]) -> list[tuple[str, str, Difference]]:
    """Return in what every other study differs from the first one."""
    sides = [
        Side(one.reading.place.name, one.reading.subject.about, one.runs, one.reading.subject.predictions)
        for one in chosen
    ]
    return [(sides[0].name, other.name, difference(sides[0], other)) for other in sides[1:]]


def _other_images(chosen: list[Chosen]) -> str:
    """Return why figures of different data sets are not compared; nothing where all are of one."""
    first = chosen[0].reading
    for one in chosen[1:]:
        if one.reading.subject.about["data"]["fingerprint"] != first.subject.about["data"]["fingerprint"]:
            return (
                f"{first.place.name} and {one.reading.place.name} have different images, so that figures do not "
                "compare."
            )
    return ""
