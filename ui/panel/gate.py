"""Nobody passes without a session, but to the doors and to what dresses them. ASGI, around everything that the panel serves."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from nicegui import __version__ as nicegui_version
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.errors import Silent
from ui.panel.origin import is_ours
from ui.panel.person import Person
from ui.panel.sessions import COOKIE, Sessions

OPEN = frozenset({"/login", "/claim", "/register", "/healthz", "/manifest.webmanifest", "/favicon.ico"})
OPEN_BELOW = ("/static/", f"/_nicegui/{nicegui_version}/static/")  # the library's own files say nothing of ours
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate:
    """Puts the Person into ``scope["state"]["person"]``; on open paths None where nobody is signed in."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        refusal = await self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403, "reason": "sign in"})  # before accept: the server answers 403
        else:
            await refusal(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Response | None:
        if not _may_write(scope):
            return PlainTextResponse("This came from another site and was not done.\n", 403)
        path = scope["path"]
        is_open = path in OPEN or path.startswith(OPEN_BELOW)
        try:
            person = await self._person(scope)
        except Silent as error:
            return None if is_open else PlainTextResponse(f"{error}\n", 503, {"Retry-After": "2"})
        scope.setdefault("state", {})["person"] = person
        return None if person or is_open else _sign_in_first(scope)

    async def _person(self, scope: Scope) -> Person | None:
        return await self._sessions.of(token_of(scope))


def token_of(scope: Scope) -> str | None:
    """The session's token in the request's cookies."""
    try:
        cookies = SimpleCookie(Headers(scope=scope).get("cookie", ""))
    except CookieError:
        return None
    return cookies[COOKIE].value if COOKIE in cookies else None


def _may_write(scope: Scope) -> bool:
    changes = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
    return not changes or is_ours(scope)


def _sign_in_first(scope: Scope) -> Response:
    headers = Headers(scope=scope)
    if scope["type"] == "http" and scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
        return RedirectResponse(f"/login?next={quote(scope['path'], safe='/')}", 303)
    return PlainTextResponse("Sign in first.\n", 401)
