"""From a study to one HTML file that needs nothing else: no network, no other file, no build."""

from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from bakeoff import __version__, durable
from bakeoff.errors import StoreError
from bakeoff.report import checks, dataset, plotly, protocol, runs, tuning
from bakeoff.report.answers import TestAnswers, answered, collect, judged
from bakeoff.report.calibration import calibration_figure, calibration_table, calibrations
from bakeoff.report.class_differences import class_difference_figure
from bakeoff.report.cost import cost_views
from bakeoff.report.cost_table import cost_table, timing_table
from bakeoff.report.curves import curve_figures
from bakeoff.report.figure import COLOURS, Figure
from bakeoff.report.galleries import agreement, study_galleries
from bakeoff.report.gradcam import looks
from bakeoff.report.intervals import interval_figure
from bakeoff.report.label_errors import doubted
from bakeoff.report.metrics import metric_table
from bakeoff.report.pairs import pair_figure, pair_table
from bakeoff.report.panels import hardest, panels
from bakeoff.report.power import power_of
from bakeoff.report.ranking import ranking, strips, unranked
from bakeoff.report.reproduced import reproduced_notes, reproduced_table
from bakeoff.report.robustness import not_judged, robustness_figures, robustness_table
from bakeoff.report.subject import Subject
from bakeoff.report.verdict import verdict
from bakeoff.study.judgement import Judgement


def write(subject: Subject, path: Path) -> None:
    """Write the report; characters that UTF-8 does not have, as in odd file names, become question marks.

    Raises:
        StoreError: the file cannot be written.
    """
    content = render(subject).encode("utf-8", "replace")
    try:
        durable.write(path, content)
    except OSError as error:
        raise StoreError(f"cannot write the report to {path}: {error.strerror}; give another path") from None


def render(subject: Subject) -> str:
    """Return the report. Equal studies give equal bytes."""
    script = _script()
    environment = Environment(
        loader=PackageLoader("bakeoff.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    parts = _parts(subject)
    return environment.get_template("report.html.j2").render(
        parts,
        figures={figure.id: figure.plot for figure in _drawn(parts)},
        colours=COLOURS,
        script=script,
        style=asset("style.css"),
        plotly=plotly.packed(),
        policy=policy(),
        version=__version__,
    )


def asset(name: str) -> str:
    """Return a style sheet or script of the page."""
    return (resources.files("bakeoff.report") / "templates" / name).read_text(encoding="utf-8")


def _script() -> str:
    return asset("figures.js") + asset("report.js")


def policy() -> str:
    """Return a Content-Security-Policy under which the two scripts run and nothing is ever requested.

    Styles may be inline, as Plotly sets them; they could fetch nothing either.
    """
    allowed = " ".join(map(plotly.allowed, (_script().encode(), plotly.script())))
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; "
        "form-action 'none'"
    )


def figures(subject: Subject) -> list[Figure]:
    """Return every figure of the page, in no order."""
    return _drawn(_parts(subject))


def _drawn(parts: dict[str, Any]) -> list[Figure]:
    heat_maps = [panel.heat_map for panel in parts["panels"]]
    costs = [view.figure for view in parts["costs"]]
    single = [parts[name] for name in ("intervals", "pairs", "class_differences", "power", "reliability", "bars")]
    return [figure for figure in (*costs, *parts["curves"], *parts["robustness"], *heat_maps, *single) if figure]


def _parts(subject: Subject) -> dict[str, Any]:
    """Return what the sections of the page show."""
    test = collect(subject)
    judgement = judged(subject, test)
    images = subject.images
    return {
        "subject": subject,
        "summary": protocol.summary(subject),
        "period": protocol.period(subject),
        "verdict": verdict(subject, judgement),
        "ranking": ranking(subject.ranked, judgement.verdict),
        "strips": strips(subject.ranked),
        "unranked": unranked(subject),
        "tracebacks": runs.tracebacks(subject),
        "confirmed": tuning.confirmed_table(subject),
        "reproduced": reproduced_table(subject),
        "reproduced_notes": reproduced_notes(subject),
        "cost_table": cost_table(subject.ranked, subject.protocol.target_accuracy),
        "timings": timing_table(subject.ranked),
        "costs": cost_views(subject.ranked, judgement.verdict, subject.protocol.target_accuracy),
        **_evidence(subject, test, judgement),
        "robustness": robustness_figures(subject.ranked),
        "robustness_table": robustness_table(subject.ranked),
        "not_judged": not_judged(subject),
        "curves": curve_figures(subject.contenders),
        "panels": list(panels(subject, test)),
        "hardest": hardest(subject, test),
        "agreement": agreement(test) if test.of else "",
        "galleries": study_galleries(answered(subject, test), test, images) if images and test.of else [],
        "doubted": doubted(subject, judgement.verdict),
        "gradcam": looks(subject),
        "missing": test.missing,
        "runs": runs.run_table(subject),
        "deviations": runs.deviation_table(subject),
        "no_deviations": runs.no_deviations(subject),
        "networks": runs.network_table(subject),
        "looks": runs.looks_at_test_set(subject),
        **_data(subject, test),
        "rules": protocol.protocol_facts(subject),
        "hashes": protocol.hashes(subject),
        "recipes": protocol.recipes(subject),
        "study_file": protocol.study_file(subject),
        "environment": protocol.environment_table(subject),
    }


def _evidence(subject: Subject, test: TestAnswers, judgement: Judgement) -> dict[str, Any]:
    """Return what shows whether differences are real, and whether probabilities are."""
    calibrated = calibrations(subject, test)
    return {
        "evidence": judgement.verdict,
        "intervals": interval_figure(subject, judgement.verdict),
        "pairs": pair_figure(judgement.verdict),
        "pair_table": pair_table(subject, judgement.verdict),
        "metrics": metric_table(subject, test),
        "power": power_of(subject, test, judgement.verdict),
        "class_differences": class_difference_figure(subject, test, judgement.verdict),
        "calibrated": [one.contender for one in calibrated],
        "reliability": calibration_figure(calibrated),
        "calibration_table": calibration_table(calibrated),
    }


def _data(subject: Subject, test: TestAnswers) -> dict[str, Any]:
    """Return what the section on the data set shows."""
    images, counts = subject.images, dataset.study_counts(subject)
    checked = checks.examined(subject)
    return {
        "facts_of_data": dataset.data_facts(subject.about["study"]["data"]["name"], subject.about["data"]),
        "bars": dataset.count_figure(counts, subject.class_names),
        "counts": dataset.count_table(counts, subject.class_names) if counts else None,
        "samples": dataset.samples(images, subject.data, subject.protocol) if images else [],
        "findings": checks.finding_table(checked),
        "without": checks.accuracy_without(answered(subject, test), test, checked),
        "checks_note": checks.checks_note(checked),
        "twins": checks.twins(subject, checked),
        "skipped": dataset.skipped_table(subject.about["data"]["provenance"]),
    }
