"""The appliance, whose engine hangs in a lock once a file is there: ``python -m tests.appliance.frozen_appliance FILE``.

Its patience with its own loops is short, so that a test need not wait for minutes.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from appliance import housekeeping
from appliance.__main__ import main
from appliance.transfer import engine
from appliance.transfer.engine import Engine

_PATIENCE_S, _ROUND_S = 2.0, 0.5


def freeze_once(there: Path) -> None:
    start = Engine.start

    def start_and_watch(self: Engine, *, paused: bool) -> None:
        start(self, paused=paused)
        threading.Thread(target=hang, args=(self,), daemon=True).start()

    def hang(frozen: Engine) -> None:
        while not there.exists():
            time.sleep(0.02)
        with frozen._wake:
            threading.Event().wait()

    Engine.start = start_and_watch  # type: ignore[method-assign]  # the seam of this test


if __name__ == "__main__":
    engine._WITHIN_S = housekeeping._DISKS_WITHIN_S = _PATIENCE_S
    engine._IDLE_S = housekeeping._LOOK_EVERY_S = _ROUND_S
    freeze_once(Path(sys.argv.pop(1)))
    sys.exit(main())
