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


class ArchivePin(_OfArchive, verb="archive/pin"):
    """Keep the local copy whatever the keep-local policy says; one that is not local is not fetched. Answers the ArchiveState."""


class ArchiveUnpin(_OfArchive, verb="archive/unpin"):
    """The end of a pin. Answers the ArchiveState. Safe to repeat."""


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


class TransferFirst(_OfArchive, verb="transfer/first"):
    """Put it at a place of the order made by hand, which goes before all others. Answers the ArchiveState."""

    position: int = Field(default=0, ge=0, description="0 for the first; beyond the end: the last of the order")


class TransferUsual(_OfArchive, verb="transfer/usual"):
    """Take it out of the order made by hand: its turn comes by itself again. Answers the ArchiveState. Safe to repeat."""


class ConnectionAdd(Verb, verb="connection/add"):
    """Answers ``{"id"}``. Not validated and not active yet.

    A folder needs ``path``. Drive needs ``credentials``: the text of a JSON file, either ``authorized_user`` or ``service_account`` as
    Google's tools write them, or an OAuth client (``{"installed": {"client_id", "client_secret", …}}``), for which
    connection/sign-in comes next.
    """

    kind: Literal["folder", "drive"]
    name: str = Field(min_length=1, max_length=64)
    path: str | None = Field(default=None, max_length=4096)
    credentials: str | None = Field(default=None, max_length=65_536, repr=False)
    folder_id: str | None = Field(
        default=None, max_length=128, description="Drive: use this folder; without it the app's own is found or made"
    )


class ConnectionCredentials(_OfConnection, verb="connection/credentials"):
    """Other credentials for the same Drive connection: a new client, or a new sign-in made elsewhere. Answers the ConnectionState."""

    credentials: str = Field(max_length=65_536, repr=False)


class ConnectionSignIn(_OfConnection, verb="connection/sign-in"):
    """Begin Google's sign-in on another device (RFC 8628). Answers ``{"user_code", "verification_url", "expires_at", "interval_s"}``.

    The appliance asks Google by itself until it is done; a sign-in that is under way is begun anew. Follow it with connection/show.
    """


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


class ConnectionEmpty(_OfConnection, verb="connection/empty"):
    """Move everything of ours on it to its trash. Answers ``{"job_id"}``; the result: ``{"objects", "bytes", "archives", "dry_run"}``.

    Without ``confirm`` (the connection's name, typed) it is a dry run. Refused while it holds the only copy of anything, and while it is
    active or in adopt mode.
    """

    confirm: str | None = Field(default=None, max_length=64)


class ConnectionTrash(_OfConnection, verb="connection/trash"):
    """Our trash on it. Answers ``{"job_id"}``; the result: ``{"objects", "bytes", "kept", "purged"}``.

    With ``purge`` what no ledger needs is deleted for ever; ``kept`` counts what is trashed and still belongs to an archive
    (that is damage).
    """

    purge: bool = False


class ConnectionClaim(_OfConnection, verb="connection/claim"):
    """End adopt mode without a recovery: this appliance writes there from now on; what is unknown there stays as it is.

    ``confirm`` is the connection's name, typed. Answers the ConnectionState.
    """

    confirm: str = Field(max_length=64)


class RecoveryLook(_OfConnection, verb="recovery/look"):
    """What could be recovered from it; nothing is changed. Answers ``{"job_id"}``; the result:
    ``{"appliances": [{"appliance_id", "archives", "bytes", "unknown_here", "ours", "catalog_copy_at"}]}``.
    """


class RecoveryStart(_OfConnection, verb="recovery/start"):
    """Rebuild catalog and ledgers from listings and manifests. Answers ``{"appliance_id"}``, the id that the appliance has from then on.

    Where that is another one, the appliance starts anew under it; recovery goes on there by itself. Follow it with recovery/state.
    """

    appliance_id: str | None = Field(default=None, max_length=36, description="Whose; needed where several could be meant")


class RecoveryState(Verb, verb="recovery/state"):
    """The last or running recovery: ``{"state": none|running|done|failed, "connection_id", "appliance_id", "archives_done",
    "archives_total", "adopted", "already_here", "skipped": [{"archive_id", "why"}], "skipped_total", "removed", "users", "scripts",
    "deployments", "settings", "connections": [{"kind", "name", "path", "folder_id", "client_id", "active"}], "error"}``.

    ``skipped``: what did not come back, or not whole, the first 500 of it. ``connections`` are those that have to be added again. While
    it runs, ``error`` is what it waits for, and goes on after by itself.
    """


class IntegrityTombstones(Verb, verb="integrity/tombstones"):
    """What the next runs would move to the remotes' trash, and what keeps them from it; nothing is changed. Answers
    ``{"due", "waiting", "bytes", "objects": [{"connection_id", "remote_id", "archive_id", "name", "reason", "at", "due_at"}],
    "held_back": [sentence…], "to_confirm": {connection id: number}}``; ``to_confirm`` is what waits for integrity/bury.
    """

    limit: int = Field(default=100, ge=1, le=1000)


class IntegrityBury(_OfConnection, verb="integrity/bury"):
    """Confirm that what is due under tombstones may go to the connection's trash, although it is much of all that lies there.

    ``objects`` is how many there are, as a look has shown; another number by now is refused. Answers ``{"objects"}``.
    """

    objects: int = Field(ge=1)


class IntegrityVerify(Verb, verb="integrity/verify"):
    """Start a check. Answers ``{"job_id"}``. Neither local nor remote: both."""

    archives: list[str] = Field(default=[], max_length=1000, description="Empty: all")
    local: bool = False
    remote: bool = False
    read_back: bool = False
    read_back_bytes: int | None = Field(
        default=None, ge=1, description="Read no more than this back: those first that were read back longest ago, or never"
    )
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
    ``{"orphans": [{"where", "archive_id", "name", "size_bytes", "remote_id", "adopted", "why_not"}], "unknown": [sentence…],
    "tombstones": n}``. Nothing is deleted.
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
