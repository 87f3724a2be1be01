"""The study as files for documents, papers and programs: whole, the same figures as the page, and inert."""

import csv
import json
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt
from matplotlib.figure import Figure
from PIL import Image
from typer.testing import CliRunner

import bakeoff
from bakeoff.cli import commands
from bakeoff.cli.main import app
from bakeoff.errors import SpecError, StoreError, UnknownNameError
from bakeoff.export.axes import number
from bakeoff.export.figures import save
from bakeoff.export.plot import draw, legible, said
from bakeoff.formats import Format, write
from bakeoff.records.run import Deviation, ParameterCount, RunState
from bakeoff.report.html import figures
from bakeoff.report.markdown import escaped, render
from bakeoff.report.palette import palette
from bakeoff.study.judgement import judge_answers, read_answers
from bakeoff.study.variants import variants

commands.register(app)

HOSTILE = [
    "| a | <script>alert(1)</script>",
    "![x](javascript:alert(2)) [y](https://example.org)",
    "```\n# heading\n- item",
    "**bold** _under_ ~~gone~~ $x^2$ `code`",
    "https://example.org www.example.org <https://example.org>",
    "&lt;b&gt; &#124; &amp;",
    "\\| \\",
    "1. one",
    "- item",
    "# heading",
    "> quoted",
    "+1",
    "</details>",
]


def tokens(text):
    """Return every token of a document, read by another implementation of Markdown."""
    found = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        found += [token, *(token.children or ())]
    return found


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("frame", ["{}", "- {}", "# {}", "| a |\n| --- |\n| {} |"])
def test_markdown_shows_a_name_as_it_is(name, frame):
    found = tokens(frame.format(escaped(name)))
    shown = "".join(token.content for token in found if token.type in ("text", "text_special"))
    assert shown.removeprefix("a") == " ".join(name.split())
    kinds = {token.tag for token in found if token.nesting == 1}
    assert kinds <= {"p", "ul", "li", "h1", "table", "thead", "tbody", "tr", "th", "td"}
    assert not {"html_block", "html_inline", "fence", "code_inline"} & {token.type for token in found}


def test_the_document_has_the_answer_the_tables_and_how_to_repeat_it(build):
    subject = build(HOSTILE[:3], models=HOSTILE[:6], seeds=2, states={(HOSTILE[1], 0): RunState.DIVERGED})
    deviation = Deviation(HOSTILE[0], HOSTILE[1], HOSTILE[3], HOSTILE[4])
    subject = replace(subject, records=tuple(replace(record, deviations=(deviation,)) for record in subject.records))
    text = render(subject)
    found = tokens(text)
    titles = [after.content for token, after in pairwise(found) if token.type == "heading_open"]
    assert titles[1:] == [
        "Leaderboard",
        "Runs that are not ranked",
        "Are the differences real?",
        "Data set",
        "Deviations",
        "Protocol",
        "To repeat it",
    ]
    assert {token.content for token in found if token.type == "html_inline"} == set()
    raw = "".join(token.content for token in found if token.type == "html_block")
    assert set(raw.replace("<details><summary>", "").replace("</summary>", "").split("\n")) <= {
        "",
        "</details>",
        "What the columns mean",
        "The study as a file, for bakeoff compare --config study.yaml",
        "Versions and hardware",
    }
    assert not {"link_open", "image"} & {token.type for token in found}
    assert subject.about["command"] in text
    assert "the loss is nan" in text


def test_the_record_for_programs_has_everything_and_no_nan(saved):
    folder = bakeoff.load(saved)
    content = json.loads(folder.report(format="json").read_text(), parse_constant=pytest.fail)
    board, verdict = folder.leaderboard(), folder.judgement().verdict
    assert [row["model"] for row in content["leaderboard"]] == list(board["model"])
    assert content["leaderboard"][0]["test_accuracy_low"] == pytest.approx(verdict.estimates[0].low)
    assert len(content["pairs"]) == 3
    pair = content["pairs"][0]
    assert {"difference", "low", "high", "p_value", "adjusted", "different", "method"} <= set(pair)
    assert pair["adjusted"] == pytest.approx(verdict.comparisons[0].adjusted)
    assert content["verdict"]["groups"] == dict(verdict.letters)
    assert content["verdict"]["estimates"][0]["high"] == pytest.approx(verdict.estimates[0].high)
    loss = folder.metrics()["loss"].estimates[0]
    assert content["metrics"]["loss"]["estimates"][0]["low"] == pytest.approx(loss.low)
    assert len(content["metrics"]["loss"]["pairs"]) == 3
    assert content["leaderboard"][0]["test_loss_group"] == content["metrics"]["loss"]["groups"]["alpha"]
    assert content["hashes"]["split"] == folder.about["data"]["split"]
    assert {run["id"] for run in content["runs"]} == {run.run_id for run in folder.runs}
    assert content["runs"][0]["environment"]["device"] == "cpu"
    assert content["study"]["protocol"]["mode"] == "same-recipe"


def test_every_format_of_every_kind_of_study_is_written(build, tmp_path):
    cases = {
        "one": build(models=["solo"], seeds=1),
        "none": build(
            states={(model, seed): RunState.FAILED for model in ("alpha", "beta", "gamma") for seed in range(3)}
        ),
        "bare": build(cost=None, parameters=None),
        "empty": replace(build(), records=(), events=()),
    }
    for name, subject in cases.items():
        groups = {one.name: one.records for one in variants(subject.records)}
        answers = read_answers(groups, subject.predictions)
        judge = partial(judge_answers, answers)
        for kind in (Format.MD, Format.CSV, Format.JSON, Format.TEX):
            path = write(subject, judge, kind, tmp_path / f"{name}.{kind}")
            text = path.read_text()
            assert " nan" not in text.replace("the loss is nan", "")
            assert kind is not Format.JSON or json.loads(text)


def test_a_path_says_the_format(saved, tmp_path):
    folder = bakeoff.load(saved)
    assert folder.report(tmp_path / "a.TEX").read_text().startswith("%")
    with folder.report(format="csv").open() as file:
        (row, *others) = csv.DictReader(file)
    assert [row["model"], *(other["model"] for other in others)] == ["alpha", "beta", "gamma"]
    assert row["group"] == row["test_loss_group"] == "a"
    for figure in ("accuracy", "loss"):
        low, mean, high = (float(row[f"test_{figure}_{end}"]) for end in ("low", "mean", "high"))
        assert low < high
        assert low <= mean <= high
    done = CliRunner().invoke(app, ["leaderboard", str(saved), "--format", "csv"])
    assert done.output.splitlines()[0].split(",") == list(row)
    assert folder.report(tmp_path, "md") == tmp_path / "report.md"


@pytest.mark.parametrize(
    ("path", "kind", "error", "words"),
    [
        ("x.docx", None, SpecError, "does not say what to write"),
        ("report", None, SpecError, "does not say what to write"),
        ("x.png", None, SpecError, "a folder of figures"),
        (None, "word", UnknownNameError, "unknown format 'word'"),
        ("missing/x.csv", None, StoreError, "cannot write"),
        ("images.npz", "png", StoreError, "cannot write figures"),
    ],
)
def test_a_format_that_cannot_be_written_is_one_sentence(saved, path, kind, error, words):
    with pytest.raises(error, match=words):
        bakeoff.load(saved).report(saved.parent / path if path else None, kind)


def test_the_command_writes_where_it_is_told(saved, tmp_path):
    done = CliRunner().invoke(app, ["report", str(saved), "--to", str(tmp_path / "board.md")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "board.md").read_text().startswith("# ")
    done = CliRunner().invoke(app, ["leaderboard", str(saved), "--format", "md"])
    assert done.output.splitlines()[0].startswith("| rank | model | test accuracy | 95 % interval |")


def test_every_figure_of_the_page_is_a_file_that_shows_something(build, tmp_path):
    subject = build(["$x_1$", "<b>", "odd \udcff bytes", *"abcdefghi"], models=["$m$", "<i>", *"cdefghijkl"], seeds=2)
    wanted = figures(subject)
    # Twelve matrices look alike; two of them will do.
    wanted = [one for one in wanted if not one.id.startswith("confusion-") or one.id in ("confusion-0", "confusion-1")]
    paths = save(wanted, palette(), tmp_path / "new" / "figures")
    assert {path.stem for path in paths} == {one.id for one in wanted}
    for path in paths:
        picture = Image.open(path)
        assert picture.info["Title"]
        assert len(picture.convert("RGB").resize((200, 150)).getcolors(30_000)) > 20, path.name
        assert min(picture.size) > 250
    again = save(wanted[:1], palette(), tmp_path / "again")
    assert again[0].read_bytes() == next(path for path in paths if path.name == again[0].name).read_bytes()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("sizes", [(100_910, 306_540), (100, 1), (1, 1)])
def test_figures_of_models_of_one_cost_each_are_drawn_without_complaint(build, tmp_path, sizes):
    subject = build("ab", models=["a", "b"], seeds=3)
    of = dict(zip("ab", sizes, strict=True))
    records = (replace(one, parameters=ParameterCount(of[one.spec.model.name], 1, 0)) for one in subject.records)
    wanted = figures(replace(subject, records=tuple(records)))
    assert save([one for one in wanted if one.id == "accuracy-parameters"], palette(), tmp_path)


def test_axes_of_counts_have_whole_ticks_and_no_tick_twice(build, tmp_path):
    axes = Figure(figsize=(8, 4)).subplots()
    traces = [{"type": "scatter", "mode": "lines", "x": [1.2e9, 1.21e9], "y": [14, 18], "name": "a"}]
    draw(axes, {"data": traces, "layout": {"xaxis": {"tickformat": "~s"}, "yaxis": {}}}, palette())
    bytes_said, epochs_said = ([tick.get_text() for tick in one.get_ticklabels()] for one in (axes.xaxis, axes.yaxis))
    assert len(set(bytes_said)) == len(bytes_said) > 3
    assert len(set(epochs_said)) == len(epochs_said) > 3
    assert all(text.isdecimal() for text in epochs_said)


def test_points_on_the_end_of_an_axis_are_drawn_whole():
    axes = Figure().subplots()
    trace = {"type": "scatter", "x": [0.5, 1], "y": [1, 1], "name": "a", "marker": {"color": "red"}}
    whole = [{**trace, "mode": mode, "cliponaxis": False} for mode in ("markers", "lines+markers")]
    share = {"autorangeoptions": {"clipmin": 0, "clipmax": 1}}
    draw(axes, {"data": [*whole, {**trace, "mode": "markers"}], "layout": {"xaxis": share, "yaxis": share}}, palette())
    assert axes.get_ylim()[1] == 1
    assert [one.get_clip_on() for one in (*axes.lines, *axes.collections)] == [False, False, True]


def test_figures_as_pdf_hold_text_and_no_date(build, tmp_path):
    (figure,) = [one for one in figures(build("ab", seeds=1)) if one.id == "pairs"]
    (path,) = save([figure], palette(), tmp_path, "pdf")
    content = path.read_bytes()
    assert content.startswith(b"%PDF")
    assert b"CreationDate" not in content
    assert b"/FontFile2" in content


def test_a_legend_has_as_many_models_as_lines_can_be_told(build):
    curves = next(one for one in figures(build("ab", models=[f"net {k}" for k in range(14)])) if one.id == "train-loss")
    assert {trace["meta"] for trace in legible(curves.traces)} == set(range(10))


def test_words_of_the_page_are_meant_for_html():
    assert said("&lt;b&gt; <b>a</b>") == "<b> a"
    assert [number(0.125, ".0%"), number(0.7, ".1~%"), number(12500, "~s"), number(1200, ",~g"), number(-3, "")] == [
        "12.5%",
        "70%",
        "12.5k",
        "1,200",
        "−3",
    ]
