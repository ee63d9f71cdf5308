"""What the verbs of scripts, runs and deployments answer."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from mqtt.message import Message
from mqtt.script_messages import Limits, Permission, RunState, ScriptLine

Overlap = Literal["skip", "queue", "end_the_old_one"]
CatchUp = Literal["no", "once"]
_TITLE = "The script's title"
_PERMISSION = (
    "`read`: it may only look; `change`: it may ask for what an admin may, but for accounts, scripts, notifications and what holds secrets"
)
_SAVED_BY = "A user's name, or the login `cli`"


class RunFacts(Message):
    """One execution, without its output."""

    run_id: str
    script_id: str | None = Field(description="None: it was never saved")
    title: str = Field(description=_TITLE)
    version: int | None = Field(description="Of the script; none: it was never saved")
    deployment_id: str | None = Field(description="Whose turn it was; none: somebody asked for it")
    asked_by: str = Field(description="A user's name, `cli`, or `deployment`")
    permission: Permission = Field(description=_PERMISSION)
    state: RunState = Field(description="`lost`: the runner went away meanwhile; `refused`: it could not begin")
    exit_status: int | None = Field(description="As Unix has it; below 0: ended by that signal; none until it ended")
    reason: str | None = Field(description="Why it ended so, in words; none for an exit status of 0")
    asked_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    lines: int = Field(description="Written so far")
    dropped_lines: int = Field(description="Beyond the limit of output, and not told")


class ScriptFacts(Message):
    """A saved script, without its source."""

    id: str
    title: str = Field(description=_TITLE)
    description: str = Field(description="What it does, for people")
    permission: Permission = Field(description=_PERMISSION)
    limits: Limits = Field(description="What a run of it may use")
    shipped: bool = Field(
        description="It came with the appliance: it can be run, deployed, and saved under another id, and not changed or deleted"
    )
    version: int = Field(description="The newest, from 1")
    saved_at: datetime | None = Field(description="None: it came with the appliance")
    saved_by: str = Field(description=f"{_SAVED_BY}; `appliance`: it came with it")
    size_bytes: int
    sha256: str
    last_run: RunFacts | None = Field(description="The newest run that is remembered")
    next_run_at: datetime | None = Field(description="The next by any deployment; none: there is none, or the clock is not right yet")
    deployments: int = Field(description="How many it has")


class Script(ScriptFacts):
    """A script with the source of one version."""

    shown_version: int = Field(description="Whose source it is")
    source_base64: str = Field(description="Its bytes, exactly")


class ScriptList(Message):
    scripts: list[ScriptFacts] = Field(description="By title")
    total: int
    runner: Literal["online", "offline"] = Field(description="Whether runs can begin now")


class Version(Message):
    version: int = Field(description="From 1")
    saved_at: datetime | None = Field(description="None: it came with the appliance")
    saved_by: str = Field(description=_SAVED_BY)
    title: str = Field(description=_TITLE)
    permission: Permission = Field(description=_PERMISSION)
    size_bytes: int
    sha256: str


class VersionList(Message):
    versions: list[Version] = Field(description="The newest first; the last 50 are kept")


class RunStarted(Message):
    run_id: str


class RunPage(Message):
    runs: list[RunFacts] = Field(description="The newest first")
    total: int


class OutputPage(Message):
    run: RunFacts = Field(description="How it is by now")
    lines: list[ScriptLine] = Field(description="In their order")
    first_kept: int = Field(description="Sequence number of the oldest line that is still kept; as many as were written: none is")
    more: bool = Field(description="There are later ones already")


class Deployment(Message):
    """A recurring schedule."""

    id: str
    script_id: str
    title: str = Field(description=_TITLE)
    every_s: float | None = Field(description="Seconds between two beginnings; none where there is a cron expression")
    cron: str | None = Field(description="Five fields: minute, hour, day of month, month, day of week")
    time_zone: str | None = Field(description="Of the cron expression; none: the computer's")
    overlap: Overlap = Field(
        description="What is done when its turn comes while it still runs: `skip` the turn, `queue` one, or `end_the_old_one`"
    )
    catch_up: CatchUp = Field(description="Whether turns that were missed while nothing could run are made up for, `once` for all of them")
    arguments: list[str]
    enabled: bool = Field(description="It has turns")
    next_at: list[datetime] = Field(description="The next three; empty while it is disabled, all are paused or the clock is not right")
    last_run: RunFacts | None = Field(description="Its newest run that is remembered")


class DeploymentList(Message):
    deployments: list[Deployment] = Field(description="By the script's title")
    paused: bool = Field(description="All of them")
