"""Pages of a headless browser that are watched: what they ask for, what they complain of, and how light they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE = 120_000  # milliseconds for whatever is waited for, on a machine that is busy with other things too


@contextmanager
def watched(browser: "Browser", tolerated: str | None = None, **options: Any) -> Iterator[tuple["Page", list[str]]]:
    """Give a page and the addresses that it has asked for; nothing may be in its console when it is done.

    Args:
        browser: the fixture.
        tolerated: part of messages that the console may have.
        options: of the page's context.
    """
    context = browser.new_context(**{"viewport": {"width": 1300, "height": 900}, **options})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []

    def complain(text: str) -> None:
        if tolerated is None or tolerated not in text:
            complaints.append(text)

    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complain(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: (complaints.append("a dialog"), dialog.dismiss()))
    yield page, asked
    assert complaints == []
    context.close()


def faults(page: "Page") -> list[tuple[str, list[Any]]]:
    """Return what axe finds wrong with a page that was opened with `bypass_csp`."""
    page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    assert len(found["passes"]) > 10
    return [(fault["id"], [node["target"] for node in fault["nodes"]]) for fault in found["violations"]]


def luminance(colour: str) -> float:
    """Return the relative luminance of an rgb() colour, as WCAG 2 defines it."""
    shares = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * share for weight, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: float, other: float) -> float:
    """Return the contrast of two luminances, as WCAG 2 defines it."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
