"""What a house may tell the appliance: plain payloads on ``command/<name>``. Nothing destructive exists here.

A command is no request: it has no answer. What it did shows in the state; what is not allowed is logged, and changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class CommandName(StrEnum):
    SYNC = "sync"
    VERIFY = "verify"
    PAUSE = "pause"
    METERED = "metered"
    UPLOAD_LIMIT = "upload_limit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """``pattern``: the payloads that are allowed, whole, as a regular expression."""

    name: CommandName
    pattern: str
    allowed: str
    does: str
    example: str

    @property
    def topic(self) -> str:
        return f"command/{self.name}"

    def allows(self, payload: bytes) -> bool:
        return re.fullmatch(self.pattern.encode(), payload) is not None


_PRESS = {"pattern": "PRESS", "allowed": "`PRESS`", "example": "PRESS"}
_SWITCH = {"pattern": "ON|OFF", "allowed": "`ON`, `OFF`", "example": "ON"}

COMMANDS = {
    command.name: command
    for command in (
        Command(name=CommandName.SYNC, does="Try everything that waits for a back-off now", **_PRESS),
        Command(name=CommandName.VERIFY, does="Check all local copies and all remotes, by listing", **_PRESS),
        Command(name=CommandName.PAUSE, does="Move nothing (`ON`), over restarts, or go on (`OFF`)", **_SWITCH),
        Command(name=CommandName.METERED, does="The line costs money (`ON`), or it does not (`OFF`)", **_SWITCH),
        Command(
            name=CommandName.UPLOAD_LIMIT, pattern="0|[1-9][0-9]{0,8}", allowed="a whole number of kB/s; `0` for none",
            does="Set the upload limit", example="500",
        ),
    )
}  # fmt: skip
"""By name; no others exist."""
