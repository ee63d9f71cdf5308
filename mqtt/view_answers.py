"""What the verbs that only look (``mqtt/view_verbs.py``) answer."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from mqtt.message import Message
from mqtt.messages import Direction, Rung


class Summary(Message):
    """Archives of one owner, or of all, in figures. Removed ones are only counted."""

    archives: int
    received: int
    partial: int
    remote: int
    proven: int
    ok: int = Field(description="By health; what is being checked counts as what it was")
    unknown: int
    damaged: int
    lost: int
    local: int = Field(description="Whose whole file is in the store")
    removed: int = Field(description="Removed, and can still be undone")
    size_bytes: int = Field(description="Sum of the sizes")
    released_bytes: int = Field(description="Of those that are not local")
    bytes_at_risk: int = Field(description="Bytes that exist only on this appliance")
    batches_up: int = Field(description="Not yet on the active connection")
    bytes_up: int
    batches_down: int = Field(description="Wanted here, and not here yet")
    bytes_down: int
    progress_ratio: float = Field(description="Stored bytes on the active connection")
    oldest_proof_at: datetime | None = Field(description="When what was read back longest ago was; none unless every archive is proven")
    last_proof_at: datetime | None = Field(description="When a batch was last read back and found right")


class BatchMap(Message):
    """The batches of an archive, one letter each, as they stand on one connection.

    ``b`` here and stored there · ``c`` here only · ``s`` stored there only · ``e`` neither, but stored on another connection ·
    ``u`` on its way up · ``d`` on its way down · ``w`` failed, and waits for its next try · ``x`` damaged here, and good on a remote ·
    ``m`` missing: good nowhere
    """

    archive_id: str
    connection_id: str | None = Field(description="None: there is no connection")
    offset: int
    total: int = Field(description="How many batches there are")
    map: str = Field(description="The letters, from offset on")
    counts: dict[str, int] = Field(description="By letter, of the whole archive")
    manifest_stored: bool = Field(description="The description of the archive is on the connection too")


class CopyThere(Message):
    """What one connection has of an archive."""

    connection_id: str
    name: str
    kind: str
    valid: bool
    rung: Rung
    batches_stored: int
    stored_bytes: int = Field(description="Bytes of it that are there")
    is_whole: bool = Field(description="All of it is there, with its manifest")


class Removal(Message):
    """What a removal would take, and until when it could be taken back."""

    archive_id: str
    title: str
    size_bytes: int
    local_bytes: int = Field(description="Freed here at the end of the undo time")
    copies: list[CopyThere] = Field(description="They go to the remotes' trash, grace_days after the end of the undo time")
    only_here: bool = Field(description="No valid connection has all of it: the appliance has the only copy")
    only_on: str | None = Field(description="Id of the connection that has the only copy; none: there are several, or it is here")
    undo_until_at: datetime = Field(description="If it were removed now")
    grace_days: float = Field(description="Days between the end of the undo time and the remotes' trash")


class Happening(Message):
    """One thing that happened to an archive. Neighbours of one kind are told together; what is long ago may be known in part only."""

    what: Literal[
        "created", "stored", "described", "withdrawn", "fetched", "damaged", "released", "restore_asked", "restore_taken_back", "restored",
        "read_back", "failed", "renamed", "given", "removed", "undone", "connection_removed",
    ] = Field(
        description="`stored`: batches, on a connection. `described`: its manifest; it is remote. `withdrawn`: batches there do not count "
        "any more. `fetched`: batches came back. `damaged`: batches here are not right any more. `read_back`: batches there were right"
    )  # fmt: skip
    at: datetime = Field(description="Of the last of them")
    since_at: datetime = Field(description="Of the first of them")
    batches: int | None = Field(default=None, description="None: it is not about batches")
    batch_index: int | None = Field(default=None, description="Where it is about one")
    connection_id: str | None = None
    connection_name: str | None = Field(default=None, description="None: the connection is gone")
    direction: Direction | None = Field(default=None, description="Of a failure")
    message: str | None = Field(default=None, description="The failure in words, or the new title or owner")


class HistoryPage(Message):
    happenings: list[Happening] = Field(description="Newest first")
    more: bool = Field(description="There is more after these")


class Moved(Happening):
    archive_id: str
    title: str
    owner: str


class MovedPage(Message):
    happenings: list[Moved] = Field(description="Newest first")
    more: bool = Field(description="There may be more after these")


class LostCopy(Message):
    """An archive that would lose a copy."""

    archive_id: str
    title: str
    owner: str
    size_bytes: int


class ConnectionRemoval(Message):
    """What the removal of a connection would mean. Nothing on the remote changes by it."""

    connection_id: str
    name: str
    active: bool = Field(description="Nothing is carried anywhere afterwards, until another one is activated")
    archives: int = Field(description="It has something of")
    stored_bytes: int = Field(description="Of these, there")
    only_there: int = Field(description="Archives whose only copy it has: while there are any, it cannot be removed")
    only_there_bytes: int = Field(description="Their sizes")
    at_risk: int = Field(description="Archives that would be on the appliance only")
    at_risk_bytes: int
    examples: list[LostCopy] = Field(description="Of the former, then of the latter: the largest, at most 20")
    refused: str | None = Field(description="Why it cannot be removed now, in words")


class SignInState(Message):
    """A sign-in as it is."""

    state: Literal["none", "pending", "failed"] = Field(description="`none`: none was begun, or it went well")
    message: str | None = Field(description="What to do where, or why it failed")
    user_code: str | None = Field(default=None, description="To be typed on the page of verification_url")
    verification_url: str | None = None
    expires_at: datetime | None = None


class RecoveryKit(Message):
    """What to keep on paper: with it and the account, a new appliance brings everything back. No secret is in it."""

    appliance_id: str
    connection_id: str
    name: str
    kind: str
    account: str | None = Field(description="Whose it is, where one signs in")
    path: str | None
    folder_id: str | None
    client_id: str | None
    archives: int = Field(description="Which are whole there now")
    bytes: int
    made_at: datetime = Field(description="When this was made")
    steps: list[str] = Field(description="What to do, in order")
    by_hand: list[str] = Field(description="The same without our program")


class Span(Message):
    """Of a week, by the wall clock."""

    weekday: int = Field(description="0 is Monday")
    from_minute: int = Field(description="Of the day")
    to_minute: int = Field(description="1440 is the end of the day")
    limit_kb_per_s: int | None = Field(description="0: no limit; none: uploads pause")


class TimetableChange(Message):
    at: datetime
    limit_kb_per_s: int | None = Field(description="From then on. 0: no limit; none: uploads pause")


class TimetablePreview(Message):
    """What a timetable would mean; nothing is kept."""

    error: str | None = Field(description="Why it is none, in words; then all else is empty")
    week: list[Span] = Field(description="All of it, in order")
    now_kb_per_s: int | None = Field(description="0: no limit; none: uploads would pause")
    changes: list[TimetableChange] = Field(description="The next ones, at most 10; empty while the clock is not right")
