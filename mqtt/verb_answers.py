"""What the request verbs answer, beside the states in ``mqtt/messages.py``."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from mqtt.messages import ArchiveState, ButtonStep, ConnectionState, Direction, Error, Lamp, LogLine, Message, TransferState


class Nothing(Message):
    """It is done; there is nothing to tell."""


class Begun(Message):
    archive_id: str
    path: str = Field(description="The empty file to fill, on the appliance's disk")


class DemoHandedIn(Message):
    archive_id: str = Field(description="For archive/upload, which tells when it is an archive")


class UploadProgress(Message):
    state: Literal["filling", "hashing", "received", "failed"]
    done_bytes: int = Field(description="Hashed so far")
    size_bytes: int
    error: Error | None = None
    expires_at: datetime | None = Field(default=None, description="When it goes if nobody goes on with it; null where it does not expire")


class OnItsWay(UploadProgress):
    """A file that was announced and is not an archive yet."""

    archive_id: str
    title: str
    file_name: str
    owner: str
    announced_at: datetime = Field(description="When its size was announced")
    filled_bytes: int = Field(description="Written by the client so far")


class UploadPage(Message):
    uploads: list[OnItsWay] = Field(description="The last that was announced first")
    total: int = Field(description="How many there are in all")


class ArchivePage(Message):
    archives: list[ArchiveState]
    total: int = Field(description="How many match in all")


class Batch(Message):
    index: int
    offset_bytes: int = Field(description="Where it begins in the file")
    size_bytes: int
    sha256: str
    cached: bool = Field(description="It lies in the store")
    stored: list[str] = Field(description="Ids of the connections that have it")
    stored_at: datetime | None = Field(default=None, description="When it was last stored, where the ledger still knows")
    failure: str | None = Field(default=None, description="Why it failed last, in words; none once it was moved after that")
    failed_at: datetime | None = Field(default=None, description="When that was")
    next_try_at: datetime | None = None


class BatchPage(Message):
    batches: list[Batch]
    total: int


class Located(Message):
    archive_id: str
    path: str = Field(description="The local copy, on the appliance's disk")
    file_name: str
    size_bytes: int
    sha256: str


class Removed(Message):
    archive_id: str
    undo_until_at: datetime


class JobStarted(Message):
    job_id: str = Field(description="For integrity/job")


class WaitingTransfer(Message):
    archive_id: str
    owner: str
    title: str
    direction: Direction
    batches: int
    bytes: int
    reason: str | None = Field(description="Why it does not move, in words")
    attempts: int = Field(description="That failed since the last success")
    next_try_at: datetime | None
    moving: bool = Field(description="Something of it moves that way at the moment")
    position: int | None = Field(default=None, description="Its place in the order made by hand, 0 for the first; none: it has none")


class TransferPage(Message):
    moving: list[TransferState]
    waiting: list[WaitingTransfer] = Field(description="The queue; what moves has its place there until it is through")
    waiting_total: int = Field(description="Length of the queue")
    up_total: int = Field(description="Of these, how many go up")
    down_total: int = Field(description="Of these, how many come down")


class ConnectionAdded(Message):
    id: str


class SignInCode(Message):
    user_code: str = Field(description="To be typed on the page of verification_url")
    verification_url: str
    expires_at: datetime
    interval_s: float = Field(description="How often the appliance asks whether it is done")


class ConnectionPage(Message):
    connections: list[ConnectionState]


class RecoveryStarted(Message):
    appliance_id: str = Field(description="Which the appliance has from then on")


class Skipped(Message):
    archive_id: str
    why: str


class ConnectionToAdd(Message):
    """A connection of the catalog's copy, without its secrets."""

    kind: str
    name: str
    path: str | None
    folder_id: str | None
    client_id: str | None
    active: bool


class RecoveryProgress(Message):
    state: Literal["none", "running", "done", "failed"]
    connection_id: str | None
    appliance_id: str | None
    archives_done: int
    archives_total: int
    adopted: int = Field(description="Archives that came back")
    already_here: int
    skipped: list[Skipped] = Field(description="What did not come back, or not whole: the first 500")
    skipped_total: int
    removed: int
    users: int
    scripts: int
    deployments: int
    settings: int
    connections: list[ConnectionToAdd] = Field(description="Those that have to be added again")
    error: str | None = Field(description="Why it failed; while it runs, what it waits for")


class BuriedObject(Message):
    """An object on a remote with a tombstone."""

    connection_id: str
    remote_id: str
    archive_id: str
    name: str
    reason: str
    at: datetime | None
    due_at: datetime | None = Field(description="When its grace time is over")


class TombstonePage(Message):
    due: int
    waiting: int
    bytes: int = Field(description="Of those that are due")
    objects: list[BuriedObject]
    held_back: list[str] = Field(description="What keeps them, a sentence each")
    to_confirm: dict[str, int] = Field(description="By connection id: how many wait for integrity/bury")


class Buried(Message):
    objects: int


class Finding(Message):
    """One thing that was wrong."""

    archive_id: str
    title: str
    batch_index: int | None = Field(description="None: the manifest, or the archive as a whole")
    where: str = Field(description="`local`, or a connection id")
    what: str
    repaired: bool


class CheckResult(Message):
    archives: int
    batches_checked: int
    batches_damaged: int = Field(description="As found")
    batches_repaired: int
    damage_left: int
    unknown: list[str] = Field(description="What could not be asked, a sentence each")
    findings: list[Finding] = Field(description="The first 1,000")


class ReleaseResult(Message):
    archive_id: str
    connection_id: str = Field(description="Which has all of it, as just listed")


class Orphan(Message):
    where: str = Field(description="A connection id, or the folder below DATA")
    archive_id: str
    name: str = Field(description="Empty for a whole archive")
    size_bytes: int
    remote_id: str | None
    adopted: bool
    why_not: str | None


class OrphansResult(Message):
    orphans: list[Orphan]
    unknown: list[str]
    tombstones: int


class EmptyingResult(Message):
    objects: int
    bytes: int
    archives: int
    dry_run: bool


class TrashResult(Message):
    objects: int
    bytes: int
    kept: int = Field(description="Trashed, and still part of an archive: that is damage")
    purged: int


class RecoverableAppliance(Message):
    appliance_id: str
    archives: int
    bytes: int
    unknown_here: int
    ours: bool
    catalog_copy_at: datetime | None


class RecoveryLookResult(Message):
    appliances: list[RecoverableAppliance]
    hint: str | None = Field(default=None, description="Where else to look, while there is nothing")


class NotDone(Message):
    archive: str = Field(description="As it was asked for")
    title: str | None
    error: Error


class ManyResult(Message):
    act: str = Field(description="What was asked for")
    done: int = Field(description="Archives with which it was done")
    not_done: list[NotDone] = Field(description="The others, and why")


class JobState(Message):
    what: str = Field(description="What it does, in words")
    state: Literal["running", "done", "failed", "interrupted"]
    done_bytes: int
    total_bytes: int
    error: Error | None
    result: CheckResult | OrphansResult | EmptyingResult | TrashResult | RecoveryLookResult | ReleaseResult | ManyResult | None


class LogPage(Message):
    lines: list[LogLine] = Field(description="Oldest first")
    more: bool = Field(description="There are older ones that match")


class PressBegun(Message):
    """The button goes down; frontpanel/history tells under that number what came of it."""

    number: int = Field(description="Of the press, from 1 since the start of the appliance")
    step: ButtonStep = Field(description="What its release will do")


class LampChange(Message):
    at: datetime
    lamp: Lamp = Field(description="What it shows since then")
    reason: str = Field(description="Why, in words")


class ButtonPress(Message):
    number: int = Field(description="From 1 since the start of the appliance")
    at: datetime
    held_s: float = Field(description="For how long it was down")
    step: ButtonStep | None = Field(description="The longest step that was reached; none: nothing was to be done")
    done: bool = Field(description="It was done")
    result: str = Field(description="What is so now, or why it is not, in words")


class LampLevel(Message):
    at: datetime
    level_ratio: float = Field(description="What the lamp's pin was given: a share of the current")


class FrontPanelHistory(Message):
    lamp: list[LampChange] = Field(description="The last 100 changes of what it shows, oldest first")
    presses: list[ButtonPress] = Field(description="The last 100")
    levels: list[LampLevel] = Field(description="The last 500: a minute of breathing, hours of steady light")
