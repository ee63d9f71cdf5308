"""Mosquitto with the project's own configuration, and the embedded broker, each with an address for every login."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Protocol

import pytest

from mqtt.client import BrokerAddress
from mqtt.contract import Login
from mqtt.mosquitto import credentials, render
from mqtt.mosquitto.choices import Choices
from mqtt.mosquitto.credentials import BridgeLogin
from mqtt.mosquitto.writing import Owner, Writer, broker_owner
from mqtt.topics import Topics
from tests.brokers import HOST, MOSQUITTO, Embedded, free_port, listens
from tests.waiting import wait_for


class HouseBroker(Protocol):
    """A broker that knows the project's logins; ``stop`` and ``start`` keep addresses and passwords."""

    def address_of(self, login: str) -> BrokerAddress: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def remove(self) -> None: ...


class EmbeddedForAll(Embedded):
    """The demo's: one login for everything."""

    def address_of(self, login: str) -> BrokerAddress:
        return self.address

    def remove(self) -> None:
        self.stop()


class Installed:
    """Mosquitto as the project sets it up. ``kill`` is a power cut: nothing is saved, no last words."""

    def __init__(self, topics: Topics, *, start: bool = True, bridge: BridgeLogin | None = None, **choices: Any) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mosquitto-"))
        self.folder.chmod(0o755)
        self.topics = topics
        self.bridge = bridge
        self._given: dict[str, Any] = {"lan_address": HOST, "persistence": "none"}
        self._given |= {"loopback_port": free_port(), "lan_port": free_port()}
        self.configure(**choices)
        self._process: subprocess.Popen[bytes] | None = None
        if start:
            self.start()

    @property
    def owner(self) -> Owner | None:
        return broker_owner("mosquitto")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def configure(self, **choices: Any) -> bool:
        """Write the files again; whether anything changed."""
        self._given |= choices
        self.choices = Choices(**self._given)
        writer = Writer(folder=self.folder, topics=self.topics, choices=self.choices, bridge=self.bridge, broker=self.owner)
        return writer.write()

    def own_folder(self, name: str) -> Path:
        """A folder that Mosquitto may write to, and keep secrets in."""
        path = self.folder / name
        path.mkdir(exist_ok=True)
        path.chmod(0o700)
        self.give(path)
        return path

    def give(self, path: Path) -> None:
        """It belongs to Mosquitto from now on."""
        if self.owner:
            os.chown(path, self.owner.uid, self.owner.gid)

    def address_of(self, login: str, *, lan: bool = False, password: str | None = None, tls_ca: Path | None = None) -> BrokerAddress:
        return BrokerAddress(
            host=HOST,
            port=self.choices.lan_port if lan else self.choices.loopback_port,
            username=login,
            password=password or credentials.passwords(self.folder)[Login(login)],
            tls_ca=tls_ca,
        )

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([str(MOSQUITTO), "-c", self.folder / render.MAIN_FILE], stdout=log, stderr=log)
        wait_for(lambda: listens(self.choices.loopback_port) or self._ended(), what="Mosquitto to listen")

    def _ended(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        return False

    def reload(self) -> None:
        """Logins and rights are read again."""
        os.kill(self.pid, signal.SIGHUP)

    def stop(self) -> None:
        self._end("terminate")

    def kill(self) -> None:
        self._end("kill")

    def _end(self, how: str) -> None:
        if self._process is not None and self._process.poll() is None:
            getattr(self._process, how)()
            self._process.wait(60)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)


def need_mosquitto() -> None:
    """Skips the test where the program is missing."""
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed (apt install mosquitto)")


def start_house_broker(kind: str, topics: Topics) -> HouseBroker:
    """``embedded``, or ``mosquitto`` as the project sets it up; skips the test where it is missing."""
    if kind == "embedded":
        return EmbeddedForAll()
    need_mosquitto()
    return Installed(topics)
