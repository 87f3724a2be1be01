"""The table for papers: TeX sets every name as it is, and the caption says what the figures are."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.evidence.verdict import judge
from bakeoff.export.latex import SPECIAL, as_latex, escaped
from bakeoff.study.judgement import Judgement

NAMED = {command: char for char, command in SPECIAL.items() if len(command) > 2}


def set_by_tex(source: str) -> str:
    """Return what TeX sets of text in which nothing but escapes is special; fail where there is something else."""
    source = source.replace("-{}", "-")
    token = re.compile(r"(\\text[a-z]+\{\})|\\([{}$&#_%])|([^\\{}$&#_%~^<>|\"'`])", re.DOTALL)
    found, at = [], 0
    while at < len(source):
        match = token.match(source, at)
        assert match, source[at:]
        found.append(NAMED[match[1]] if match[1] else match[2] or match[3])
        at = match.end()
    return "".join(found)


@given(st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from("\\{}$&#_%~^-`'\"<>| ")))
def test_any_text_is_set_as_it_is(text):
    assert set_by_tex(escaped(text)) == " ".join(text.split())
    assert "--" not in escaped(text)


def test_nothing_that_cannot_be_seen_is_written():
    assert escaped("a\x00\x1b[0m\u202eb\nc") == "a[0mb c"


def board(names, seeds=(3, 3)):
    random = np.random.default_rng(0)
    scores = {
        name: random.random((count, 400)) < 0.9 - 0.3 * k
        for k, (name, count) in enumerate(zip(names, seeds, strict=True))
    }
    verdict = judge({name: array.astype(float) for name, array in scores.items()})
    rows = [
        {
            "model": name,
            "recipe": "default",
            "seeds": count,
            "runs": count,
            "test_accuracy_mean": of.mean,
            "test_accuracy_std": of.run_sd if of.run_sd is not None else float("nan"),
            "test_accuracy_low": of.low,
            "test_accuracy_high": of.high,
            "group": verdict.letters[name],
            "tied": False,
            "params": 1234,
            "train_seconds_mean": 12.345,
        }
        for name, count, of in zip(names, seeds, verdict.estimates, strict=True)
    ]
    return pd.DataFrame(rows), Judgement(verdict)


def test_rows_have_the_columns_of_the_table_and_its_figures():
    hostile = r"[50%] a_b & \input{x}"
    source = as_latex(*board([hostile, "*"]), "data_{1}", 400)
    body = source[source.index(r"\midrule") : source.index(r"\bottomrule")].splitlines()[1:]
    assert len(body) == 2
    for row, name in zip(body, (hostile, "*"), strict=True):
        assert row.endswith(r" \\")
        cells = re.split(r"(?<!\\)&", row)
        assert len(cells) == len(source[source.index("{tabular}{@{}") + 13 :].split("@")[0])
        assert cells[0].strip() == f"{{{escaped(name)}}}"
    assert r"\textbf{" in body[0]
    assert r"\textbf{" not in body[1]
    assert source.count("{") == source.count("}")
    assert re.findall(r"\\begin\{(\w+)\}", source) == re.findall(r"\\end\{(\w+)\}", source)[::-1]


def test_a_model_that_is_compared_with_none_is_not_the_best():
    table, judgement = board(["once", "often"])
    table["tied"], table["group"], table["test_accuracy_mean"] = False, ["", "a"], [0.9, 0.8]
    rows = [row for row in as_latex(table, judgement, "data", 400).splitlines() if row.endswith(r" \\")][-2:]
    assert [r"\textbf" in row for row in rows] == [False, True]


@pytest.mark.parametrize(
    ("seconds", "said"), [(3.0, "3.00"), (0.0184, "0.0184"), (45.61, "45.6"), (99.96, "100"), (1234.5, "1,234")]
)
def test_seconds_have_three_digits_and_no_powers_of_ten(seconds, said):
    table, judgement = board(["a", "b"])
    table["train_seconds_mean"] = seconds
    assert as_latex(table, judgement, "data", 400).count(f"& {said}\\,s ") == 2


@pytest.mark.parametrize(
    ("seeds", "said"),
    [((3, 3), "$n = 3$ runs"), ((1, 1), "$n = 1$ run per"), ((2, 4), "$n = 2$ to $4$ runs")],
)
def test_the_caption_says_how_many_runs_and_images_and_by_which_method(seeds, said):
    source = as_latex(*board(["a", "b"], seeds), "data_{1}", 1400)
    (line,) = [line for line in source.splitlines() if line.startswith(r"\caption")]
    assert said in line
    assert "1,400 test images" in line
    assert r"data\_\{1\}" in line
    assert ("McNemar" if seeds == (1, 1) else "crossed seeds and images") in line


def test_the_caption_is_true_of_models_that_ran_once_among_others():
    (line,) = [line for line in as_latex(*board(["a", "b", "c"], (1, 3, 3)), "x", 9).splitlines() if "caption" in line]
    assert "for new seeds and new test images, of models that ran once for new test images alone." in line
    assert "Holm" not in line, "one of the three pairs is tested"


def test_without_a_verdict_it_says_that_nothing_was_tested():
    table, _ = board(["a", "b"])
    assert "Differences were not tested." in as_latex(table, Judgement(None, "why"), "x", 10)
