"""What every page is made with: the studies, the classifiers and the templates."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import anyio
from anyio import to_thread
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bakeoff import __version__
from bakeoff.app.classifiers import Classifiers
from bakeoff.app.studies import Studies
from bakeoff.report.figure import COLOURS

SECONDS = 60  # for a page to be made

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Site:
    """What every page is made with."""

    studies: Studies
    classifiers: Classifiers
    templates: Environment

    @classmethod
    def over(cls, studies: Studies) -> "Site":
        """Return the site that shows these studies; its templates are laid over those of the report."""
        templates = Environment(
            loader=ChoiceLoader([PackageLoader("bakeoff.app"), PackageLoader("bakeoff.report")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        templates.globals.update(colours=COLOURS, version=__version__)
        return cls(studies, Classifiers(studies), templates)

    def render(self, template: str, **values: Any) -> str:
        """Return the text of a template."""
        return self.templates.get_template(template).render(values)

    def show(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Return a page; characters that UTF-8 does not have become question marks."""
        return HTMLResponse(self.render(template, **values).encode("utf-8", "replace"), status)


def page(make: Callable[[Site, Request], Response]) -> Endpoint:
    """Return an endpoint that makes a page in a thread, and gives up where that takes too long."""

    async def endpoint(request: Request) -> Response:
        with anyio.move_on_after(SECONDS):
            return await to_thread.run_sync(make, request.app.state.site, request, abandon_on_cancel=True)
        raise HTTPException(503, f"This took longer than {SECONDS} seconds; reload the page to try again.")

    return endpoint
