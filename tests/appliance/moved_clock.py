"""The appliance with its wall clock moved by so many seconds: ``PYARCHIVE_TEST_CLOCK_OFFSET_S=… python -m tests.appliance.moved_clock``.

``PYARCHIVE_TEST_COMPUTER``: the root of the computer that it runs on, for what the system tells there. It is set to the right time when
``set_time(root)`` is called, as systemd-timesyncd does it.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

from appliance import clock, time_source
from appliance.__main__ import main

_SYNCHRONIZED = Path("run/systemd/timesync/synchronized")


def a_pi(root: Path) -> Path:
    """The root of a Raspberry Pi that nobody has told the time."""
    model = root / "proc/device-tree/model"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"Raspberry Pi 4 Model B Rev 1.5\0")
    (root / _SYNCHRONIZED).parent.mkdir(parents=True)
    return root


def set_time(root: Path) -> None:
    (root / _SYNCHRONIZED).touch()


if __name__ == "__main__":
    offset, real_now = timedelta(seconds=float(os.environ["PYARCHIVE_TEST_CLOCK_OFFSET_S"])), clock.now
    computer = Path(os.environ.get("PYARCHIVE_TEST_COMPUTER", "/no such folder"))

    def now() -> datetime:
        return real_now() + (timedelta() if (computer / _SYNCHRONIZED).exists() else offset)

    clock.now = now
    time_source.kernel_is_synced = lambda: False
    time_source.told = time_source.TimeSource(computer)
    sys.exit(main())
