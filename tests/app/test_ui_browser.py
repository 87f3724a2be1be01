"""The page in a real browser: live, quiet, and usable by keyboard, in the dark and on a phone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from served import Trainer, png

import bakeoff
from bakeoff.app.guard import Door
from bakeoff.app.serve import Server, configured, listen
from bakeoff.app.web import make
from bakeoff.store.worker import Worker
from browsing import faults, watched

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHONE = {"viewport": {"width": 390, "height": 800}, "is_mobile": True, "has_touch": True}


@contextmanager
def serving(root: Path) -> Iterator[str]:
    """Serve a folder from a thread, and yield its address."""
    with listen("127.0.0.1", 0) as listener:
        server = Server(configured(make(root, Door("127.0.0.1"))))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        server.handle_exit(2, None)
        thread.join(20)


@pytest.fixture(scope="module")
def address(trained) -> Iterator[str]:
    with serving(trained) as address:
        yield address


@contextmanager
def opened(browser, url: str, **options) -> Iterator["Page"]:
    """Open a page; nothing may be asked of another address, and nothing be in the console."""
    # Chromium itself notes every answer that is a refusal.
    with watched(browser, tolerated="status of 422", **options) as (page, asked):
        page.goto(url)
        page.wait_for_selector("html[data-ready]")
        yield page
        origin = "/".join(url.split("/")[:3])
        assert [one for one in asked if not one.startswith((origin, "data:", "blob:"))] == []


def go(page, name: str) -> None:
    """Follow a link, by its words."""
    with page.expect_navigation():
        page.get_by_role("link", name=name, exact=True).first.click()
    page.wait_for_selector("html[data-ready]")


def test_curves_grow_and_rows_change_while_the_page_is_open(browser, root):
    with serving(root) as address, opened(browser, address) as page:
        go(page, "small")
        page.locator("summary", has_text="Training loss in numbers").click()
        page.locator(".chip[data-place]", has_text="simcnn").click()
        page.evaluate("window.kept = document.getElementById('train-loss')")
        trainer = Trainer(root / "small", 7, str(Worker.current()))
        for epoch in (1, 2, 3):
            trainer.epoch(epoch, loss=1 / epoch)
            page.wait_for_function(
                """(count) => document.getElementById("train-loss").data?.some((one) => one.x.includes(count))""",
                arg=epoch,
            )
        assert page.locator("progress").count() == 1
        assert page.locator("h2", has_text="Training now").is_visible()
        assert page.evaluate("window.kept === document.getElementById('train-loss')"), "the figure was drawn anew"
        assert page.locator("details[open] > summary").inner_text() == "Training loss in numbers"
        assert page.locator(".chip[aria-pressed=false]").inner_text() == "simcnn"
        trainer.store.close()


def test_the_list_shows_a_study_that_is_new(browser, root):
    away = root.parent / "away"
    (root / "small").rename(away)
    with serving(root) as address, opened(browser, address) as page:
        assert page.get_by_role("link", name="small").count() == 0
        away.rename(root / "small")
        page.get_by_role("link", name="small").wait_for()


def test_a_dropped_image_and_a_chosen_file_are_answered(browser, address, tmp_path):
    picture = tmp_path / "picture.png"
    picture.write_bytes(png(np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8)))
    with opened(browser, address) as page:
        go(page, "small")
        go(page, "Try an image")
        page.set_input_files("#file", picture)
        page.wait_for_selector(".answers > li:nth-child(4)")
        assert page.locator(".answers ol li").count() == 20
        page.evaluate(
            """() => {
                const transfer = new DataTransfer();
                transfer.items.add(new File(["no image"], "x.png", { type: "image/png" }));
                const drop = new DragEvent("drop", { dataTransfer: transfer, bubbles: true });
                document.querySelector(".drop").dispatchEvent(drop);
            }"""
        )
        page.get_by_role("alert").wait_for()
        assert "not an image" in page.get_by_role("alert").inner_text()
        assert page.locator(".answers").count() == 0


def test_runs_are_ticked_and_compared_with_the_keyboard(browser, address):
    with opened(browser, f"{address}compare") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.textContent") == "Skip to the content"
        boxes = page.get_by_role("checkbox")
        for place in (0, 2):
            boxes.nth(place).focus()
            page.keyboard.press("Space")
        page.locator("[data-tick]").first.press("Enter")
        assert page.get_by_role("checkbox", checked=True).count() == 3
        with page.expect_navigation():
            page.get_by_role("button", name="Compare", exact=True).press("Enter")
        page.wait_for_selector("#train-loss .scatterlayer .trace", state="attached")
        assert page.get_by_role("checkbox", checked=True).count() == 3


def test_a_dark_phone_scrolls_down_only_and_names_are_inert(browser, address, trained, key):
    hostile = key(trained, "<b>hostile")
    run = bakeoff.load(trained / "<b>hostile").runs[0].run_id
    paths = ["", "compare", *(f"studies/{hostile}{rest}" for rest in ("", "/ask", f"/wrong/{run}"))]
    paths.append(f"compare?run={hostile}.{run}")
    with opened(browser, address, color_scheme="dark", **PHONE) as page:
        for path in paths:
            page.goto(address + path)
            page.wait_for_selector("html[data-ready]")
            page.locator("details").evaluate_all("(all) => all.forEach((one) => (one.open = true))")
            assert page.evaluate("() => document.documentElement.scrollWidth") == 390, path
            assert page.evaluate("() => window.hit") is None, path
            ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
            assert ground == "rgb(17, 19, 24)"


def test_every_control_can_be_reached_and_has_a_name(browser, address):
    with opened(browser, address) as page:
        go(page, "small")
        reached = set()
        for _ in range(60):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("() => document.activeElement.textContent.trim()"))
        assert {"Studies", "Report", "Try an image", "wrong images", "lenet5"} <= reached
        nameless = page.evaluate(
            """() => [...document.querySelectorAll("a, button, input, select, progress, .scroll, .plot")]
                .filter((one) => !(one.textContent.trim() || one.ariaLabel || one.labels?.length))
                .map((one) => one.outerHTML)"""
        )
        assert nameless == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault_on_any_page(browser, address, scheme):
    with opened(browser, address, color_scheme=scheme, bypass_csp=True) as page:
        assert faults(page) == []
        go(page, "small")
        assert faults(page) == []
        for name in ("wrong images", "Try an image"):
            go(page, name)
            assert faults(page) == []
            page.go_back()
            page.wait_for_selector("html[data-ready]")
