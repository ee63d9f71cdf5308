"""A cgroup (v2) for one root: its systemd has it for itself, and whatever is left in it can be ended."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from tests.waiting import wait_for


class Cgroup:
    """A folder in the hierarchy, made at once. Raises OSError: there is no such hierarchy, or it may not be written."""

    def __init__(self) -> None:
        self.path = hierarchy(Path("/proc/self/mounts").read_text()) / f"pyarchive-{secrets.token_hex(4)}"
        self.path.mkdir()

    def remove(self) -> None:
        """Ends what is left in it. Can be repeated."""
        if not self.path.exists():
            return
        with contextlib.suppress(OSError):
            (self.path / "cgroup.kill").write_text("1")
        wait_for(self._is_empty, 30, f"the processes of {self.path} to end")
        for folder, _, _ in os.walk(self.path, topdown=False):
            Path(folder).rmdir()

    def _is_empty(self) -> bool:
        return "populated 0" in (self.path / "cgroup.events").read_text()


def hierarchy(mounts: str) -> Path:
    """Where cgroup v2 is mounted, by the text of /proc/self/mounts. Raises OSError."""
    for line in mounts.splitlines():
        _, folder, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(folder)
    raise OSError("cgroup v2 is not mounted here: mount -t cgroup2 cgroup2 /sys/fs/cgroup")
