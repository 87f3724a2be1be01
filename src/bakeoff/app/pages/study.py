"""A study: what is running, who leads so far, the curves, and every run."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bakeoff.app.live import Live
from bakeoff.app.site import Site
from bakeoff.app.studies import Reading
from bakeoff.records.run import RunRecord, RunState
from bakeoff.report.curves import curve_figures
from bakeoff.report.figure import Figure
from bakeoff.report.html import policy, render
from bakeoff.report.intervals import interval_figure
from bakeoff.report.ranking import ranking, strips
from bakeoff.report.runs import tracebacks
from bakeoff.report.subject import Contender
from bakeoff.report.text import NONE, decimal, duration, percent
from bakeoff.report.verdict import verdict


@dataclass(frozen=True)
class Row:
    """A run, as the page shows it."""

    contender: Contender
    record: RunRecord
    state: str
    share: float  # of its epochs that are done
    epochs: str
    left: str  # time that training will take, by its last epochs
    loss: str
    accuracy: str  # on validation images, at the last epoch
    test: str


def study(site: Site, request: Request) -> Response:
    """Return the page."""
    reading = site.studies.reading(request.path_params["study"])
    return site.show("study.html.j2", reading=reading, **_live(site, reading).values)


def look(site: Site, request: Request) -> Live:
    """Return the study as it is now."""
    return _live(site, site.studies.reading(request.path_params["study"]))


def report(site: Site, request: Request) -> Response:
    """Return the study's report, made anew, under its own policy."""
    reading = site.studies.reading(request.path_params["study"])
    content = render(site.studies.with_images(reading)).encode("utf-8", "replace")
    return HTMLResponse(content, headers={"content-security-policy": f"{policy()}; frame-ancestors 'none'"})


def _live(site: Site, reading: Reading) -> Live:
    def figures() -> list[Figure]:
        drawn = interval_figure(reading.subject, reading.judgement.verdict)
        return [*([drawn] if drawn else []), *curve_figures(reading.subject.contenders)]

    state = (reading.stamp, reading.standing, reading.abandoned)
    return Live(state, lambda: site.render("study_live.html.j2", **_shown(reading)), figures)


def _shown(reading: Reading) -> dict[str, Any]:
    subject, judgement = reading.subject, reading.judgement
    rows = [_row(reading, contender, record) for contender in subject.contenders for record in contender.records]
    return {
        "reading": reading,
        "subject": subject,
        "verdict": verdict(subject, judgement),
        "intervals": interval_figure(subject, judgement.verdict),
        "ranking": ranking(subject.ranked, judgement.verdict),
        "strips": strips(subject.ranked),
        "curves": curve_figures(subject.contenders),
        "rows": rows,
        "running": [row for row in rows if row.state == RunState.RUNNING],
        "finished": sum(row.state == RunState.FINISHED for row in rows),
        "tracebacks": tracebacks(subject),
    }


def _row(reading: Reading, contender: Contender, record: RunRecord) -> Row:
    last = record.epochs[-1] if record.epochs else None
    done = last.epoch if last else 0
    wanted = max(done, record.expected_epochs)
    recent = [epoch.seconds for epoch in record.epochs[-5:]]
    left = (wanted - done) * sum(recent) / len(recent) if recent else None
    tested = record.metrics.get("test", {}).get("accuracy")
    return Row(
        contender=contender,
        record=record,
        state=RunState.INTERRUPTED if record.run_id in reading.abandoned else record.state,
        share=min(1.0, done / wanted),
        epochs=f"{done} of {wanted}" if done else NONE,
        left=duration(left),
        loss=decimal(last.train_loss if last else None),
        accuracy=percent(last.val_accuracy if last else None, 1),
        test=percent(tested),
    )
