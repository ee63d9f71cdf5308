"""Who says that the date of this computer is right. A Pi has no clock that survives a power cut: until somebody says so, it is not.

Three may say so: the kernel (whoever keeps its clock tells it: systemd-timesyncd, chrony, ntpd), the file that systemd-timesyncd
leaves, and the date in a remote's answer that came over TLS. Once said it holds until somebody sets the clock to another time.
"""

from __future__ import annotations

import ctypes
import threading
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from appliance import clock

_DEVICE_TREE = Path("proc/device-tree/model")
_TIMESYNCD = Path("run/systemd/timesync/synchronized")
_APART_S = 300.0
_STA_UNSYNC = 0x40


class _Timex(ctypes.Structure):
    """The beginning of struct timex of adjtimex(2); the rest is room for what the kernel writes there."""

    _fields_ = (
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long), ("status", ctypes.c_int), ("rest", ctypes.c_char * 512),
    )  # fmt: skip


def kernel_is_synced() -> bool:
    """adjtimex(2), which only reads here and takes no right. False also where a unit's hardening (ProtectClock) forbids the call."""
    timex = _Timex()
    try:
        return bool(ctypes.CDLL(None).adjtimex(ctypes.byref(timex)) >= 0 and not timex.status & _STA_UNSYNC)
    except (OSError, AttributeError):  # no such call
        return False


class TimeSource:
    """Thread-safe. ``trusts_own_clock``: an admin says that this computer keeps the time by itself."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._right_s: float | None = None  # what the date was ahead of the clock since boot when somebody said that it is right
        self._heard_s: float | None = None  # the same by the date that a remote told last
        self.trusts_own_clock = False

    def heard(self, date: str | None) -> None:
        """The Date of an answer that came over TLS. What is no date says nothing."""
        try:
            at = parsedate_to_datetime(date or "")
        except (TypeError, ValueError):
            return
        if at.tzinfo is not None:
            with self._lock:
                self._heard_s = at.timestamp() - clock.boot_s()

    def is_right(self) -> bool | None:
        """None: nobody has said anything."""
        ahead_s = clock.now().timestamp() - clock.boot_s()
        is_synced = self._is_synced()
        with self._lock:
            if self._heard_s is not None and abs(ahead_s - self._heard_s) > _APART_S:
                return False
            if self._heard_s is not None or is_synced:
                self._right_s = ahead_s
            if self._right_s is None:
                return None
            return abs(ahead_s - self._right_s) <= _APART_S or None

    def _is_synced(self) -> bool:
        return kernel_is_synced() or (self._right_s is None and (self._root / _TIMESYNCD).exists())

    def remote_date(self) -> datetime | None:
        """The date of now, as a remote told it."""
        with self._lock:
            heard_s = self._heard_s
        return None if heard_s is None else datetime.fromtimestamp(heard_s + clock.boot_s(), UTC).replace(microsecond=0)

    def has_own_clock(self) -> bool:
        """Every computer but those that boot by a device tree, as all Pis do; a Pi 5 has a clock, but hardly ever its battery."""
        return self.trusts_own_clock or not (self._root / _DEVICE_TREE).exists()


told = TimeSource()
"""Of this process, as the logging of Python is: it is the same computer for all of its parts."""
