"""A service manager's end of sd_notify(3), in a test: what a process told it."""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self


class Manager:
    """``with Manager(folder) as manager``. ``environment``: what a process under its care gets."""

    def __init__(self, folder: Path, watchdog_s: float = 0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self.environment = {"NOTIFY_SOCKET": str(folder / "notify")}
        if watchdog_s:
            self.environment["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))
        self.told: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    def hears(self, word: str, timeout_s: float = 30.0) -> bool:
        """Whether it is told so within that time, from now on."""
        until_s = time.monotonic() + timeout_s
        while (left_s := until_s - time.monotonic()) > 0:
            self._socket.settimeout(left_s)
            with contextlib.suppress(TimeoutError):
                words = self._socket.recv(4096).decode().splitlines()
                self.told += words
                if word in words:
                    return True
        return False
