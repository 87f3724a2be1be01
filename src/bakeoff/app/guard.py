"""Who may ask for what: the check that every request passes before anything is done for it.

- Host: a page of another site whose name was made to lead here (DNS rebinding) sends that name, and is refused.
- Sec-Fetch-Site and Origin: pages of other sites may open the first page, and nothing else.
- Token: needed where other machines can reach the page; taken from the address once and then kept in a cookie.
"""

import ipaddress
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE = ("GET", "HEAD")
HEADERS: Mapping[str, str] = {
    # Plotly and the bars set styles within the page; they can fetch nothing.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
# A page of our own that goes on by itself: on a redirect from another site the strict cookie would not be sent.
WELCOME = '<!doctype html><meta http-equiv="refresh" content="0; url=/"><title>bakeoff</title><a href="/">Go on</a>'


@dataclass(frozen=True)
class Door:
    """Where the page is served.

    Attributes:
        host: the address or name that it is bound to.
        token: what others must know; empty where only this machine can ask.
    """

    host: str
    token: str = ""

    @classmethod
    def at(cls, host: str) -> "Door":
        """Return the door for a host, with a new token unless only this machine reaches it."""
        return cls(host, "" if is_loopback(host) else secrets.token_urlsafe(24))

    def knows(self, host: str) -> bool:
        """Whether the Host of a request is one by which this page can be reached without a name server's say."""
        name = _hostname(host)
        if is_loopback(name) or name == self.host.lower():
            return True
        if not self.token:
            return False
        return _address(name) is not None or name in _own_names()


class Guard:
    """The check, around an application."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that is refused, or pass it on; every answer gets the headers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        assert scope["type"] == "http", "neither websockets nor a lifespan are served"
        answer = self._answer(scope)
        await (answer or self._app)(scope, receive, with_headers)

    def _answer(self, scope: Scope) -> Response | None:
        """Return the answer to a request that is not to be passed on."""
        headers = Headers(scope=scope)
        if not self._door.knows(headers.get("host", "")):
            return _refusal(421, "This address is not the one that bakeoff printed; open that one.")
        if why := _from_elsewhere(scope, headers):
            return _refusal(403, why)
        return self._without_token(scope, headers) if self._door.token else None

    def _without_token(self, scope: Scope, headers: Headers) -> Response | None:
        if _same(_cookie(headers), self._door.token):
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["method"] in SAFE and _same(given, self._door.token):
            answer = HTMLResponse(WELCOME)
            answer.set_cookie("bakeoff", self._door.token, httponly=True, samesite="strict", path="/")
            return answer
        return _refusal(401, "Open the whole address that bakeoff printed, with its token.")


@cache
def _own_names() -> tuple[str, ...]:
    """Return the names of this machine, asked for once: a name server can take seconds, and everybody waits."""
    return socket.gethostname().lower(), socket.getfqdn().lower()


def is_loopback(host: str) -> bool:
    """Whether a name or address leads to this machine, and cannot be reached from another one."""
    address = _address(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def _from_elsewhere(scope: Scope, headers: Headers) -> str:
    """Return why a request that a page of another site has caused is refused; nothing for others."""
    safe = scope["method"] in SAFE
    site = headers.get("sec-fetch-site")
    if site in ("cross-site", "same-site") and not (
        safe and scope["path"] == "/" and headers.get("sec-fetch-mode") == "navigate"
    ):
        return "Another site asked for this; open it from the first page of bakeoff."
    origin = headers.get("origin")
    if origin is not None and origin != f"{scope['scheme']}://{headers.get('host', '')}":
        return "Another site asked for this; open it from the first page of bakeoff."
    if not safe and origin is None and site != "same-origin":
        return "This works only from the pages of bakeoff themselves."
    return ""


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get("bakeoff")
    except CookieError:
        return ""
    return found.value if found else ""


def _same(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "replace"), token.encode())


def _hostname(host: str) -> str:
    """Return the name or address of a Host header, without its port; nothing where it is not one."""
    found = re.fullmatch(r"(?:\[([0-9a-f:]+)\]|([a-z0-9._-]+?)\.?)(?::\d{1,5})?", host.lower(), re.ASCII)
    return (found[1] or found[2]) if found else ""


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _refusal(status: int, why: str) -> Response:
    return PlainTextResponse(f"{why}\n", status)
