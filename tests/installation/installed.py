"""PyArchive as it is installed in a root, used as people use it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import threading
from functools import partial
from typing import Any

from tests.installation.root import CommandFailed, Root
from tests.waiting import wait_for

CLONE = "/root/pyarchive"
DATA = "/var/lib/pyarchive"
DISK = "/mnt/disk"
UNITS = ("mosquitto.service", "pyarchive-appliance.service", "pyarchive-panel.service", "pyarchive-scripts.service")
APPLIANCE, PANEL, RUNNER = UNITS[1:]
ANNA, BEN, CARL = "anna", "ben", "carl"
"""People with a shell: in the groups pyarchive and pyarchive-admin; in pyarchive alone; in neither."""
_INSTALL_S, _ONLINE_S = 600.0, 120.0


class Installed:
    """Everything by the commands and addresses that a person has."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.handed_in: dict[str, str] = {}
        """The SHA-256 of everything that was acknowledged, by archive id."""

    def install(self, *options: str, clone: str = CLONE) -> str:
        return self.root.run("./install.sh", *options, folder=clone, timeout_s=_INSTALL_S)

    def attempt_install(self, *options: str, clone: str = CLONE) -> tuple[int, str]:
        return self.root.attempt("./install.sh", *options, folder=clone, timeout_s=_INSTALL_S)

    def command(self, *words: str, user: str = ANNA, timeout_s: float = 120, given: str = "") -> str:
        """``pyarchive …``, as that person. Raises CommandFailed."""
        return self.root.run("pyarchive", *words, user=user, folder="/tmp", timeout_s=timeout_s, given=given, environment={"HOME": "/tmp"})

    def attempt_command(self, *words: str, user: str = ANNA) -> str:
        """What it printed, whether it could do it or not."""
        return self.root.attempt("pyarchive", *words, user=user, folder="/tmp", environment={"HOME": "/tmp"})[1]

    def ask(self, *words: str) -> Any:
        return json.loads(self.command(*words, "--json"))

    def is_online(self) -> bool:
        try:
            self.command("status", user="root")
        except CommandFailed:
            return False
        return True

    def wait_online(self, timeout_s: float = _ONLINE_S) -> None:
        wait_for(self.is_online, timeout_s, "the appliance to be online")

    def check_units(self) -> None:
        """All run, or do within a minute: who has just been started may be starting still. Raises AssertionError, with the journal."""
        for unit in UNITS:
            try:
                wait_for(partial(self.root.is_active, unit), 60, f"{unit} to run")
            except AssertionError as error:
                raise AssertionError(f"{error}:\n{self.shown(unit)}") from None

    def add_people(self) -> None:
        """And a folder that a disk could be mounted at."""
        for name, groups in ((ANNA, "pyarchive,pyarchive-admin"), (BEN, "pyarchive"), (CARL, "")):
            self.root.run("useradd", "--create-home", "--groups", groups, name)
        self.root.run("install", "-d", "-o", "pyarchive-appliance", "-g", "pyarchive", DISK)

    def connect(self) -> None:
        self.command("connection", "add", "folder", "--name", "disk", "--path", DISK)
        self.command("connection", "validate", "disk")
        self.command("connection", "activate", "disk")

    def file(self, name: str, size_bytes: int) -> tuple[str, str]:
        """A file of random bytes of anna's: its path and its SHA-256."""
        content = os.urandom(size_bytes)
        path = f"/home/{ANNA}/{name}"
        (self.root.path / path[1:]).write_bytes(content)
        self.root.run("chown", f"{ANNA}:{ANNA}", path)
        return path, hashlib.sha256(content).hexdigest()

    def put(self, name: str, size_bytes: int, *options: str) -> str:
        """The archive's id; it was acknowledged."""
        path, sha256 = self.file(name, size_bytes)
        archive_id = received_id(self.command("put", path, *options, timeout_s=300))
        self.handed_in[archive_id] = sha256
        return archive_id

    def show(self, archive_id: str) -> Any:
        return self.ask("show", archive_id)

    def check_archives(self) -> None:
        """All that was acknowledged is there, and its content is right. Raises AssertionError."""
        there = {archive["id"] for archive in self.ask("list")["archives"]}
        assert self.handed_in.keys() <= there, f"gone: {sorted(self.handed_in.keys() - there)}"
        self.root.run("rm", "-rf", "/tmp/got")
        self.root.run("install", "-d", "-o", ANNA, "/tmp/got")
        for archive_id, sha256 in self.handed_in.items():
            self.command("get", archive_id, f"/tmp/got/{archive_id}")
            said = self.root.run("sha256sum", f"/tmp/got/{archive_id}").split()[0]
            assert said == sha256, f"{archive_id} came back as something else"

    def shown(self, *patterns: str) -> str:
        """What the journal says of these units, for somebody who looks why something failed."""
        return self.root.journal(*(word for unit in patterns or UNITS for word in ("-u", unit)), "--lines", "60")


def received_id(said: str) -> str:
    """Of ``received film.mkv (1.30 GB) as 3d1981aa9d390184``. Raises AssertionError."""
    for line in said.splitlines():
        if line.startswith("received ") and " as " in line:
            return line.rsplit(" as ", 1)[1].split()[0]
    raise AssertionError(f"nothing was received: {said}")


class Reading:
    """What a process prints, line by line, while it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def end(self) -> list[str]:
        """All of them, once it has ended by itself or with its root."""
        self.process.wait(60)
        self._thread.join(60)
        return self.lines
