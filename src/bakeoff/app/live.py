"""Pages that go on by themselves: the server looks at the files again and again, and sends what has changed."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import anyio
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from bakeoff.app.site import Endpoint, Site
from bakeoff.errors import BakeoffError
from bakeoff.report.figure import Figure

POLL = 1.0  # seconds between two looks
QUIET = 15  # looks without news, after which something is sent so that a lost connection is noticed


@dataclass(frozen=True)
class Live:
    """The part of a page that changes.

    Attributes:
        state: what it is made from; nothing is rendered or sent while that is the same.
        render: returns its HTML.
        figures: that are drawn in it.
    """

    state: Hashable
    render: Callable[[], str]
    figures: Callable[[], list[Figure]] = field(default=list)

    @cached_property
    def content(self) -> str:
        """The HTML and the figures, as JSON."""
        plots = {figure.id: figure.plot for figure in self.figures()}
        return json.dumps({"html": self.render(), "figures": plots}, allow_nan=False, separators=(",", ":"))

    @property
    def values(self) -> dict[str, Any]:
        """What the template of the whole page needs of it."""
        return {**json.loads(self.content), "seen": _digest(self.content)}


def stream(look: Callable[[Site, Request], Live]) -> Endpoint:
    """Return an endpoint of server-sent events, each the `content` of what has changed.

    The page says which content it has been made with, so that it is not sent that again.
    """

    async def endpoint(request: Request) -> Response:
        return StreamingResponse(_news(look, request), media_type="text/event-stream")

    return endpoint


async def _news(look: Callable[[Site, Request], Live], request: Request) -> AsyncIterator[str]:
    seen, state, quiet = request.query_params.get("seen", ""), None, 0
    yield "retry: 2000\n\n"
    while True:
        live = await to_thread.run_sync(_carefully, look, request, abandon_on_cancel=True)
        if live.state != state:
            state = live.state
            content = await to_thread.run_sync(_content, live, abandon_on_cancel=True)
            if (digest := _digest(content)) != seen:
                seen, quiet = digest, 0
                yield f"data: {content}\n\n"
        quiet += 1
        if quiet > QUIET:
            quiet = 0
            yield ": still here\n\n"
        await anyio.sleep(POLL)


def _carefully(look: Callable[[Site, Request], Live], request: Request) -> Live:
    """Return what is there, or why nothing is: files may be in the middle of a change."""
    site: Site = request.app.state.site
    try:
        return look(site, request)
    except BakeoffError as error:
        why = str(error)
        return Live(("error", why), lambda: site.render("error.html.j2", why=why))


def _content(live: Live) -> str:
    return live.content


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:16]
