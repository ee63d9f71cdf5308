"""What a process tells the service manager that started it: sd_notify(3), without a library.

https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Mapping

log = logging.getLogger("service")
_SEND_S = 2.0
_EXTEND_EVERY_S = 5.0


class ServiceManager:
    """Nothing happens where nobody listens (no NOTIFY_SOCKET), and a manager that does not take it ends nobody. Thread-safe.

    ``watchdog_s``: within which ``alive`` is to be said, again and again; None: nobody waits for it.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self.watchdog_s = _watchdog_s(environment) if self._address else None
        self._lock = threading.Lock()
        self._extended_s = 0.0

    def ready(self, status: str) -> None:
        """The start is over; from here on the watchdog counts. ``status`` is shown by ``systemctl status``."""
        self._tell("READY=1", f"STATUS={_line(status)}")

    def status(self, status: str) -> None:
        self._tell(f"STATUS={_line(status)}")

    def alive(self) -> None:
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def extend(self, more_s: float, status: str) -> None:
        """A start that comes forward needs so much more time, from now, and is alive. May be called as often as there is progress."""
        with self._lock:
            if self._extended_s and time.monotonic() - self._extended_s < _EXTEND_EVERY_S:
                return
            self._extended_s = time.monotonic()
        self._tell(f"EXTEND_TIMEOUT_USEC={int(more_s * 1e6)}", "WATCHDOG=1", f"STATUS={_line(status)}")

    def _tell(self, *words: str) -> None:
        if not self._address:
            return
        # A name that begins with @ stands for one that begins with a zero byte: a socket without a file.
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
                wire.settimeout(_SEND_S)
                wire.sendto("\n".join(words).encode(), address)
        except OSError as error:
            log.debug("the service manager at %s is not told: %s", self._address, error)


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """The variables reach children, too; the number says whom they are meant for."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    if not microseconds.isdecimal() or environment.get("WATCHDOG_PID", f"{os.getpid()}") != f"{os.getpid()}":
        return None
    return int(microseconds) / 1e6 or None


def _line(text: str) -> str:
    return " ".join(text.split())[:200]
