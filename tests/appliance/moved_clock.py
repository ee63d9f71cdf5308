"""The appliance with its wall clock moved by so many seconds: ``PYARCHIVE_TEST_CLOCK_OFFSET_S=… python -m tests.appliance.moved_clock``."""

from __future__ import annotations

import os
import sys
from datetime import timedelta

from appliance import clock
from appliance.__main__ import main

if __name__ == "__main__":
    offset, real_now = timedelta(seconds=float(os.environ["PYARCHIVE_TEST_CLOCK_OFFSET_S"])), clock.now
    clock.now = lambda: real_now() + offset
    sys.exit(main())
