"""From a form to a session: where somebody comes from, the cookie, and where to go on."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ui.panel.sessions import COOKIE

_KEPT_S = 60 * 60 * 24 * 90
_LONGEST_AGENT = 1024


def from_browser(request: Request) -> dict[str, str]:
    """``address`` and ``agent``, by which the appliance slows down who guesses, and names the device of a session."""
    address = request.client.host if request.client else ""
    return {"address": address[:64], "agent": request.headers.get("user-agent", "")[:_LONGEST_AGENT]}


def inside(way: str | None) -> str:
    """A path of ours, never another site."""
    return way if way and way.startswith("/") and not way.startswith(("//", "/\\")) and way.isprintable() else "/"


def let_in(request: Request, signed_in: dict[str, Any], way: str) -> Response:
    """The cookie outlives the browser; how long the session lives is the appliance's matter."""
    answer = RedirectResponse(way, 303)
    answer.set_cookie(
        COOKIE, signed_in["session"], max_age=_KEPT_S, path="/", httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )
    return answer
