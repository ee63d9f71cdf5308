"""What every answer says to the browser about what it may do with it."""

from __future__ import annotations

import secrets

from jinja2 import BaseLoader, Environment
from nicegui import app as nicegui_app
from nicegui import client as nicegui_client
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FOR_ALL = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",  # for browsers older than frame-ancestors
    # same-origin, not no-referrer: under that a browser sends forms with "Origin: null", and nothing would come from our own pages.
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), display-capture=()",
    "cross-origin-resource-policy": "same-origin",
}
_COMMON = "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; connect-src 'self'; manifest-src 'self'; "
# Plain pages: scripts and styles are files of ours, nothing stands in the page itself.
PLAIN_POLICY = f"{_COMMON}script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'"
# NiceGUI compiles its components in the browser (eval) and styles elements in place. Its own scripts carry the nonce of the answer; what
# gets into a page by a title or a file name has none, and handlers in attributes never run.
NICEGUI_POLICY = (
    f"{_COMMON}script-src 'self' 'nonce-{{nonce}}' 'unsafe-eval'; script-src-attr 'none'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:"
)
# A name may have other services on other ports, which TLS by force would cut off: it is asked for where we are the web server of that name.
_HSTS = "max-age=31536000"


class SecureHeaders:
    """Sets what the answer does not set itself. NiceGUI's pages get a nonce of their own: ``scope["state"]["nonce"]``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = scope.setdefault("state", {})["nonce"] = secrets.token_urlsafe(16)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add(MutableHeaders(scope=message), scope, nonce)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _add(headers: MutableHeaders, scope: Scope, nonce: str) -> None:
    policy = NICEGUI_POLICY.format(nonce=nonce) if "x-nicegui-content" in headers else PLAIN_POLICY
    kept = "no-cache" if scope["path"].startswith("/static/") else "no-store"  # files of ours are asked for again by their ETag
    for name, value in (_FOR_ALL | {"content-security-policy": policy, "cache-control": kept}).items():
        headers.setdefault(name, value)
    if scope["scheme"] == "https":
        headers.setdefault("cross-origin-opener-policy", "same-origin")  # without TLS browsers ignore it, and complain
        if _is_the_web_server(Headers(scope=scope).get("host", "")):
            headers.setdefault("strict-transport-security", _HSTS)


def _is_the_web_server(host: str) -> bool:
    return ":" not in host.rpartition("]")[2] or host.endswith(":443")


def harden_nicegui() -> None:
    """Before the first page: its scripts get the nonce, and it speaks by websocket alone, which the gate can judge and cut."""
    environment = nicegui_client.templates.env
    if not isinstance(environment.loader, _WithNonces):
        environment.loader = _WithNonces(environment.loader)
    nicegui_app.config.socket_io_js_transports = ["websocket"]


class _WithNonces(BaseLoader):
    """NiceGUI's template, with a place for the nonce in each of its own script tags."""

    def __init__(self, inner: BaseLoader | None) -> None:
        self._inner = inner

    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, object]:  # type: ignore[override]
        if self._inner is None:
            raise RuntimeError("NiceGUI's templates have no loader any more; look at how it renders its pages")
        source, path, is_fresh = self._inner.get_source(environment, template)
        return source.replace("<script", '<script nonce="{{ request.scope.state.nonce }}"'), path, is_fresh
