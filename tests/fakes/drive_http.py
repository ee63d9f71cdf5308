"""As much of an HTTP/1.1 server as the fake Drive needs: a thread a connection, bodies received without copies (RFC 9112)."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes.drive_line import Line
from tests.fakes.drive_wire import ConnectionBroken, Wire

_BACKLOG = 256
_SHAPED_BUFFER_BYTES = 128 * 1024  # a line has no megabytes of buffer
_WASTE_BYTES = 1024 * 1024

_PHRASES = {200: "OK", 201: "Created", 204: "No Content", 206: "Partial Content", 308: "Resume Incomplete"}


@dataclass
class Body:
    """The body of a request, received piece by piece; of unknown length where it is chunked."""

    wire: Wire
    left_bytes: int
    is_chunked: bool = False
    cut_after_bytes: int | None = None

    @property
    def is_cut(self) -> bool:
        """No more of it is to be received."""
        return self.cut_after_bytes == 0

    def fill(self, view: memoryview) -> int:
        """Less than the view takes only at the end of the body, where the client is gone, and where the connection is to be cut."""
        view = view[: self.left_bytes if self.cut_after_bytes is None else min(self.left_bytes, self.cut_after_bytes)]
        size_bytes = self.wire.fill(view)
        self.left_bytes -= size_bytes
        if self.cut_after_bytes is not None:
            self.cut_after_bytes -= size_bytes
        return size_bytes

    def read(self) -> bytes:
        """All that is left of it. Raises ConnectionBroken."""
        if self.is_chunked:
            return self._read_chunked()
        content = bytearray(self.left_bytes)
        if self.fill(memoryview(content)) < len(content):
            raise ConnectionBroken
        return bytes(content)

    def _read_chunked(self) -> bytes:
        content = bytearray()
        while size_bytes := int(self.wire.text_line().partition(b";")[0], 16):
            content += Body(self.wire, size_bytes).read()
            self.wire.text_line()
        while self.wire.text_line():
            pass
        self.is_chunked = False
        return bytes(content)

    def throw_away(self, size_bytes: int | None = None) -> int:
        """So many bytes less, or all. Returns how many were received."""
        if self.is_chunked:
            return len(self.read())
        waste = memoryview(bytearray(min(_WASTE_BYTES, self.left_bytes)))
        wanted_bytes = self.left_bytes if size_bytes is None else min(size_bytes, self.left_bytes)
        got_bytes = 0
        while got_bytes < wanted_bytes and (piece_bytes := self.fill(waste[: wanted_bytes - got_bytes])):
            got_bytes += piece_bytes
        return got_bytes


@dataclass
class Request:
    """One request; ``headers`` have lower-case names, ``query`` the last value of each parameter."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Body
    host: str
    is_tls: bool

    @property
    def content_bytes(self) -> int:
        return int(self.headers.get("content-length", "0"))


@dataclass
class FilePart:
    """A body that lies in a file."""

    path: Path
    offset_bytes: int
    size_bytes: int


@dataclass
class Response:
    """What is answered. ``cut_after_bytes``: the connection is cut after so many bytes of the body; -1: before the answer."""

    status: int = 200
    content: bytes | FilePart = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut_after_bytes: int | None = None

    @property
    def size_bytes(self) -> int:
        return self.content.size_bytes if isinstance(self.content, FilePart) else len(self.content)

    def head(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {_PHRASES.get(self.status, 'Error')}", f"Date: {formatdate(usegmt=True)}"]
        if self.status != 204:
            lines.append(f"Content-Length: {self.size_bytes}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


Handler = Callable[[Request], Response]


class HttpServer:
    """Listens on loopback. With ``tls`` and ``is_proxy`` it answers CONNECT to whatever host, and is that host itself."""

    def __init__(self, handler: Handler, line: Line, tls: ssl.SSLContext | None, *, is_proxy: bool = False, port: int = 0) -> None:
        self._handler, self._line, self._tls, self._is_proxy = handler, line, tls, is_proxy
        self._listener = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
        self.port: int = self._listener.getsockname()[1]
        self._wires: set[Wire] = set()
        self._lock = threading.Lock()
        self._closed = False
        threading.Thread(target=self._accept, name=f"fake-drive-{self.port}", daemon=True).start()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            wires = list(self._wires)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for wire in wires:
            wire.close()

    def _accept(self) -> None:
        while not self._closed:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._line.is_shaped:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SHAPED_BUFFER_BYTES)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SHAPED_BUFFER_BYTES)
        wire = Wire(sock, self._line)
        try:
            if self._is_proxy and not self._led_through(wire):
                return
            if self._tls is not None:
                wire = Wire(self._tls.wrap_socket(sock, server_side=True), self._line)
            self._converse(wire)
        except (OSError, ValueError, ConnectionBroken):
            pass  # what a client does to its connection is its own affair
        except RuntimeError:
            if not self._closed:  # else the threads that hash were ended under an upload
                raise
        finally:
            wire.close()

    @staticmethod
    def _led_through(wire: Wire) -> bool:
        """The CONNECT of a client (RFC 9110, 9.3.6); what follows on the connection is for the host itself."""
        head = wire.head()
        if head is None or not head.startswith(b"CONNECT "):
            return False
        wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return True

    def _converse(self, wire: Wire) -> None:
        with self._lock:
            if self._closed:
                return
            self._wires.add(wire)
        try:
            while self._one(wire):
                pass
        finally:
            with self._lock:
                self._wires.discard(wire)

    def _one(self, wire: Wire) -> bool:
        head = wire.head()
        if head is None:
            return False
        request = parse_request(head, wire)
        if request.headers.get("expect", "").lower() == "100-continue":
            wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        response = self._handler(request)
        request.body.throw_away()
        return send_response(wire, request, response) and request.headers.get("connection", "").lower() != "close"


def parse_request(head: bytes, wire: Wire) -> Request:
    """Raises ValueError where it is no HTTP."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    url = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
    is_chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    body = Body(wire, int(headers.get("content-length", "0")), is_chunked)
    return Request(method, unquote(url.path), query, headers, body, headers.get("host", ""), isinstance(wire.sock, ssl.SSLSocket))


def send_response(wire: Wire, request: Request, response: Response) -> bool:
    """False: the connection is to be cut, or was."""
    if response.cut_after_bytes == -1:
        wire.cut()
        return False
    content = response.content
    left_bytes = response.size_bytes if response.cut_after_bytes is None else min(response.size_bytes, response.cut_after_bytes)
    if isinstance(content, FilePart):
        wire.send(response.head())
        wire.send_file(content.path, content.offset_bytes, left_bytes)
    else:
        wire.send(response.head() + content[:left_bytes])
    return response.cut_after_bytes is None
