"""Tables of results in pages of the documentation, between `<!-- name -->` and `<!-- end -->`."""

import re
from collections.abc import Iterable
from pathlib import Path


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def filled(text: str, name: str, content: str) -> str:
    """Return the text of a page with new content between the comments of a name."""
    block = f"<!-- {name} -->\n\n{content}\n\n<!-- end -->"
    text, found = re.subn(rf"<!-- {name} -->.*?<!-- end -->", lambda _: block, text, flags=re.DOTALL)
    assert found == 1, f"the page has no place for {name!r}"
    return text


def fill(page: Path, name: str, content: str) -> None:
    """Write a page with new content between the comments of a name."""
    page.write_text(filled(page.read_text(encoding="utf-8"), name, content), encoding="utf-8")
