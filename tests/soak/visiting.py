"""What a browser does with the panel, without the browser: pages, their websockets, tus, downloads."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from ui.panel.sessions import COOKIE

_PAGE = re.compile(r"client_id&#34;: &#34;([0-9a-f-]{36})|client_id['\"]: ['\"]([0-9a-f-]{36})")
_MESSAGE = re.compile(r'"_id":\s*(\d+)')
_ACK_EVERY_S = 2.0


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    content: bytes


@dataclass(frozen=True, slots=True)
class Visitor:
    """One person at one address. ``session`` None: not signed in."""

    port: int
    session: str | None = None
    address: str = "127.0.0.1"

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30, source_address=(self.address, 0))

    def headers(self, **more: object) -> dict[str, str]:
        given = {"Accept": "text/html", "Origin": f"http://127.0.0.1:{self.port}"}
        if self.session:
            given["Cookie"] = f"{COOKIE}={self.session}"
        return given | {name.replace("_", "-"): str(value) for name, value in more.items()}

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, object] | None = None) -> Answer:
        with closing(self.connection()) as connection:
            connection.request(method, path, body, self.headers(**(headers or {})))
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())

    def sign_in(self, name: str, password: str) -> str | None:
        """The token of the new session; None where it is refused."""
        form = urlencode({"name": name, "password": password}).encode()
        answer = self.ask("POST", "/login", form, {"Content_Type": "application/x-www-form-urlencoded"})
        cookies = answer.headers.get_all("set-cookie") or []
        return next((found[1] for each in cookies if (found := re.match(rf"{COOKIE}=([^;]+)", each))), None)

    # Pages

    @contextlib.contextmanager
    def page(self, path: str) -> Iterator[Page | None]:
        """Open, with its websocket; None: the panel did not show it."""
        answer = self.ask("GET", path)
        found = _PAGE.search(answer.content.decode(errors="replace"))
        if answer.status != 200 or not found:
            yield None
            return
        page = found[1] or found[2]
        url = f"ws://127.0.0.1:{self.port}/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
        cookie = {"Cookie": f"{COOKIE}={self.session}"}
        with connect(url, origin=Origin(f"http://127.0.0.1:{self.port}"), additional_headers=cookie, close_timeout=0.1) as socket:
            socket.recv(10)
            socket.send("40")
            asked = {"client_id": page, "tab_id": page, "old_tab_id": None, "document_id": page, "next_message_id": 0}
            socket.send("420" + json.dumps(["handshake", asked]))
            yield Page(socket, page)

    def look_at(self, path: str, for_s: float, until: Callable[[], bool]) -> bool:
        """Open that long, answering as NiceGUI's page does. False: it was not shown, or was closed from there."""
        with self.page(path) as page:
            return page is not None and page.stay(for_s, until)

    def fall_asleep_at(self, path: str, for_s: float, until: Callable[[], bool]) -> bool:
        """As a phone in a pocket: nothing is answered any more, and nothing is closed either."""
        with self.page(path) as page:
            if page is None:
                return False
            page.stay(1.0, until)
            _sleep(for_s, until)
            return True


@dataclass(slots=True)
class Page:
    """One that is open."""

    socket: ClientConnection
    id: str
    _newest: int = -1
    _acked_s: float = 0.0

    def stay(self, for_s: float, until: Callable[[], bool]) -> bool:
        """Pings are answered and messages acknowledged. False: it was closed from there."""
        ends_s = time.monotonic() + for_s
        try:
            while (left_s := ends_s - time.monotonic()) > 0 and not until():
                with contextlib.suppress(TimeoutError):
                    self._take(str(self.socket.recv(min(left_s, 0.5))))
        except ConnectionClosed:
            return False
        return True

    def _take(self, message: str) -> None:
        if message == "2":
            self.socket.send("3")
        self._newest = max([self._newest, *(int(number) for number in _MESSAGE.findall(message))])
        if time.monotonic() - self._acked_s > _ACK_EVERY_S:
            self._acked_s = time.monotonic()
            self.socket.send("42" + json.dumps(["ack", {"client_id": self.id, "next_message_id": self._newest + 1}]))


def _sleep(for_s: float, until: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + for_s
    while time.monotonic() < ends_s and not until():
        time.sleep(0.2)


# tus


@dataclass(frozen=True, slots=True)
class Upload:
    """One file on its way through the panel."""

    visitor: Visitor
    place: str
    archive_id: str
    content: bytes

    @classmethod
    def begin(cls, visitor: Visitor, name: str, content: bytes) -> Upload:
        metadata = f"filename {base64.b64encode(name.encode()).decode()}"
        answer = visitor.ask("POST", "/uploads/tus", headers=_tus(Upload_Length=len(content), Upload_Metadata=metadata))
        if answer.status != 201:
            raise AssertionError(f"tus: {answer.status} {answer.content[:300]!r}")
        return cls(visitor, str(answer.headers["location"]), str(answer.headers["pyarchive-archive"]), content)

    def offset(self) -> int:
        answer = self.visitor.ask("HEAD", self.place, headers=_tus())
        if answer.status != 200:
            raise AssertionError(f"tus: {answer.status}")
        return int(answer.headers["upload-offset"])

    def send(self, end: int | None = None, *, cut_at: int | None = None) -> int:
        """From where it is to ``end``; the status. ``cut_at``: the line breaks there, and the status is 0."""
        begin = self.offset()
        piece = memoryview(self.content)[begin:end]
        headers = self.visitor.headers(
            **_tus(Upload_Offset=begin, Content_Type="application/offset+octet-stream", Content_Length=len(piece))
        )  # fmt: skip
        with closing(self.visitor.connection()) as connection:
            connection.putrequest("PATCH", self.place)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            connection.send(piece if cut_at is None else piece[: max(0, cut_at - begin)])
            return connection.getresponse().status if cut_at is None else 0

    def end(self) -> None:
        """The person does not want it any more."""
        self.visitor.ask("DELETE", self.place, headers=_tus())


def _tus(**more: object) -> dict[str, object]:
    return {"Tus_Resumable": "1.0.0", **more}
