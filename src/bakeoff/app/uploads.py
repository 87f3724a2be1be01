"""Images that are sent to be classified."""

from io import BytesIO

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import Request

LARGEST = 20_000_000  # bytes
SECONDS = 30  # for one to arrive


async def received(request: Request) -> bytes:
    """Return the body of a request, which is refused as soon as it is known to be too large or too slow."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > LARGEST:
        raise _too_large()
    body = BytesIO()
    with anyio.move_on_after(SECONDS) as scope:
        async for chunk in request.stream():
            if body.tell() + len(chunk) > LARGEST:
                raise _too_large()
            body.write(chunk)
    if scope.cancelled_caught:
        raise HTTPException(408, f"The image did not arrive within {SECONDS} seconds.")
    return body.getvalue()


def _too_large() -> HTTPException:
    return HTTPException(413, f"The file has more than {LARGEST // 1_000_000} MB; save the image smaller.")
