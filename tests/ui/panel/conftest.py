"""A house, the panel's process, and two people: ada, an admin who owns things, and ben, a member."""

from __future__ import annotations

import base64
import hashlib
import http.client
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.panels import PASSWORD, PanelProcess
from tests.processes import House
from tests.waiting import wait_for
from ui.panel.sessions import COOKIE

CONTENT = b"the only copy of the film"
TITLE = "Ada's film, which is nobody else's"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    content: str

    @property
    def way(self) -> str:
        return str(self.headers["location"] or "")


@dataclass(frozen=True)
class Lived:
    """A panel with something in it. ``ada`` and ``ben`` are sessions; The others are ids, of ada's."""

    house: House
    panel: PanelProcess
    ada: str
    ben: str
    archive: str
    upload: str
    connection: str
    script: str

    def ask(self, method: str, path: str, session: str | None = None, *, body: str | None = None, **headers: str) -> Answer:
        """One request; from a page of our own unless ``Origin`` says otherwise."""
        given = {"Accept": "text/html", "Origin": self.panel.url} | {name.replace("_", "-"): value for name, value in headers.items()}
        if session is not None:
            given["Cookie"] = f"{COOKIE}={session}"
        with closing(http.client.HTTPConnection("127.0.0.1", self.panel.port, timeout=30)) as connection:
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read().decode(errors="replace"))

    def end_sessions(self, name: str) -> None:
        self.house.ask("user/end-session", name=name)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    with House(tmp_path_factory.mktemp("house")) as house, PanelProcess(house, tmp_path_factory.mktemp("panel")) as panel:
        house.connect()
        ada = panel.claim("ada")
        house.ask("user/add", name="ben", role="member", password=PASSWORD)
        ben = panel.sign_in("ben")
        connection = house.ask("connection/list")["connections"][0]["id"]
        yield Lived(house, panel, ada, ben, _archive(house), _upload(panel, ada), connection, _script(house))


def _script(house: House) -> str:
    source = base64.b64encode(b"print('nobody else sees this')\n").decode()
    return str(house.ask("script/save", script="hers", title="Ada's script", source_base64=source)["id"])


def _archive(house: House) -> str:
    begun = house.ask("archive/begin", file_name="film.mkv", size_bytes=len(CONTENT), title=TITLE, owner="ada")
    Path(begun["path"]).write_bytes(CONTENT)
    house.ask("archive/commit", archive_id=begun["archive_id"], sha256=hashlib.sha256(CONTENT).hexdigest())
    wait_for(lambda: house.ask("archive/upload", archive_id=begun["archive_id"])["state"] == "received", 30, "the file to be received")
    return str(begun["archive_id"])


def _upload(panel: PanelProcess, session: str) -> str:
    name = base64.b64encode(b"unfinished.bin").decode()
    with closing(http.client.HTTPConnection("127.0.0.1", panel.port, timeout=30)) as connection:
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": "1000",
            "Upload-Metadata": f"filename {name}",
            "Cookie": f"{COOKIE}={session}",
        }
        connection.request("POST", "/uploads/tus", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 201, answer.read()
        return str(answer.headers["location"]).rpartition("/")[2]
