"""The way to Google: endpoints, and kept connections through proxy and TLS, one a thread for each server.

The contents travel on them as they are (``drive_bytes.py``), and so do the calls of Google's libraries, for which ``Web.http`` stands in
for ``httplib2.Http``. That one follows 308 as a redirect, passes HTTPS_PROXY over where PySocks is missing, and silently sends a POST
again whose answer was lost; ours does none of these.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import select
import socket
import ssl
import threading
import urllib.parse
import urllib.request
import weakref
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTP_PORT, HTTPS_PORT, HTTPConnection, HTTPException, HTTPSConnection
from typing import Self

import httplib2

from appliance import clock, time_source
from appliance.errors import BadRequest, RemoteAway, RemoteRefused

USER_AGENT = "PyArchive (gzip)"
"""Google compresses its answers only for those who say gzip in their name, too."""

_IDLE_S = 60.0
"""A router may have forgotten what was idle for longer, and does not tell: what is sent then runs into the timeout."""

_UNSENT_BYTES = 512 * 1024
_GZIP_OR_ZLIB = 47  # for zlib: the largest window, the header tells which of the two

_Key = tuple[str, str, int | None]


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where Drive answers; URLs without a slash at the end. ``is_test``: a server that stands in for Google's."""

    api: str
    upload: str
    token: str
    device: str
    is_test: bool

    @classmethod
    def of(cls, root: str | None) -> Self:
        """Google's own without a root. Raises BadRequest where the root is no URL, or plain http that leaves this machine."""
        if root is None:
            google, oauth = "https://www.googleapis.com", "https://oauth2.googleapis.com"
            return cls(f"{google}/drive/v3", f"{google}/upload/drive/v3", f"{oauth}/token", f"{oauth}/device/code", is_test=False)
        at = _checked(root)
        return cls(f"{at}/drive/v3", f"{at}/upload/drive/v3", f"{at}/token", f"{at}/device/code", is_test=True)


def _checked(root: str) -> str:
    try:
        parts = urllib.parse.urlsplit(root)
        is_plain = parts.hostname and parts.port != 0 and not (parts.username or parts.password or parts.query or parts.fragment)
    except ValueError:
        is_plain = False
    if not is_plain or not is_private(root):
        raise BadRequest(
            "drive_endpoint (PYARCHIVE_DRIVE_ENDPOINT) must be the root URL of a test server, such as https://drive.test:8443; "
            "plain http is accepted on this machine's loopback only"
        )
    return root.rstrip("/")


def is_private(url: str) -> bool:
    """Nobody on the way can read what is sent there: https, or http that does not leave this machine."""
    parts = urllib.parse.urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


class Web:
    """Connections to the remote. Thread-safe; what a thread leaves behind is closed when it ends.

    ``timeout_s`` is for silence: no byte goes out or comes in for that long. There is no limit to the whole.
    HTTPS_PROXY and NO_PROXY are honoured, SSL_CERT_FILE and SSL_CERT_DIR stand for the system's certificates.
    """

    def __init__(self, timeout_s: float = 60) -> None:
        self._timeout_s = timeout_s
        self._context = ssl.create_default_context()
        self._of_thread = threading.local()

    def http(self) -> httplib2.Http:
        """For Google's libraries. Follows no redirect, caches nothing, sends nothing twice."""
        return _Http(self, self._timeout_s)

    def kept(self, url: str) -> HTTPConnection:
        """The connection of this thread to the server of the URL, which connects by itself with the next request.

        An answer has to be read to its end before the next request; otherwise ``drop`` it.
        Raises RemoteRefused for a URL that others could read along, RemoteAway for a proxy of a kind that we cannot use.
        """
        if not is_private(url):
            raise RemoteRefused("the remote named an address without https; nothing was sent there. Check drive_endpoint and the proxy")
        parts = urllib.parse.urlsplit(url)
        kept = self._kept()
        connection = kept.get((parts.scheme, parts.hostname or "", parts.port))
        if connection is None:
            connection = kept[parts.scheme, parts.hostname or "", parts.port] = self._new(parts)
        connection.reopen_if_ended()
        return connection

    def _kept(self) -> dict[_Key, _Plain | _Tls]:
        holder: _Connections | None = getattr(self._of_thread, "holder", None)
        if holder is None:
            holder = self._of_thread.holder = _Connections()
        return holder.kept

    def _new(self, parts: urllib.parse.SplitResult) -> _Plain | _Tls:
        host = parts.hostname or ""
        if parts.scheme == "http":
            return _Plain(host, parts.port, timeout=self._timeout_s)
        proxy = _proxy_for(host)
        if proxy is None:
            return _Tls(host, parts.port, timeout=self._timeout_s, context=self._context)
        connection = _Tls(proxy.host, proxy.port, timeout=self._timeout_s, context=self._context)
        connection.set_tunnel(host, parts.port or HTTPS_PORT, dict(proxy.headers))
        return connection

    def drop(self, connection: HTTPConnection) -> None:
        """Close it at once, whatever is under way. The next request opens it anew."""
        connection.close()


class _Connections:
    """Those of one thread. When it ends, its locals go, this goes, and they are closed."""

    def __init__(self) -> None:
        self.kept: dict[_Key, _Plain | _Tls] = {}
        weakref.finalize(self, _close_all, self.kept)


def _close_all(kept: dict[_Key, _Plain | _Tls]) -> None:
    for connection in kept.values():
        connection.close()


class _Reopening(HTTPConnection):
    """Notices, before anything is sent, that the server has closed a kept connection."""

    _used_at_s = 0.0

    def connect(self) -> None:
        super().connect()
        # What the kernel holds unsent still leaves after a stop, and delays the answer to what was sent: keep it short.
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_BYTES)

    def reopen_if_ended(self) -> None:
        now_s = clock.monotonic_s()
        if self.sock is not None and (now_s - self._used_at_s > _IDLE_S or _is_readable(self.sock)):
            self.close()
        self._used_at_s = now_s


class _Plain(_Reopening):
    pass


class _Tls(_Reopening, HTTPSConnection):
    pass


def _is_readable(sock: socket.socket) -> bool:
    """Nothing was asked, so what waits there is the end, or the news of it."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


@dataclass(frozen=True, slots=True)
class _Proxy:
    host: str
    port: int
    headers: Mapping[str, str]


def _proxy_for(host: str) -> _Proxy | None:
    proxies = urllib.request.getproxies()
    url = proxies.get("https")
    if not url or urllib.request.proxy_bypass(host):
        return None
    parts = urllib.parse.urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme != "http" or not parts.hostname:
        raise RemoteAway("HTTPS_PROXY must name an http proxy, such as http://proxy:3128; correct it and start the appliance again")
    return _Proxy(parts.hostname, parts.port or HTTP_PORT, _authorization(parts))


def _authorization(parts: urllib.parse.SplitResult) -> dict[str, str]:
    if parts.username is None:
        return {}
    words = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(words.encode()).decode()}"}


class _Http(httplib2.Http):
    """``httplib2.Http`` as Google's libraries call it, over the kept connections; so it may be used by any thread."""

    def __init__(self, web: Web, timeout_s: float) -> None:
        super().__init__(timeout=timeout_s)
        self._web = web

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        redirections: int = 0,  # noqa: ARG002 (Google's libraries hand it over; none is followed)
        connection_type: object = None,  # noqa: ARG002 (likewise; the connections are ours)
    ) -> tuple[httplib2.Response, bytes]:
        """The answer, whatever its status. Raises OSError, http.client.HTTPException, RemoteRefused, RemoteAway."""
        connection = self._web.kept(uri)
        try:
            connection.request(method, target_of(uri), body, _completed(headers or {}))
            answer = connection.getresponse()
            if isinstance(connection, _Tls):  # so nobody else has said it
                time_source.told.heard(answer.getheader("date"))
            content = _decompressed(answer.read(), answer.getheader("content-encoding", ""))
        except BaseException:
            self._web.drop(connection)
            raise
        return httplib2.Response(answer), content


def target_of(url: str) -> str:
    """Path and query: what a request line names."""
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))


def _completed(headers: Mapping[str, str]) -> dict[str, str]:
    lowered = {name.lower(): value for name, value in headers.items()}
    return {"accept-encoding": "gzip, deflate"} | lowered | {"user-agent": USER_AGENT}


def _decompressed(content: bytes, encoding: str) -> bytes:
    if encoding not in {"gzip", "deflate"} or not content:
        return content
    try:
        return zlib.decompress(content, _GZIP_OR_ZLIB)
    except zlib.error as error:
        raise HTTPException("the answer is not compressed as it says") from error
