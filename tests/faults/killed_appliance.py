"""The appliance, which kills itself after N durable operations of a recovery: ``python -m tests.faults.killed_appliance N``.

They are counted from the moment at which the recovery is first written down, or, where it was before, from the start.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from pathlib import Path

from appliance import durable
from appliance.__main__ import main
from appliance.recovery.intent import FILE_NAME


def kill_after(operations: int) -> None:
    counted = itertools.count(1)
    began = (Path(os.environ["PYARCHIVE_DATA"]) / FILE_NAME).exists()

    def count(operation: durable.Operation) -> None:
        nonlocal began
        began = began or FILE_NAME in operation.path.name
        if began and next(counted) >= operations:
            os.kill(os.getpid(), signal.SIGKILL)

    durable.observer = count


if __name__ == "__main__":
    kill_after(int(sys.argv.pop(1)))
    sys.exit(main())
