"""The promises of docs/reliability.md, as `promises.yaml` lists them, and where the tests are that hold them."""

import re
from pathlib import Path

import yaml

TESTS = Path(__file__).parents[1]


def promises() -> dict[str, dict[str, list[str]]]:
    """Return the names of the tests of every promise, by chapter and promise."""
    content = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return {chapter: {one["promise"]: one["tests"] for one in several} for chapter, several in content.items()}


def every_promise() -> dict[str, list[str]]:
    """Return the names of the tests of every promise, of all chapters."""
    return {promise: tests for chapter in promises().values() for promise, tests in chapter.items()}


def places() -> dict[str, list[str]]:
    """Return the file, below the tests, of every function that is a test; more than one where a name is used twice."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            found.setdefault(name, []).append(str(path.relative_to(TESTS)))
    return found


def nodes(names: set[str]) -> list[str]:
    """Return where tests of those names are, as pytest is told, those of this folder first, which take long.

    Raises:
        SystemExit: there is no such test, or more than one.
    """
    where = places()
    if unclear := sorted(name for name in names if len(where.get(name, [])) != 1):
        raise SystemExit(f"not the name of one test: {', '.join(unclear)}")
    found = (f"{where[name][0]}::{name}" for name in names)
    return [f"tests/{node}" for node in sorted(found, key=lambda node: (not node.startswith("torture/"), node))]
