"""Does a request come from a page of ours? Against cross-site request forgery, beside the cookie's SameSite."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope


def is_ours(scope: Scope) -> bool:
    """By Origin, which browsers send with all that changes something, and with each websocket; else by Sec-Fetch-Site.

    A client that sends neither is no browser: it has no cookie that somebody else could use.
    """
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""
    return headers.get("sec-fetch-site", "none") in {"same-origin", "none"}
