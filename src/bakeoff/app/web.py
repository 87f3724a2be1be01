"""The application: which address is which page, and what is served beside them."""

from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from importlib import resources
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bakeoff.app.guard import Door, Guard
from bakeoff.app.live import stream
from bakeoff.app.pages import ask, compare, overview, study, wrong
from bakeoff.app.site import Site, page
from bakeoff.app.studies import Studies
from bakeoff.errors import BakeoffError
from bakeoff.report import html, plotly


@cache
def _own(name: str) -> bytes:
    return (resources.files("bakeoff.app") / "templates" / name).read_bytes()


ASSETS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "style.css": ("text/css", lambda: html.asset("style.css").encode() + _own("app.css")),
    "app.js": ("text/javascript", lambda: html.asset("figures.js").encode() + _own("app.js")),
    "plotly.js": ("text/javascript", plotly.script),
}


def make(folder: Path, door: Door) -> Guard:
    """Return the application that shows the studies below a folder to those whom the door lets in."""
    one = "/studies/{study}"
    application = Starlette(
        routes=[
            Route("/", page(overview.overview)),
            Route("/events", stream(overview.look)),
            Route("/compare", page(compare.compare)),
            Route(one, page(study.study)),
            Route(f"{one}/events", stream(study.look)),
            Route(f"{one}/report", page(study.report)),
            Route(f"{one}/ask", page(ask.ask)),
            Route(f"{one}/answers", ask.answer, methods=["POST"]),
            Route(f"{one}/wrong/{{run}}", page(wrong.wrong)),
            Route("/assets/{name}", _asset),
        ],
        exception_handlers={BakeoffError: _mistake, HTTPException: _refused, Exception: _fault},
    )
    application.state.site = Site.over(Studies(folder))
    return Guard(application, door)


async def _asset(request: Request) -> Response:
    """Return a style sheet or script. They are looked up in a table, and never on the disk by a name from outside."""
    if request.path_params["name"] not in ASSETS:
        raise HTTPException(404, "There is no such page.")
    kind, content = ASSETS[request.path_params["name"]]
    return Response(content(), media_type=kind, headers={"cache-control": "max-age=3600"})


def _mistake(request: Request, error: Exception) -> Response:
    return _said(request, 422 if request.method == "POST" else 404, str(error))


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known = error.detail != HTTPStatus(error.status_code).phrase
    return _said(request, error.status_code, error.detail if known else "There is no such page.")


def _fault(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return _said(request, 500, "This is a fault of bakeoff; the terminal that it was started in says more.")


def _said(request: Request, status: int, why: str) -> Response:
    """Return a sentence as a page, or as part of one where a page has asked for it."""
    site: Site = request.app.state.site
    sentence = why[:1].upper() + why[1:].rstrip(".") + "."
    return site.show("error.html.j2" if request.method == "POST" else "refused.html.j2", status=status, why=sentence)
