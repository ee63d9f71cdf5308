"""Nobody passes without a session, but to the doors and to what dresses them. ASGI, around everything that the panel serves."""

from __future__ import annotations

from urllib.parse import quote

from nicegui import __version__ as nicegui_version
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.errors import Silent
from ui.panel import clients
from ui.panel.files import refusals
from ui.panel.origin import is_ours
from ui.panel.person import Person
from ui.panel.sessions import COOKIE, Sessions
from ui.panel.sockets import Sockets

OPEN = frozenset({"/login", "/claim", "/register", "/healthz", "/manifest.webmanifest", "/favicon.ico"})
OPEN_BELOW = ("/static/", f"/_nicegui/{nicegui_version}/static/")  # the library's own files say nothing of ours
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SOCKETS_BELOW, _UPLOADS_BELOW = "/_nicegui_ws/", "/uploads/"
_LONGEST_FORM_BYTES = 1 << 16


class Gate:
    """Puts the Person into ``scope["state"]["person"]``; on open paths None where nobody is signed in."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions
        self._sockets = Sockets(app, sessions, clients.dismiss)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await ((await self._refusal(scope)) or self._app)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = await self._refusal(scope)
        person = scope.get("state", {}).get("person")
        if refusal is None and isinstance(person, Person):
            await self._sockets.serve(person, scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 4403, "reason": "sign in"})  # before accept: the server answers 403

    async def _refusal(self, scope: Scope) -> Response | None:
        if not _may_write(scope):
            return PlainTextResponse("This came from another site and was not done.\n", 403)
        path = scope["path"]
        if scope["type"] == "http" and not _may_be_read(scope):
            return PlainTextResponse("That is more than any form of ours has.\n", 413, {"Connection": "close"})
        if scope["type"] == "http" and path.startswith(_SOCKETS_BELOW):
            return PlainTextResponse("Only a websocket is served here.\n", 404)  # polling would pass by what cuts websockets
        is_open = path in OPEN or path.startswith(OPEN_BELOW)
        try:
            person = await self._sessions.of(token_of(scope))
        except Silent as error:
            return None if is_open else refusals.away(str(error)).response(Headers(scope=scope))
        finally:
            scope.setdefault("state", {}).setdefault("person", None)
        scope["state"]["person"] = person
        return None if person or is_open else _sign_in_first(scope)


def token_of(scope: Scope) -> str | None:
    """The session's token in the request's cookies. Where a name comes twice, the browser's more exact one is the first."""
    for header in Headers(scope=scope).getlist("cookie"):
        for chunk in header.split(";"):
            found = cookie_parser(chunk).get(COOKIE)
            if found is not None:
                return found
    return None


def _may_write(scope: Scope) -> bool:
    changes = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
    return not changes or is_ours(scope)


def _may_be_read(scope: Scope) -> bool:
    """A form is read into memory, also of who is not signed in. Uploads, which are not, see to their size themselves."""
    headers = Headers(scope=scope)
    length = headers.get("content-length", "0")
    is_small = "transfer-encoding" not in headers and len(length) < len("100000") and int(length) <= _LONGEST_FORM_BYTES
    return is_small or scope["path"].startswith(_UPLOADS_BELOW)


def _sign_in_first(scope: Scope) -> Response:
    headers = Headers(scope=scope)
    if scope["type"] == "http" and scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
        query = scope["query_string"].decode("latin-1")
        return RedirectResponse(f"/login?next={quote(scope['path'] + ('?' if query else '') + query, safe='/')}", 303)
    return PlainTextResponse("Sign in first.\n", 401)
