"""Does a request come from a page of ours? Against cross-site request forgery, beside the cookie's SameSite.

Another name that leads to our address (DNS rebinding) passes here, and gains nothing: the browser keeps our cookie for the name under which
somebody signed in, so it stands before the door like anybody in the network. A list of allowed names would lock out households with a name
of their own, and keep out nobody else.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

_PORTS = {"http": 80, "https": 443}
_SECURE = frozenset({"https", "wss"})


def is_ours(scope: Scope) -> bool:
    """What the browser itself says (Sec-Fetch-Site) counts; else Origin, which all browsers send with what changes something.

    A request without both is of no browser: it has no cookie that another site could use. A websocket always has an Origin.
    """
    headers = Headers(scope=scope)
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site == "same-origin" or (site == "none" and origin is None)
    if origin is None:
        return bool(scope["type"] == "http")
    return _is_here(origin, scope, headers)


def _is_here(origin: str, scope: Scope, headers: Headers) -> bool:
    """Origin names the host that was asked for; behind a proxy that changes Host, the one that the proxy was asked for.

    No other site can make a browser send X-Forwarded-Host. Under TLS plain http is another site; the other way round a proxy ends the TLS.
    """
    parts = urlsplit(origin)
    if parts.scheme not in _PORTS or (scope["scheme"] in _SECURE and parts.scheme != "https"):
        return False
    ours = {_place(f"//{host}", parts.scheme) for host in _hosts(headers)} - {None}
    return _place(origin, parts.scheme) in ours


def _hosts(headers: Headers) -> list[str]:
    forwarded = headers.get("x-forwarded-host", "").split(",")[0].strip()
    return [*headers.getlist("host")[:1], forwarded]


def _place(url: str, scheme: str) -> tuple[str, int] | None:
    """Name and port; None for what is neither."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[scheme]
    except ValueError:
        return None
    plain = not (parts.path or parts.query or parts.fragment or parts.username or parts.password)
    return (parts.hostname, port) if parts.hostname and plain else None
