"""A household's life with Drive, at full size: put, read by rclone as anybody could, lost, recovered, restored.

The appliance is the one of `pyarchive demo`, asked by the command line. It and an unmodified rclone believe that they speak to
Google: both go through a proxy, over TLS, to the fake Drive.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.content import fill
from tests.fakes.drive import DriveProcess
from tests.fakes.rclone import Rclone
from tests.waiting import wait_for

_BIN = Path(sys.executable).parent
_WORK_S = 1800


class Life:
    """``run()`` does it all in ``folder``; what is not as promised is an AssertionError."""

    def __init__(self, folder: Path, size_bytes: int, say: Callable[[str], None]) -> None:
        self.folder, self.size_bytes, self.say = folder, size_bytes, say
        self.data = folder / "data"
        self.source = folder / "holiday.mkv"
        self.environment: dict[str, str] = {}

    def run(self) -> None:
        fill(self.source, self.size_bytes)
        expected = _sha256(self.source)
        (self.folder / "drive").mkdir()
        with DriveProcess(self.folder / "drive", tls=True) as drive:
            account = drive.account(client_id="household.apps.googleusercontent.com")
            credentials = self.folder / "credentials.json"
            credentials.write_text(json.dumps(account))
            self.environment = _without_settings() | drive.environment
            with self.demo():
                self.connect(credentials)
                archive_id = self.hand_in()
            self.read_with_rclone(Rclone(drive, self.folder, account), archive_id, expected)
            received = drive.received_bytes
            self.lose()
            with self.demo():
                self.recover(credentials, archive_id)
                self.check_restored(archive_id, expected)
            assert drive.received_bytes - received < self.size_bytes // 100, "what was on Drive was sent again"
            assert not drive.violations, drive.violations
        self.say("what was on Drive was not sent again, and nothing there was trashed")

    @contextmanager
    def demo(self) -> Iterator[None]:
        log = (self.folder / "demo.log").open("ab")
        process = subprocess.Popen(
            [_BIN / "pyarchive", "demo", "--data", self.data], env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        try:
            wait_for(lambda: self.tried("status", "--json"), 60, "the demo to be online")
            yield
        finally:
            process.terminate()
            process.wait(30)
            log.close()

    def pyarchive(self, *arguments: str | Path) -> Any:
        """The answer of a command that succeeds."""
        done = subprocess.run([_BIN / "pyarchive", "--data", self.data, *arguments], env=self.environment, capture_output=True, check=False)
        assert done.returncode == 0, f"pyarchive {arguments[0]}: {done.stderr.decode()}"
        return json.loads(done.stdout) if "--json" in arguments else done.stdout.decode()

    def tried(self, *arguments: str) -> bool:
        command = [str(_BIN / "pyarchive"), "--data", str(self.data), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, check=False).returncode == 0

    def connect(self, credentials: Path) -> None:
        connection_id = self.pyarchive("connection", "add", "drive", "--name", "Drive", "--credentials", credentials, "--json")["id"]
        self.pyarchive("connection", "validate", connection_id)
        self.pyarchive("connection", "activate", connection_id)
        found = self.pyarchive("connection", "show", connection_id, "--json")
        self.say(f"connected: folder {found['folder_id']} of {found['account']}")

    def hand_in(self) -> str:
        self.pyarchive("put", self.source, "--wait", "--timeout", str(_WORK_S))
        (archive,) = self.pyarchive("list", "--json")["archives"]
        self.say(f"{self.size_bytes >> 20} MiB handed in, and on Drive: {archive['rung']}")
        return str(archive["id"])

    def read_with_rclone(self, rclone: Rclone, archive_id: str, expected: str) -> None:
        appliance_id = (self.data / "appliance_id").read_text().strip()
        place = f"drive:PyArchive/{appliance_id}/{archive_id}"
        batches = sorted(name for name in rclone("lsf", place).decode().split() if name.isdigit())
        assert len(batches) == -(-self.size_bytes // (16 << 20)), batches
        digest = hashlib.sha256()
        for name in batches:
            digest.update(rclone("cat", f"{place}/{name}"))
        assert digest.hexdigest() == expected, "rclone cat of the batches is not the file"
        self.say(f"rclone lists {len(batches)} batches and manifest.json; `rclone cat` of them in order is the file")

    def lose(self) -> None:
        """All that the appliance knew, and its copies, and the id that it had."""
        shutil.rmtree(self.data)
        self.say("the appliance's data folder is gone: catalog, ledgers, store, secrets, id")

    def recover(self, credentials: Path, archive_id: str) -> None:
        connection_id = self.pyarchive("connection", "add", "drive", "--name", "Drive", "--credentials", credentials, "--json")["id"]
        self.pyarchive("connection", "validate", connection_id)
        for line in self.pyarchive("recover", connection_id).splitlines():
            self.say(f"    {line}")
        (archive,) = self.pyarchive("list", "--json")["archives"]
        assert (archive["id"], archive["rung"], archive["local"]) == (archive_id, "remote", False), archive

    def check_restored(self, archive_id: str, expected: str) -> None:
        self.pyarchive("restore", archive_id, "--wait", "--timeout", str(_WORK_S))
        back = self.folder / "back.mkv"
        self.pyarchive("get", archive_id, back)
        assert _sha256(back) == expected
        self.say("recovered, restored, and the same SHA-256")


def _without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYARCHIVE_")}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
