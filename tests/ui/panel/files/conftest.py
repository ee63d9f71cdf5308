"""Downloads behind a real uvicorn, of what a real appliance keeps."""

from __future__ import annotations

import http.client
import random
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mqtt.requests import RequestFailed
from tests.processes import House
from tests.ui.panel.serving import Serving
from ui.errors import Failed
from ui.panel.files.downloads import routes
from ui.panel.person import Person

MIB = 1 << 20
STALL_S = 1.0


class Asking:
    """To the real appliance as ``cli``, which may see everything: who may see what is shown by the test of every door."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def ask(self, verb: str, _person: Person | None, *, timeout_s: float = 15.0, **parameters: Any) -> Any:
        try:
            return self._house.ask(verb, **parameters)
        except RequestFailed as error:
            raise Failed(error.message, error.code) from error


class AsSomebody:
    """Puts a person into the scope, as the gate does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["person"] = Person(name="anna", display_name="Anna", role="member", session="s")
        await self._app(scope, receive, send)


@dataclass(frozen=True)
class Got:
    status: int
    headers: http.client.HTTPMessage
    content: bytes


class Browser:
    """Asks for files; and holds a download in its middle."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str, method: str = "GET", **headers: str) -> Got:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Got(answer.status, answer.headers, answer.read())

    @contextmanager
    def begun(self, path: str) -> Iterator[http.client.HTTPResponse]:
        """With the first byte read, and buffers so small that the rest is still to be sent."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.sock = socket.socket()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        connection.sock.settimeout(30)
        connection.sock.connect(("127.0.0.1", self.port))
        with closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            assert len(answer.read(1)) == 1
            yield answer


@dataclass(frozen=True)
class Served:
    house: House
    browser: Browser

    def put(self, size_bytes: int, name: str = "file.bin") -> tuple[str, bytes]:
        content = random.Random(size_bytes).randbytes(size_bytes)
        return self.house.put(content, name), content

    def file(self, archive_id: str) -> Path:
        return Path(self.house.ask("archive/locate", archive=archive_id)["path"])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with House(tmp_path_factory.mktemp("house")) as house:
        house.connect()
        app = Starlette(routes=[*routes(Asking(house), STALL_S), Route("/small", _small)])  # type: ignore[arg-type]  # it asks alike
        with Serving(AsSomebody(app)) as serving:
            yield Served(house, Browser(serving.port))


async def _small(_request: Request) -> Response:
    return PlainTextResponse("ok")
