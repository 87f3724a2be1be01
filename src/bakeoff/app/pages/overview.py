"""The first page: every study below the folder."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from bakeoff.app.live import Live
from bakeoff.app.places import STUDIES, Place
from bakeoff.app.site import Site
from bakeoff.app.standing import Standing
from bakeoff.app.studies import Reading, Studies
from bakeoff.errors import BakeoffError
from bakeoff.records.run import RunState
from bakeoff.report.text import interval, percent

BUDGET = 1.0  # seconds for reading studies at one time; the others follow


@dataclass(frozen=True)
class Summary:
    """A row of the page. `reason` says why a study cannot be read; `standing` is None where it was not read yet."""

    place: Place
    changed: str  # ISO 8601, UTC
    reason: str = ""
    standing: Standing | None = None
    data: str = ""
    done: int = 0
    failed: int = 0
    total: int = 0
    best: str = ""
    accuracy: str = ""
    interval: str = ""


def overview(site: Site, request: Request) -> Response:  # noqa: ARG001
    """Return the page."""
    return site.show("studies.html.j2", **look(site).values)


def look(site: Site, request: Request | None = None) -> Live:  # noqa: ARG001
    """Return the table of studies as it is now."""
    rows = tuple(summaries(site.studies, time.monotonic() + BUDGET))
    full = len(rows) >= STUDIES
    return Live(rows, lambda: site.render("studies_live.html.j2", rows=rows, full=full, root=str(site.studies.root)))


def summaries(studies: Studies, deadline: float) -> list[Summary]:
    """Return a row for every study, those that changed last first; after the deadline only what needs no reading."""
    rows = [
        (studies.changed(place), _summary(studies, place, in_time=time.monotonic() < deadline))
        for place in sorted(studies.places(), key=studies.changed, reverse=True)
    ]
    return [row for _, row in sorted(rows, key=lambda pair: -pair[0])]


def _summary(studies: Studies, place: Place, *, in_time: bool) -> Summary:
    changed = _moment(studies.changed(place))
    known = studies.remembered(place)
    if known is None and not in_time:
        return Summary(place, changed)
    try:
        return _row(known or studies.reading(place.key), changed)
    except BakeoffError as error:
        return Summary(place, changed, reason=str(error))


def _row(reading: Reading, changed: str) -> Summary:
    subject = reading.subject
    states = [record.state for record in subject.records]
    estimates = reading.judgement.verdict.estimates if reading.judgement.verdict else ()
    best = subject.ranked[0] if subject.ranked else None
    first = next((one for one in estimates if best and one.name == best.label), None)
    return Summary(
        place=reading.place,
        changed=changed,
        standing=reading.standing,
        data=subject.name,
        done=states.count(RunState.FINISHED),
        failed=states.count(RunState.FAILED) + states.count(RunState.DIVERGED),
        total=len(states),
        best=best.label if best else "",
        accuracy=percent(best.accuracy, 1) if best else "",
        interval=interval(first.low, first.high) if first else "",
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds else ""
