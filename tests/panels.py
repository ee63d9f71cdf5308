"""The web panel as a process of its own beside a house, and people who sign in."""

from __future__ import annotations

import http.cookiejar
import os
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.own_process import OwnProcess
from tests.processes import House
from tests.waiting import PATIENCE_S, wait_for
from ui.panel.sessions import COOKIE

PASSWORD = "correct horse battery"


class PanelProcess(OwnProcess):
    """``with PanelProcess(house) as panel``: it serves at ``panel.url``; ended by process id."""

    module = "ui.panel"

    def __init__(self, house: House, folder: Path) -> None:
        self._house = house
        self.folder = folder / "panel"
        self.log = folder / "panel.log"
        self._log = self.log.open("ab")
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        self._log.close()

    def start(self) -> None:
        address = self._house.address_of("panel")
        given = {
            "PYARCHIVE_DATA": self._house.data, "PYARCHIVE_APPLIANCE_ID": self._house.topics.appliance_id,
            "PYARCHIVE_MQTT_HOST": address.host, "PYARCHIVE_MQTT_PORT": address.port, "PYARCHIVE_MQTT_USERNAME": address.username,
            "PYARCHIVE_MQTT_PASSWORD": address.password, "PYARCHIVE_PANEL_PORT": self.port, "PYARCHIVE_PANEL_DATA": self.folder,
        }  # fmt: skip
        environment = os.environ | {name: str(value) for name, value in given.items()}
        self.process = subprocess.Popen([sys.executable, "-m", self.module], env=environment, stdout=self._log, stderr=self._log)
        wait_for(lambda: "ok" in self._health(), what="the panel to serve")

    def _health(self) -> str:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def claim(self, name: str = "ada", password: str = PASSWORD) -> str:
        """The first admin; its session token."""
        return self._enter("/claim", code=self._house.ask("user/setup-code")["code"], name=name, password=password)

    def sign_in(self, name: str, password: str = PASSWORD) -> str:
        """Its session token."""
        return self._enter("/login", name=name, password=password)

    def _enter(self, path: str, **form: str) -> str:
        wait_for(lambda: "online" in self._health(), what="the panel to reach the appliance")
        jar = http.cookiejar.CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar), _NoRedirect())
        try:
            opener.open(self.url + path, urllib.parse.urlencode(form).encode(), timeout=PATIENCE_S)
            said = "it answered without leading on"
        except urllib.error.HTTPError as answer:  # the way in is a redirect
            said = f"{answer.code} {answer.reason}: {answer.read().decode()[-2000:]}"
        for cookie in jar:
            if cookie.name == COOKIE and cookie.value:
                return cookie.value
        raise AssertionError(f"no session for {form['name']} from {path}; {said}\n{self.log.read_text()[-2000:]}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
