"""Messages between the appliance and the runner of scripts. Private: no topic that a house may read."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field

from mqtt.message import Message

MAX_SOURCE_BYTES = 180_000
"""What fits, in base64, into a payload of 256 KiB beside everything else."""
MAX_SOURCE_BASE64 = 4 * ((MAX_SOURCE_BYTES + 2) // 3)

Permission = Literal["read", "change"]
RunState = Literal["waiting", "running", "ended", "killed", "timed_out", "over_limit", "lost", "refused"]
UNFINISHED: tuple[RunState, ...] = ("waiting", "running")
Isolation = Literal["own_user", "cgroup"]
Argument = Annotated[str, Field(max_length=200)]
Arguments = Annotated[list[Argument], Field(max_length=16, description="Words for the script, as `sys.argv[1:]`")]


class Limits(Message):
    """What a run may use. What is reached ends the run, and is said; only output is dropped instead."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wall_s: float = Field(default=3600, ge=1, le=604_800, description="Time by the clock on the wall")
    cpu_s: int = Field(default=600, ge=1, le=86_400, description="Time of a processor, of each process")
    memory_mib: int = Field(default=256, ge=32, le=4096, description="Memory of each process; where there is a cgroup, of the whole run")
    output_bytes: int = Field(default=4_000_000, ge=1000, le=64_000_000, description="Of both streams; more is read and dropped")
    processes: int = Field(default=32, ge=1, le=256, description="Processes and threads at a time")
    files_mib: int = Field(default=256, ge=1, le=4096, description="Largest file that it may write")


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
    script_id: str | None = Field(default=None, description="The script's id; none: it was never saved")
    name: str = Field(description="The script's title")
    state: RunState = Field(
        description="`killed`: somebody ended it; `timed_out`: its time was up; `over_limit`: it reached another limit; `lost`: the runner "
        "went away meanwhile; `refused`: it could not begin"
    )
    exit_status: int | None = Field(default=None, description="As Unix has it; below 0: ended by that signal; none until it ended")
    reason: str | None = Field(default=None, description="Why it ended so, in words; none for an exit status of 0")
    asked_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    lines: int = Field(default=0, description="Written so far: the next one has this sequence number")
    dropped_lines: int = Field(default=0, description="Beyond the limit of output, and not told")


class RunOrder(Message, topic="runner/run"):
    """The order to run a script. The source is base64 (RFC 4648, section 4), so that every byte arrives as it was saved."""

    run_id: str
    script_id: str | None = Field(default=None, description="The script's id; none: it was never saved")
    name: str = Field(description="The script's title")
    source_base64: str = Field(max_length=MAX_SOURCE_BASE64, description="Its bytes, exactly")
    source_sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Of its bytes; the runner refuses what differs")
    arguments: Arguments = Field(default=[])
    limits: Limits = Field(default=Limits(), description="What it may use")
    permission: Permission = Field(default="read", description="What it may ask for; the appliance decides by its own record of the run")
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


class Value(Message):
    """One value that a script has published."""

    value: float | int | str | bool | None = Field(description="None: it is unknown")
    unit: str | None = Field(description="As Home Assistant shows it; one with a unit is a number")
    title: str | None = Field(description="For people; none: its name")
    at: datetime


class ScriptValues(Message, topic="script/{script_id}/values", retain=True):
    """What a script has published for Home Assistant to show, by name."""

    script_id: str
    title: str = Field(description="The script's title")
    values: dict[str, Value] = Field(description="By name")


class RunnerState(Message, topic="runner/state", retain=True):
    """The runner of scripts: published when it starts, after each reconnect and whenever its runs change; offline by its last will.

    What the appliance believes to run and an online runner does not name is lost.
    """

    online: bool = Field(description="Runs can begin now")
    version: str
    instance: str = Field(default="", description="Another one at each start of the runner")
    runs: list[str] = Field(default=[], description="Ids of the runs that it has taken and that have not ended")
    can: list[Isolation] = Field(
        default=[], description="What holds a script here beside its limits: `own_user`: another Unix user; `cgroup`: a cgroup of its own"
    )
