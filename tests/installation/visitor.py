"""Somebody with a browser: claims the appliance with the setup code, and sends files into the panel by tus."""

from __future__ import annotations

import http.client
import urllib.parse
from typing import NamedTuple

from tests.installation.root import Root
from tests.waiting import wait_for
from ui.panel.sessions import COOKIE

_PLACE = "/uploads/tus"
_TIMEOUT_S = 60.0


class Answer(NamedTuple):
    """Of the panel."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Visitor:
    """In the root's own network, at the port where the panel listens."""

    def __init__(self, root: Root, port: int = 80) -> None:
        self._root = root
        self._port = port
        self.session = ""

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: object) -> Answer:
        """Underscores of a header's name are hyphens. Raises OSError."""
        with self._root.network():
            wire = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_S)
            wire.connect()
        try:
            given = {name.replace("_", "-"): str(value) for name, value in headers.items()}
            cookie = {"Cookie": f"{COOKIE}={self.session}"} if self.session else {}
            wire.request(method, path, body, {"Tus-Resumable": "1.0.0"} | cookie | given)
            answer = wire.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            wire.close()

    def wait_for_panel(self) -> None:
        """Until it serves, and has found the appliance."""
        wait_for(lambda: b"online" in self._health(), 60, "the panel to reach the appliance")

    def _health(self) -> bytes:
        try:
            return self.ask("GET", "/healthz").body
        except (OSError, http.client.HTTPException):
            return b""

    def claim(self, code: str, name: str, password: str) -> None:
        """The first admin's account, and a session of it. Raises AssertionError."""
        self._enter("/claim", code=code, name=name, password=password)

    def sign_in(self, name: str, password: str) -> None:
        self._enter("/login", name=name, password=password)

    def _enter(self, path: str, **form: str) -> None:
        self.wait_for_panel()
        body = urllib.parse.urlencode(form).encode()
        answer = self.ask("POST", path, body, Content_Type="application/x-www-form-urlencoded")
        cookies = [line for line in answer.headers.get_all("Set-Cookie", []) if line.startswith(f"{COOKIE}=")]
        assert cookies, f"{path} answered {answer.status} and let nobody in"
        self.session = cookies[0].partition("=")[2].partition(";")[0]

    def create(self, size_bytes: int) -> tuple[str, str]:
        """Where to send it, and the archive's id."""
        made = self.ask("POST", _PLACE, Upload_Length=size_bytes)
        assert made.status == 201, f"creating an upload was answered with {made.status}: {made.body[:200]!r}"
        return str(made.headers["Location"]), str(made.headers["PyArchive-Archive"])

    def offset(self, place: str) -> int:
        answer = self.ask("HEAD", place)
        assert answer.status == 200, f"HEAD was answered with {answer.status}"
        return int(answer.headers["Upload-Offset"])

    def send(self, place: str, offset: int, content: bytes) -> int:
        """The offset that was acknowledged. Raises OSError, HTTPException: the line broke."""
        answer = self.ask("PATCH", place, content, Upload_Offset=offset, Content_Type="application/offset+octet-stream")
        assert answer.status == 204, f"PATCH was answered with {answer.status}: {answer.body[:200]!r}"
        return int(answer.headers["Upload-Offset"])

    def finish(self, place: str, content: bytes) -> None:
        """From where it is; returns when it was acknowledged."""
        offset = self.offset(place)
        if offset < len(content):
            self.send(place, offset, content[offset:])

    def upload(self, content: bytes) -> str:
        """The archive's id; it was acknowledged."""
        place, archive_id = self.create(len(content))
        self.finish(place, content)
        return archive_id
