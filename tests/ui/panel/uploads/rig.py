"""A house, a panel's process beside it that may be killed, and a tus client that does as it is told."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from tests.brokers import free_port
from tests.processes import House
from tests.waiting import wait_for

PLACE = "/uploads/tus"
PEOPLE = {"t-anna": ["anna", "member"], "t-ben": ["ben", "member"], "t-root": ["root", "admin"]}
KIB, MIB = 1 << 10, 1 << 20


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str

    @property
    def offset(self) -> int:
        assert "upload-offset" in self.headers, self
        return int(self.headers["upload-offset"])

    @property
    def id(self) -> str:
        return self.headers["location"].rsplit("/", 1)[1]


class Serving:
    """``with Serving(folder, house) as panel``: the process that serves; ``kill`` and ``start`` keep port and folder.

    ``pace``: names of ui/panel/files/uploads/uploads.py with other values, so that no test waits for minutes.
    """

    def __init__(self, folder: Path, house: House, **pace: float) -> None:
        self.pace = pace
        self.largest_file_bytes = 0
        self.folder = folder / "panel"
        self.people = folder / "people.json"
        self.port = free_port()
        self._house = house
        self._log = (folder / "panel.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.let_in(PEOPLE)
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        self._log.close()

    def let_in(self, people: dict[str, list[str]]) -> None:
        fresh = self.people.with_suffix(".new")
        fresh.write_text(json.dumps(people))
        fresh.replace(self.people)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        address = self._house.address_of("cli")
        given = {
            "folder": str(self.folder), "people": str(self.people), "port": self.port, "broker_port": address.port,
            "username": address.username, "password": address.password, "appliance_id": self._house.topics.appliance_id,
            "pace": self.pace, "largest_file_bytes": self.largest_file_bytes,
        }  # fmt: skip
        environment = os.environ | {"SERVING": json.dumps(given)}
        self._process = subprocess.Popen([sys.executable, "-m", "tests.ui.panel.uploads.serving"], env=environment, stderr=self._log)
        wait_for(self._serves, what="the panel to serve")

    def _serves(self) -> bool:
        """Not another one: while one is down, its port may be another test's."""
        assert self._process is not None
        assert self._process.poll() is None, "the panel ended; see panel.log"
        try:
            return Tus(self.port).ask("GET", "/healthz", timeout_s=5).text == str(self.pid)
        except (OSError, http.client.HTTPException):
            return False

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(10)
        finally:
            self.kill()


class Tus:
    """A client of one person."""

    def __init__(self, port: int, token: str | None = "t-anna") -> None:
        self.port = port
        self.token = token

    def headers(self, **more: Any) -> dict[str, str]:
        given = {"Tus-Resumable": "1.0.0"} | ({"Cookie": f"pyarchive_session={self.token}"} if self.token else {})
        return given | {name.replace("_", "-"): str(value) for name, value in more.items() if value is not None}

    def ask(self, method: str, path: str, body: bytes | None = None, *, timeout_s: float = 40.0, **headers: Any) -> Answer:
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        given = {name: value for name, value in self.headers(**headers).items() if value != "-"}
        try:
            wire.request(method, path, body, given)
            response = wire.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read().decode())
        finally:
            wire.close()

    def create(self, size_bytes: int | None, body: bytes | None = None, *, named: dict[str, str] | None = None, **headers: Any) -> Answer:
        named = {"filename": "film.mkv"} if named is None else named
        metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in named.items())
        given: dict[str, Any] = {"Upload_Length": size_bytes, "Upload_Metadata": metadata or None} | headers
        return self.ask("POST", PLACE, body, **given)

    def head(self, upload_id: str) -> Answer:
        return self.ask("HEAD", f"{PLACE}/{upload_id}")

    def patch(self, upload_id: str, offset: int, body: bytes, **headers: Any) -> Answer:
        given: dict[str, Any] = {"Content_Type": "application/offset+octet-stream", "Upload_Offset": offset} | headers
        return self.ask("PATCH", f"{PLACE}/{upload_id}", body, **given)

    def delete(self, upload_id: str) -> Answer:
        return self.ask("DELETE", f"{PLACE}/{upload_id}")

    def unfinished(self) -> list[dict[str, Any]]:
        return list(json.loads(self.ask("GET", "/upload/unfinished").text)["uploads"])

    def unfinished_offset(self, upload_id: str) -> int:
        """As a page shows it, which takes nobody's turn; -1 where it is not there."""
        return next((int(each["offset_bytes"]) for each in self.unfinished() if each["id"] == upload_id), -1)

    def half_patch(self, upload_id: str, offset: int, body: bytes, **headers: Any) -> socket.socket:
        """Begins a PATCH and sends so much of it; the rest is up to the caller, who closes the socket."""
        wire = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        given = self.headers(Content_Type="application/offset+octet-stream", Upload_Offset=offset, **headers)
        lines = [f"PATCH {PLACE}/{upload_id} HTTP/1.1", "Host: panel", *(f"{name}: {value}" for name, value in given.items())]
        wire.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        return wire
