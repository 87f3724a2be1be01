"""An image of one's own, and what every finished model says of it."""

import anyio
from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bakeoff.app.answers import answers, prepared
from bakeoff.app.site import Site
from bakeoff.app.uploads import LARGEST, received
from bakeoff.report.tiles import tile

SECONDS = 45  # for all answers; what was not asked by then is named
MOST = 5  # classes of each


def ask(site: Site, request: Request) -> Response:
    """Return the page to drop an image on."""
    reading = site.studies.reading(request.path_params["study"])
    runs = sum(len(contender.finished) for contender in reading.subject.ranked)
    return site.show("ask.html.j2", reading=reading, runs=runs, megabytes=LARGEST // 1_000_000)


async def answer(request: Request) -> Response:
    """Return what the finished models say of the image in the body, as a part of the page."""
    data = await received(request)
    with anyio.move_on_after(SECONDS + 15):  # a network that is computing is not interrupted, but not waited for
        return await to_thread.run_sync(_answered, request.app.state.site, request, data, abandon_on_cancel=True)
    raise HTTPException(503, "The networks took too long; try again, or use a smaller study.")


def _answered(site: Site, request: Request, data: bytes) -> Response:
    reading = site.studies.reading(request.path_params["study"])
    image = prepared(reading, data)
    found = answers(site.classifiers, reading, image, SECONDS, MOST)
    said = [one.guesses[0].name for one in found if one.guesses]
    votes = sorted({name: said.count(name) for name in said}.items(), key=lambda pair: -pair[1])
    content = site.render("answers.html.j2", answers=found, votes=votes, tile=tile(image), shape=image.shape)
    return HTMLResponse(content.encode("utf-8", "replace"))
