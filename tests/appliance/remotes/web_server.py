"""A web server and a proxy of a few lines, on real sockets, for what no well-behaved server does."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

import trustme


@dataclass(frozen=True)
class Heard:
    """One request."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Answering = Callable[[Heard], bytes | None]
"""The whole answer as it goes over the wire; None: close without one."""


def answer(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """``Content_Type="text/html"`` is a header."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def read_head(stream: BinaryIO) -> list[str]:
    """The first line and the headers; [] at the end of the connection."""
    lines = []
    while line := stream.readline().decode().rstrip("\r\n"):
        lines.append(line)
    return lines


class Listener:
    """``with`` it is open. Each connection is served by a thread; ``opened`` and ``ended`` count them."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port: int = self._listening.getsockname()[1]
        self.opened = 0
        self.ended = 0

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.hang_up()
        for thread in self._threads:
            thread.join(5)

    def hang_up(self) -> None:
        """Close what is open, as a server does with idle connections."""
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listening.accept()
                self.opened += 1
                self._open.append(accepted)
                self._start(lambda accepted=accepted: self._run(accepted))  # type: ignore[misc]  # mypy does not type a default of a lambda

    def _run(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError), accepted:
            self.serve(accepted)
        self.ended += 1

    def serve(self, accepted: socket.socket) -> None:
        raise NotImplementedError


class WebServer(Listener):
    """Answers as told, and remembers what it heard; over TLS with a context."""

    def __init__(self, answering: Answering, context: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self.answering = answering
        self.heard: list[Heard] = []
        self._context = context

    @property
    def url(self) -> str:
        return f"http{'s' if self._context else ''}://127.0.0.1:{self.port}"

    def serve(self, accepted: socket.socket) -> None:
        talking = self._context.wrap_socket(accepted, server_side=True) if self._context else accepted
        self._open.append(talking)
        with talking, talking.makefile("rb") as stream:
            while lines := read_head(stream):
                self.heard.append(_request(lines, stream))
                said = self.answering(self.heard[-1])
                if said is None:
                    return
                talking.sendall(said)


def _request(lines: list[str], stream: BinaryIO) -> Heard:
    method, target, _ = lines[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return Heard(method, target, headers, stream.read(int(headers.get("content-length", 0))))


class ConnectProxy(Listener):
    """Leads every CONNECT to one port of this machine, or answers with ``status`` instead."""

    def __init__(self, to_port: int, status: int = 200) -> None:
        super().__init__()
        self.asked: list[list[str]] = []
        self._to_port = to_port
        self._status = status

    def serve(self, accepted: socket.socket) -> None:
        with accepted.makefile("rb") as stream:
            self.asked.append(read_head(stream))
        accepted.sendall(f"HTTP/1.1 {self._status} Whatever\r\nVia: test\r\n\r\n".encode())
        if self._status != 200:
            return
        with socket.create_connection(("127.0.0.1", self._to_port)) as other:
            self._start(lambda: _pump(other, accepted))
            _pump(accepted, other)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@dataclass(frozen=True)
class Authority:
    """A private certificate authority, and what a server that it vouches for needs."""

    pem: Path
    context: ssl.SSLContext


def authority(folder: Path, *names: str) -> Authority:
    ca, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*names).configure_cert(context)
    ca.cert_pem.write_to_path(folder / "ca.pem")
    return Authority(folder / "ca.pem", context)
