"""The brokers that the same tests run on: the embedded one, and Mosquitto as a Pi has it."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Protocol

import pytest

from mqtt.client import BrokerAddress
from mqtt.embedded import HOST as HOST  # noqa: PLC0414 - tests take it from here
from mqtt.embedded import EmbeddedBroker
from tests.waiting import wait_for

KINDS = ["embedded", "mosquitto"]
MOSQUITTO = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
MOSQUITTO_PASSWD = shutil.which("mosquitto_passwd")

_CONFIGURATION = """\
listener {port} 127.0.0.1
password_file {folder}/passwords
persistence false
set_tcp_nodelay true
max_queued_messages 0
"""


class BrokerProcess(Protocol):
    """A broker on a port and with a login of its own; ``stop`` and ``start`` keep both, and forget what was retained."""

    address: BrokerAddress

    @property
    def pid(self) -> int: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Embedded:
    def __init__(self) -> None:
        self._broker = EmbeddedBroker.start()
        self.address = _address(self._broker.port, self._broker.username, self._broker.password)

    @property
    def pid(self) -> int:
        return self._broker.pid

    def start(self) -> None:
        self._broker = EmbeddedBroker.start(self._broker.port, self._broker.username, self._broker.password)

    def stop(self) -> None:
        self._broker.stop()


class Mosquitto:
    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="mosquitto-"))
        self.address = _address(free_port(), "pyarchive", secrets.token_hex(12))
        self._configure()
        self.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _configure(self) -> None:
        self._folder.chmod(0o755)  # started by root, Mosquitto reads as its own user
        text = _CONFIGURATION.format(port=self.address.port, folder=self._folder)
        (self._folder / "mosquitto.conf").write_text(text)
        passwords = self._folder / "passwords"
        subprocess.run(
            [str(MOSQUITTO_PASSWD), "-b", "-c", passwords, str(self.address.username), str(self.address.password)],
            check=True,
            capture_output=True,
        )
        passwords.chmod(0o644)

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([str(MOSQUITTO), "-c", self._folder / "mosquitto.conf"], stdout=log, stderr=log)
        wait_for(lambda: listens(self.address.port), what="Mosquitto to listen")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(60)

    def remove(self) -> None:
        shutil.rmtree(self._folder)


def start_broker(kind: str) -> BrokerProcess:
    """Skips the test where the program is missing."""
    if kind == "embedded":
        return Embedded()
    if MOSQUITTO is None or MOSQUITTO_PASSWD is None:
        pytest.skip("mosquitto is not installed (apt install mosquitto)")
    return Mosquitto()


def end_broker(broker: BrokerProcess) -> None:
    broker.stop()
    if isinstance(broker, Mosquitto):
        broker.remove()


def _address(port: int, username: str, password: str) -> BrokerAddress:
    return BrokerAddress(host=HOST, port=port, username=username, password=password)


def free_port() -> int:
    """Nobody listens there now; below the ports that clients are given, so that none of those is in the way later."""
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
