"""How often the appliance ended without a word lately. Many such ends in a row, and it starts in safe mode.

Counted only where a service manager starts it again and again, in the folder that it gives us for that: memory, which outlives a start by
the manager, and neither a stop by a person nor the computer's end. So a power cut is no crash, and nothing needs the date: the monotonic
clock counts.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from appliance import clock, durable

log = logging.getLogger("appliance")
_FILE = "starts.json"
WITHIN_S = 1200.0
MOST, MOST_IN_SAFE_MODE = 5, 3


class Mode(StrEnum):
    """What is started: everything; all but what moves, takes in and keeps house; or what can tell why, and nothing else."""

    FULL = "full"
    SAFE = "safe"
    MINIMAL = "minimal"


class Starts:
    """``folder``: where they are counted; None: nowhere, and then every start is a full one. ``version``: another one begins anew."""

    def __init__(self, environment: Mapping[str, str], version: str) -> None:
        named = environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]
        self._file = Path(named, _FILE) if named else None
        self._version = version
        self._starts: list[float] = []
        self.mode = Mode.FULL

    def begin(self) -> Mode:
        """Count one more, until ``in_order`` or ``no_crash`` says that it ended as it should."""
        known = self._known()
        now_s = clock.monotonic_s()
        crashes = [at_s for at_s in known["starts"] if 0 <= now_s - at_s < WITHIN_S]
        self.mode = Mode(known["mode"])
        if len(crashes) >= (MOST if self.mode is Mode.FULL else MOST_IN_SAFE_MODE):
            self.mode, crashes = Mode.SAFE if self.mode is Mode.FULL else Mode.MINIMAL, []
            log.critical("%s", self.reason)
        self._starts = [*crashes, now_s]
        self._keep()
        return self.mode

    @property
    def reason(self) -> str:
        often = MOST if self.mode is Mode.SAFE else MOST + MOST_IN_SAFE_MODE
        return f"the appliance ended {often} times without a word, each time soon after its start"

    def worse(self) -> None:
        """Not even safe mode could be started."""
        self.mode = Mode.MINIMAL
        self._keep()

    def in_order(self) -> None:
        """A clean stop: all is forgiven."""
        if self._file:
            durable.unlink(self._file, missing_ok=True)

    def no_crash(self) -> None:
        """It came to nothing for a reason that was said."""
        del self._starts[-1:]
        self._keep()

    def forgive(self) -> None:
        """A person ends safe mode: the next start is a full one. Raises OSError."""
        self.mode, self._starts = Mode.FULL, self._starts[-1:]
        self._write()

    def _known(self) -> dict[str, Any]:
        try:
            known = json.loads(self._file.read_bytes()) if self._file else {}
            if known["version"] == self._version and all(isinstance(at_s, float) for at_s in known["starts"]) and Mode(known["mode"]):
                return dict(known)
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return {"starts": [], "mode": Mode.FULL}

    def _keep(self) -> None:
        try:
            self._write()
        except OSError as error:  # a start must not fail for it
            log.warning("starts cannot be counted in %s: %s", self._file, error)

    def _write(self) -> None:
        if self._file:
            document = {"version": self._version, "starts": self._starts, "mode": self.mode}
            durable.replace(self._file, json.dumps(document).encode())
