"""Messages between the appliance and the runner of scripts. Private: no topic that a house may read."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from mqtt.message import Message

MAX_SOURCE_BYTES = 180_000
"""What fits, in base64, into a payload of 256 KiB beside everything else."""


class ScriptLine(Message):
    """One line that a run has written."""

    sequence: int = Field(ge=0, description="Of the run: 0, 1, 2, …; a gap means that lines are missing")
    at: datetime = Field(description="When it was read")
    stream: Literal["stdout", "stderr"]
    text: str = Field(description="Without its end of line; bytes that are not UTF-8 are replaced by U+FFFD")


class ScriptOutput(Message, topic="script/{run_id}/output"):
    """What a run has written, in the order in which it was read; several lines that come together are one message."""

    run_id: str
    lines: list[ScriptLine]


class ScriptState(Message, topic="script/{run_id}/state", retain=True):
    """One execution of a script. Stays until it is dismissed."""

    run_id: str
    script_id: str
    name: str = Field(description="The script's")
    state: Literal["waiting", "running", "ended", "killed", "lost"] = Field(
        description="`killed`: somebody ended it; `lost`: the runner went away meanwhile"
    )
    exit_status: int | None = Field(default=None, description="As Unix has it; below 0: ended by that signal; none until it ended")
    asked_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    lines: int = Field(default=0, description="Written so far: the next one has this sequence number")
    error: str | None = Field(default=None, description="Why it could not run, in words")


class RunOrder(Message, topic="runner/run"):
    """The order to run a script. The source is base64 (RFC 4648, section 4), so that every byte arrives as it was saved."""

    run_id: str
    script_id: str
    name: str = Field(description="The script's")
    source_base64: str = Field(max_length=4 * ((MAX_SOURCE_BYTES + 2) // 3), description="Its bytes, exactly")
    source_sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Of its bytes; the runner refuses what differs")
    arguments: list[str] = Field(default=[], max_length=64)
    asked_at: datetime

    @classmethod
    def of(cls, source: bytes, **facts: object) -> Self:
        """The order for these bytes. Raises ValidationError where they are too many."""
        return cls.model_validate({**facts, "source_base64": base64.b64encode(source).decode()})

    @property
    def source(self) -> bytes:
        """Raises ValueError for what is no base64."""
        return base64.b64decode(self.source_base64, validate=True)


class KillOrder(Message, topic="runner/kill"):
    """The order to end a run: SIGTERM to its process group, and SIGKILL when the grace time is over."""

    run_id: str
    grace_s: float = Field(default=5.0, ge=0, le=60)
