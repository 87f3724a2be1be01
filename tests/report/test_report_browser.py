"""The report in a real browser: drawn, quiet, usable with the keyboard, in the dark, on a phone and on paper."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from test_power_figure import spreading

from bakeoff.records.run import Deviation, RunState
from bakeoff.report.html import write
from browsing import contrast, faults, luminance, watched

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = [
    "<script>window.hit = 1</script>",
    "</script><img src=x onerror='window.hit = 2'>",
    "<a href='javascript:window.hit = 3'>x</a>",
    "$x_1$ %{y}",
    "x" * 200,
    "שלום",
]


@pytest.fixture(scope="module")
def report(build, tmp_path_factory) -> Path:
    """The report of a study of twelve models, of which two runs are not ranked."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    states = {("net 3", 0): RunState.FAILED, ("net 4", 1): RunState.RUNNING}
    write(spreading(build(models=[f"net {k}" for k in range(12)], seeds=2, states=states)), path)
    return path


@contextmanager
def opened(browser, path: Path, **options) -> Iterator["Page"]:
    """Open a file with every request to anything else cut; there must be none, and nothing in the console."""
    url = path.as_uri()
    with watched(browser, **options) as (page, asked):
        page.context.route("**/*", lambda route: route.continue_() if route.request.url == url else route.abort())
        page.goto(url)
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-ready]")
        yield page
        assert [one for one in asked if not one.startswith(("data:", "blob:"))] == [url]


@pytest.fixture(scope="module")
def page(browser, report):
    with opened(browser, report) as page:
        yield page


def open_all(page) -> None:
    page.locator("details").evaluate_all("(all) => all.forEach((one) => (one.open = true))")


def column(page, title: str) -> list[str]:
    """Return the texts of a column of the leaderboard, from above."""
    return page.evaluate(
        """(title) => {
            const table = document.getElementById("ranking");
            const index = [...table.tHead.rows[0].cells].findIndex((cell) => cell.textContent.trim() === title);
            const rows = [...table.tBodies[0].rows].filter((row) => !row.hidden);
            return rows.map((row) => row.cells[index].textContent.trim());
        }""",
        title,
    )


UNDRAWN = """() => [...document.querySelectorAll(".plot")]
    .filter((plot) => plot.offsetParent && !plot.querySelector(".cartesianlayer :is(.trace, image)"))
    .map((plot) => plot.id)"""


def test_every_figure_that_is_shown_is_drawn(page):
    assert page.evaluate(UNDRAWN) == []
    for chooser in page.locator("select.chooser").all():
        first = chooser.input_value()
        for option in chooser.locator("option").all():
            chooser.select_option(option.get_attribute("value"))
            page.wait_for_function(f"({UNDRAWN})().length === 0")
        chooser.select_option(first)
    assert page.locator("#train-loss .scatterlayer path.js-line").count() >= 10
    assert page.locator("#confusion-0 .heatmaplayer image").count() == 1
    assert page.locator("#power .scatterlayer path.js-line").count() == 3


def test_no_button_of_a_figure_sends_data_away(page):
    titles = page.evaluate("[...document.querySelectorAll('.modebar-btn')].map((button) => button.dataset.title)")
    assert set(titles) == {"Zoom in", "Zoom out", "Reset axes", "Download plot"}


def test_columns_are_sorted_by_click_and_by_key(page):
    header = page.locator("#ranking th", has_text=re.compile(r"^\s*training\s*$"))
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    seconds = [float(text.split()[0]) for text in column(page, "training")]
    assert seconds == sorted(seconds, reverse=True)
    header.get_by_role("button").press("Enter")
    assert header.get_attribute("aria-sort") == "ascending"
    seconds = [float(text.split()[0]) for text in column(page, "training")]
    assert seconds == sorted(seconds)
    page.locator("#ranking th", has_text="model").get_by_role("button").press("Space")
    assert column(page, "model") == [f"net {k}" for k in range(12)]
    assert page.locator("#ranking th[aria-sort]").count() == 1


def test_the_filter_leaves_matching_models(page):
    box = page.get_by_label("Filter")
    box.fill("NET 1")
    assert sorted(column(page, "model")) == ["net 1", "net 10", "net 11"]
    assert page.locator("#filtered").inner_text() == "3 of 12"
    box.fill("")
    assert len(column(page, "model")) == 12


def test_a_chip_hides_its_model_in_the_figures_of_its_section(page):
    lines = page.locator("#train-loss .scatterlayer path.js-line")
    before = lines.count()
    chip = page.locator("#curves .chip").first
    chip.press("Enter")
    assert chip.get_attribute("aria-pressed") == "false"
    page.wait_for_function(f"() => document.querySelectorAll('#train-loss path.js-line').length < {before}")
    page.locator("#curves").get_by_role("button", name="all").click()
    assert page.locator("#curves .chip[aria-pressed=false]").count() == 0
    page.wait_for_function(f"() => document.querySelectorAll('#train-loss path.js-line').length > {before}")


def test_one_model_is_shown_at_a_time_with_its_matrix(page):
    assert page.locator(".panel:visible").count() == 1
    page.get_by_label("Model", exact=True).select_option(label="net 2")
    page.wait_for_selector("#confusion-2 .heatmaplayer image", state="attached")
    assert page.locator(".panel:visible h3").inner_text() == "net 2"


def test_the_keyboard_reaches_everything(browser, report):
    with opened(browser, report) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the answer"
        page.keyboard.press("Enter")
        page.wait_for_function("location.hash === '#answer'")
        frames = page.locator(".scroll")
        assert frames.count() == page.locator(".scroll[tabindex='0'][role=region][aria-label]").count()


def test_the_dark_page_has_dark_figures_as_soon_as_it_is_dark(browser, report):
    fill = "getComputedStyle(document.querySelector('#train-loss .xtick text')).fill"
    with opened(browser, report, color_scheme="dark") as page:
        assert luminance(page.evaluate("getComputedStyle(document.body).backgroundColor")) < 0.02
        assert luminance(page.evaluate(fill)) > 0.6
        page.emulate_media(color_scheme="light")
        page.wait_for_function(f"() => {fill} !== 'rgb(230, 232, 236)'")
        assert luminance(page.evaluate(fill)) < 0.1


@pytest.fixture(scope="module")
def hostile(build, tmp_path_factory) -> Path:
    """The report of a study of which every name is long or looks like markup, with a failure and deviations."""
    path = tmp_path_factory.mktemp("hostile") / "report.html"
    deviations = (Deviation("x" * 80, "a " * 100, "b" * 200, "because " * 40),)
    states = {(HOSTILE[0], 0): RunState.DIVERGED}
    write(build(HOSTILE, models=HOSTILE[:5], seeds=2, states=states, deviations=deviations), path)
    return path


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_scrolls_down_only(browser, hostile, width):
    phone = {"viewport": {"width": width, "height": 740}, "is_mobile": True, "has_touch": True}
    with opened(browser, hostile, **phone) as page:
        open_all(page)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate("window.hit") is None


def test_paper_is_light_and_shows_the_figures_within_its_width(browser, report):
    with opened(browser, report, color_scheme="dark") as page:
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print", color_scheme="dark")
        page.wait_for_function(
            "() => document.querySelector('#train-loss svg.main-svg').getAttribute('width') === '325'"
        )
        assert luminance(page.evaluate("getComputedStyle(document.querySelector('h1')).color")) < 0.1
        assert not page.locator("nav").is_visible()
        assert page.locator("#protocol details pre").first.is_visible()
        page.emulate_media(media="screen", color_scheme="dark")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.evaluate("document.documentElement.dataset.theme") is None
        assert len(page.pdf(format="A4")) > 50_000


def test_the_two_widest_tables_are_whole_on_a_laptop_and_none_is_wider_than_paper(browser, report):
    wide = """(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.ariaLabel)"""
    with opened(browser, report, viewport={"width": 1280, "height": 800}) as page:
        assert not {"Models by test accuracy", "What each model costs"} & {*page.locator(".scroll").evaluate_all(wide)}
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.set_viewport_size({"width": 688, "height": 1000})  # A4 without its margins
        page.emulate_media(media="print")
        assert page.locator(".scroll").evaluate_all(wide) == []


def test_on_paper_nothing_lies_over_what_comes_next(browser, report):
    over = "(all) => all.filter((one) => one.scrollHeight > one.clientHeight + 1).map((one) => one.outerHTML)"
    with opened(browser, report) as page:
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.set_viewport_size({"width": 688, "height": 1000})
        page.emulate_media(media="print")
        page.wait_for_function(
            "() => document.querySelector('#confusion-0 svg.main-svg').getAttribute('height') === '325'"
        )
        assert page.locator(".scroll, .panel .plot").evaluate_all(over) == []


def test_paper_leaves_out_no_section_and_folds_nothing_but_what_figures_show(browser, hostile):
    with opened(browser, hostile) as page:
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        hidden = "(all) => all.filter((one) => one.offsetHeight < 20).map((one) => one.id || one.textContent)"
        assert page.locator("section, header, footer").evaluate_all(hidden) == []
        assert (
            page.locator("details:not(figure details)").evaluate_all("(all) => all.filter((d) => !d.open).length") == 0
        )
        assert page.locator("pre").evaluate_all(hidden) == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1300), ("dark", 390)])
def test_axe_finds_no_fault(browser, hostile, scheme, width):
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "bypass_csp": True}
    with opened(browser, hostile, **options) as page:
        open_all(page)
        assert faults(page) == []


def test_every_figure_says_in_words_what_it_shows(page):
    words = page.locator(".plot").evaluate_all(
        "(all) => all.map((plot) => document.getElementById(plot.getAttribute('aria-describedby')).textContent)"
    )
    assert len(words) == len(set(words)) > 15
    assert all(len(said.split()) >= 5 for said in words)


def test_without_scripts_every_number_is_still_there(browser, report):
    with opened(browser, report, java_script_enabled=False) as page:
        assert page.locator("#ranking tbody tr:visible").count() == 12
        assert page.locator(".panel:visible").count() == 12


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_contrast_enough(browser, report, scheme):
    with opened(browser, report, color_scheme=scheme) as page:
        names = ["page", "raised", "stripe", "text", "muted", "accent", "good", "bad", *(f"c{k}" for k in range(10))]
        names += ["right-low", "right-high", "wrong-low", "wrong-high", "edge"]
        colours = page.evaluate(
            """(names) => names.map((name) => {
                document.body.style.color = `var(--${name})`;
                return getComputedStyle(document.body).color;
            })""",
            names,
        )
    light = dict(zip(names, map(luminance, colours), strict=True))
    for ground in ("page", "raised", "stripe"):
        for text in ("text", "muted", "accent", "good", "bad"):
            assert contrast(light[text], light[ground]) >= 4.5, (text, ground)
        for line in ("edge", *(f"c{k}" for k in range(10))):
            assert contrast(light[line], light[ground]) >= 3, (line, ground)
    for cell in ("right-low", "right-high", "wrong-low", "wrong-high"):
        assert contrast(light["text"], light[cell]) >= 4.5, cell
