"""The report as a document in Markdown: the answer and its evidence in words and tables."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from bakeoff import __version__, durable
from bakeoff.errors import StoreError
from bakeoff.report import checks, dataset, protocol, runs, tuning
from bakeoff.report.answers import TestAnswers, answered, collect, judged
from bakeoff.report.pairs import pair_table
from bakeoff.report.ranking import ranking, unranked
from bakeoff.report.reproduced import reproduced_notes, reproduced_table
from bakeoff.report.robustness import not_judged
from bakeoff.report.subject import Subject
from bakeoff.report.table import Cell, Table
from bakeoff.report.text import plural
from bakeoff.report.verdict import verdict
from bakeoff.study.judgement import Judgement

DRAWN = "seeds"  # the column of the leaderboard that the page fills with drawings
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # control, and what turns text around
SPECIAL = re.compile(r"[\\`*_\[\]|~$]|:(?=//)|(?<=www)\.|^[-+#=>]")


def write(subject: Subject, path: Path) -> None:
    """Write the document.

    Raises:
        StoreError: the file cannot be written.
    """
    try:
        durable.write(path, render(subject).encode("utf-8", "replace"))
    except OSError as error:
        raise StoreError(f"cannot write the report to {path}: {error.strerror}; give another path") from None


def render(subject: Subject) -> str:
    """Return the document. Equal studies give equal text."""
    test = collect(subject)
    judgement = judged(subject, test)
    parts = [
        *_answer(subject, judgement),
        *_evidence(subject, judgement),
        *_data(subject, test),
        *_record(subject),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def leaderboard(subject: Subject) -> str:
    """Return the table of the ranked models."""
    return table(ranking(subject.ranked, judged(subject, collect(subject)).verdict), without=DRAWN)


def escaped(text: str) -> str:
    """Return a text in one line that Markdown shows as it is: no markup, no HTML, no list and no link."""
    line = UNSEEN.sub("", " ".join(text.split()))
    line = re.sub(r"^(\d+)([.)])(?=\s|$)", r"\1\\\2", SPECIAL.sub(lambda found: f"\\{found[0]}", line))
    return re.sub(r"&(?=[#\w])", "&amp;", line).replace("<", "&lt;").replace("&lt; ", "< ")


def table(of: Table, without: str = "") -> str:
    """Return a table; numbers stand to the right, and the best of a column is bold."""
    shown = [index for index, column in enumerate(of.columns) if column.title != without]
    heads = [escaped(of.columns[index].title) for index in shown]
    lines = [_line(heads), _line("---:" if of.columns[index].numeric else ":---" for index in shown)]
    return "\n".join([*lines, *(_line(_cell(row[index]) for index in shown) for row in of.rows)])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return escaped(cell)
    if cell.code:
        return f"`{re.sub(r'[^0-9A-Za-z._-]', '', cell.text)}`"
    return f"**{escaped(cell.text)}**" if cell.mark else escaped(cell.text)


def _answer(subject: Subject, judgement: Judgement) -> list[str]:
    said = verdict(subject, judgement)
    about = f"{escaped(subject.name)} · {plural(len(subject.contenders), 'model')} · {protocol.summary(subject)}"
    return [
        f"# {escaped(said.headline)}",
        f"{about} · {protocol.period(subject)}".removesuffix(" · "),
        *(f"**{question}** {escaped(' '.join(sentences))}" for question, sentences in said.answers),
        _listed(said.caveats),
    ]


def _evidence(subject: Subject, judgement: Judgement) -> list[str]:
    board, missing = ranking(subject.ranked, judgement.verdict), unranked(subject)
    said = ["## Leaderboard", table(board, without=DRAWN)] if board.rows else []
    if board.rows:
        notes = [f"{column.title}: {column.note}" for column in board.columns if column.note and column.title != DRAWN]
        said += [_folded("What the columns mean", _listed(notes))]
    pairs = pair_table(subject, judgement.verdict)
    parts = (
        (missing, "Runs that are not ranked"),
        (tuning.confirmed_table(subject), "Tuned and confirmed"),
        (pairs, "Are the differences real?"),
        (reproduced_table(subject), "Reported and reproduced"),
    )
    said += [text for one, title in parts if one for text in _section(one, title)]
    return said + [_folded(f"Notes on {escaped(label)}", _listed(notes)) for label, notes in reproduced_notes(subject)]


def _data(subject: Subject, test: TestAnswers) -> list[str]:
    """Return what the data set is, how it was divided, and what the checks found in it."""
    about, checked = subject.about["data"], checks.examined(subject)
    found = (
        checks.finding_table(checked),
        checks.accuracy_without(answered(subject, test), test, checked),
        dataset.skipped_table(about["provenance"]),
    )
    return [
        "## Data set",
        _listed(f"{name}: {said}" for name, said in dataset.data_facts(subject.about["study"]["data"]["name"], about)),
        *(text for one in found if one for text in _section(one, one.caption, "###")),
        escaped(checks.checks_note(checked)),
    ]


def _record(subject: Subject) -> list[str]:
    deviations, environment = runs.deviation_table(subject), protocol.environment_table(subject)
    command, lacking = subject.about["command"], not_judged(subject)
    return [
        *(["## On corrupted images", _listed(lacking)] if lacking else []),
        *(_section(deviations, "Deviations") if deviations else ["## Deviations", runs.no_deviations(subject)]),
        "## Protocol",
        _listed(f"{name}: {said}" for name, said in protocol.protocol_facts(subject)),
        escaped(runs.looks_at_test_set(subject)[0]),
        "## To repeat it",
        fenced(command, "sh") if command else "",
        _folded("The study as a file, for bakeoff compare --config study.yaml", fenced(protocol.study_file(subject))),
        _listed(f"{name}: {digest}" for name, digest in protocol.hashes(subject)),
        _folded("Versions and hardware", table(environment)) if environment else "",
        f"Written by bakeoff {__version__}.",
    ]


def _section(of: Table, title: str, mark: str = "##") -> list[str]:
    return [f"{mark} {title}", escaped(of.note), table(of)]


def _listed(items: Iterable[str] | Sequence[str]) -> str:
    return "\n".join(f"- {escaped(item)}" for item in items)


def _folded(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def fenced(text: str, language: str = "yaml") -> str:
    """Return a block of code behind a fence that is longer than any run of backticks within it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.strip()}\n{fence}"
