"""The request verbs: what each takes. What each answers is said in its docstring.

A request is ``{"transaction": "…", …parameters}`` on ``request/<login>/<verb>``; unknown parameters are refused by name.
An ``archive`` parameter is an id, a unique prefix of one, or a unique title. A ``connection`` parameter likewise, with its name.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

VERBS: dict[str, type[Verb]] = {}


class Verb(BaseModel):
    """Parameters of one request verb."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    verb: ClassVar[str] = ""

    def __init_subclass__(cls, verb: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if verb:
            cls.verb = verb
            VERBS[verb] = cls


class _OfArchive(Verb):
    archive: str = Field(min_length=1, max_length=4096)


class _OfConnection(Verb):
    connection: str = Field(min_length=1, max_length=256)


class ArchiveBegin(Verb, verb="archive/begin"):
    """Announce a file. Answers ``{"archive_id", "path"}``: the empty file to fill. Errors: disk_full (with the numbers), bad_request."""

    file_name: str = Field(max_length=4096)
    size_bytes: int = Field(ge=0)
    title: str | None = Field(default=None, max_length=1024)
    owner: str | None = Field(default=None, max_length=64)


class ArchiveCommit(Verb, verb="archive/commit"):
    """The file is filled and closed. Answers at once; the rest is asked with archive/upload. Safe to repeat."""

    archive_id: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Of what the client read from the source")


class ArchiveAbort(Verb, verb="archive/abort"):
    """Forget an announced file that was not committed. Safe to repeat."""

    archive_id: str


class ArchiveUpload(Verb, verb="archive/upload"):
    """How far an announced file is: ``{"state", "done_bytes", "size_bytes", "error": {"code", "message"}|null}``.

    The state is filling, hashing, received or failed.
    """

    archive_id: str


class ArchiveList(Verb, verb="archive/list"):
    """``{"archives": [ArchiveState…], "total"}``; ``total`` counts all that match."""

    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=100, ge=1, le=200)
    sort: Literal["created_at", "title", "size_bytes", "rung", "owner"] = "created_at"
    descending: bool = True
    search: str | None = Field(default=None, max_length=256)
    owner: str | None = None
    rung: Literal["received", "partial", "remote", "proven"] | None = None
    removed: bool = Field(default=False, description="Those that were removed and can be undone, instead")


class ArchiveShow(_OfArchive, verb="archive/show"):
    """One ArchiveState; removed ones too."""


class ArchiveBatches(_OfArchive, verb="archive/batches"):
    """``{"batches": [{"index", "offset_bytes", "size_bytes", "sha256", "cached", "stored": [connection id…]}], "total"}``."""

    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=500, ge=1, le=1000)


class ArchiveLocate(_OfArchive, verb="archive/locate"):
    """``{"archive_id", "path", "file_name", "size_bytes", "sha256"}`` of the local copy. Error not_local after a release."""


class ArchiveRename(_OfArchive, verb="archive/rename"):
    """Change the title; the file name stays. Answers the ArchiveState."""

    title: str = Field(min_length=1, max_length=1024)


class ArchiveRemove(_OfArchive, verb="archive/remove"):
    """Into the trash. Answers ``{"archive_id", "undo_until_at"}``."""


class ArchiveUndo(_OfArchive, verb="archive/undo"):
    """Take a removal back. Answers the ArchiveState."""


class ArchiveRelease(_OfArchive, verb="archive/release"):
    """Free the local copy after a fresh listing of one connection. Answers ``{"job_id"}``: see integrity/job."""


class ArchiveRestore(_OfArchive, verb="archive/restore"):
    """Ask for the local copy back; the transfer engine fetches it. Answers the ArchiveState. Already local: nothing happens."""


class TransferList(Verb, verb="transfer/list"):
    """``{"moving": [TransferState…], "waiting": [{"archive_id", "title", "direction", "batches", "bytes", "reason", "attempts",
    "next_try_at"}], "waiting_total"}``.
    """

    limit: int = Field(default=100, ge=1, le=500)


class TransferSync(Verb, verb="transfer/sync"):
    """Try everything that waits for a back-off now. Answers ``{}``."""


class TransferPause(Verb, verb="transfer/pause"):
    """Move nothing until resume, over restarts. Answers ``{}``."""


class TransferResume(Verb, verb="transfer/resume"):
    """The end of a pause. Answers ``{}``."""


class ConnectionAdd(Verb, verb="connection/add"):
    """Answers ``{"id"}``. Not validated and not active yet."""

    kind: Literal["folder"]
    name: str = Field(min_length=1, max_length=64)
    path: str = Field(max_length=4096)


class ConnectionList(Verb, verb="connection/list"):
    """``{"connections": [ConnectionState…]}``."""


class ConnectionShow(_OfConnection, verb="connection/show"):
    """One ConnectionState."""


class ConnectionValidate(_OfConnection, verb="connection/validate"):
    """Write, read and delete a probe, and read something old. Answers the ConnectionState, or the remote's error."""


class ConnectionActivate(_OfConnection, verb="connection/activate"):
    """New archives go there from now on, and all others are carried there too. Refused where it is not valid."""


class ConnectionRename(_OfConnection, verb="connection/rename"):
    """Answers the ConnectionState."""

    name: str = Field(min_length=1, max_length=64)


class ConnectionRemove(_OfConnection, verb="connection/remove"):
    """Forget it; nothing on the remote changes. Refused while it holds the only copy of anything."""


class IntegrityVerify(Verb, verb="integrity/verify"):
    """Start a check. Answers ``{"job_id"}``. Neither local nor remote: both."""

    archives: list[str] = Field(default=[], max_length=1000, description="Empty: all")
    local: bool = False
    remote: bool = False
    read_back: bool = False
    repair: bool = False


class IntegrityJob(Verb, verb="integrity/job"):
    """``{"state": running|done|failed|interrupted, "done_bytes", "total_bytes", "error": {"code", "message"}|null, "result": …}``.

    The result of a check: ``{"archives", "batches_checked", "batches_damaged", "batches_repaired", "damage_left", "unknown",
    "findings": [{"archive_id", "title", "batch_index", "where": local|<connection id>, "what", "repaired"}]}``. Damage counts as
    found; ``unknown`` is a list of sentences, one for each thing that could not be asked.
    """

    job_id: str


class IntegrityOrphans(Verb, verb="integrity/orphans"):
    """What lies on the remote or the disk that no ledger knows. Answers ``{"job_id"}``; the result:
    ``{"orphans": [{"where", "archive_id", "name", "size_bytes", "adopted"}], "tombstones": n}``. Nothing is deleted.
    """

    adopt: bool = False


class SettingsGet(Verb, verb="settings/get"):
    """The SettingsState; with a name, the one Setting."""

    name: str | None = None


class SettingsSet(Verb, verb="settings/set"):
    """Keep a value over restarts; null takes it back. Refused by name where unknown, or fixed by the environment."""

    name: str
    value: Any = None


class LogQuery(Verb, verb="log/query"):
    """``{"lines": [LogLine…]}``, oldest first."""

    limit: int = Field(default=100, ge=1, le=1000)
    level: Literal["debug", "info", "warning", "error"] = "info"
    text: str | None = Field(default=None, max_length=256)
    archive_id: str | None = None
