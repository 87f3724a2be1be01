"""The page of promises is written from what was tried, and every promise has its tests."""

import json
from xml.etree import ElementTree

import tables
import trial
from promises import every_promise, nodes

PAGE = tables.DOCS / "reliability.md"
REPORT = """<suite>
<testcase name="test_a[1]" time="1.5"/>
<testcase name="test_a[2]" time="2"><failure message="no"/></testcase>
<testcase name="test_b" time="3"><skipped message="no server"/></testcase>
<testcase name="test_b[long]" time="4"><error message="failed at teardown"/>
<properties><property name="tally" value='[7, ["one", "two"], {"points": 1}]'/></properties></testcase>
</suite>"""


def test_every_promise_has_tests_and_the_page_is_made_from_what_they_found():
    tests = every_promise().values()
    assert all(tests)
    assert len(nodes(set().union(*tests))) > 80
    content = json.loads(tables.RESULTS.read_text(encoding="utf-8"))
    page = PAGE.read_text(encoding="utf-8")
    assert tables.filled(page, content) == page, "run: python tests/torture/tables.py"


def test_what_failed_was_left_out_or_never_ran_is_in_the_row_of_its_promise():
    found = trial.by_name(ElementTree.fromstring(REPORT).iter("testcase"))
    assert trial.row(["test_a", "test_b", "test_c"], found) == {
        "cases": 9,
        "failures": ["test_a[2]: no", "one", "two", "test_c was not run"],
        "skipped": ["no server"],
        "seconds": 10.5,
    }
    assert found["test_b"]["details"] == {"points": 1}
