"""The request verbs: what each takes, and what it answers.

A request is ``{"transaction": "…", …parameters}`` on ``request/<login>/<verb>``; unknown parameters are refused by name.
An ``archive`` parameter is an id, a unique prefix of one, or a unique title. A ``connection`` parameter likewise, with its name.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from mqtt import notification_verbs as notification_verbs  # noqa: PLC0414 - as below
from mqtt import safe_mode_verbs as safe_mode_verbs  # noqa: PLC0414 - as below
from mqtt import script_verbs as script_verbs  # noqa: PLC0414 - as below
from mqtt import upgrade_verbs as upgrade_verbs  # noqa: PLC0414 - as below
from mqtt import user_verbs as user_verbs  # noqa: PLC0414 - exported: whoever has the table of verbs has all of them in it
from mqtt import verb_answers as answers
from mqtt import view_verbs as view_verbs  # noqa: PLC0414 - as above
from mqtt.messages import ArchiveState, ConnectionState, Health, Rung, Setting, SettingsState
from mqtt.verb import VERBS as VERBS  # noqa: PLC0414 - as above
from mqtt.verb import Access, OfArchive, OfConnection
from mqtt.verb import Verb as Verb  # noqa: PLC0414 - as above


class ArchiveBegin(Verb, verb="archive/begin", answer=answers.Begun, access=Access.MEMBER):
    """Announce a file. Errors: disk_full (with the numbers), bad_request."""

    file_name: str = Field(max_length=4096)
    size_bytes: int = Field(ge=0)
    title: str | None = Field(default=None, max_length=1024)
    owner: str | None = Field(default=None, max_length=64)


class ArchiveCommit(Verb, verb="archive/commit", access=Access.HANDED_IN):
    """The file is filled and closed. Answers at once; the rest is asked with archive/upload. Safe to repeat."""

    archive_id: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Of what the client read from the source")


class ArchiveAbort(Verb, verb="archive/abort", access=Access.MEMBER):
    """Forget an announced file that was not committed. Safe to repeat."""

    archive_id: str


class ArchiveDemo(Verb, verb="archive/demo", answer=answers.DemoHandedIn, audited=True):
    """A small file of random bytes, made by the appliance itself and handed in like any other: to try things with. Errors: disk_full."""

    title: str = Field(min_length=1, max_length=1024)
    size_bytes: int = Field(ge=0, le=16 * 1024 * 1024)
    owner: str | None = Field(default=None, max_length=64)


class ArchiveUpload(Verb, verb="archive/upload", answer=answers.UploadProgress, access=Access.HANDED_IN, looks=True):
    """How far an announced file is."""

    archive_id: str


class ArchiveUploads(Verb, verb="archive/uploads", answer=answers.UploadPage, access=Access.MEMBER, looks=True):
    """Files on their way in, the last that was announced first."""

    owner: str | None = None
    limit: int = Field(default=100, ge=1, le=200)


class ArchiveList(Verb, verb="archive/list", answer=answers.ArchivePage, access=Access.MEMBER, looks=True):
    """A page of the archives that match."""

    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=100, ge=1, le=200)
    sort: Literal["created_at", "title", "size_bytes", "rung", "owner"] = "created_at"
    descending: bool = True
    search: str | None = Field(default=None, max_length=256, description="Words, all of which are in title, file name or id")
    owner: str | None = Field(default=None, max_length=64)
    rungs: list[Rung] = Field(default=[], max_length=4, description="One of these; empty: any")
    healths: list[Health] = Field(default=[], max_length=5, description="One of these; empty: any")
    local: bool | None = Field(default=None, description="The whole file is in the store")
    pinned: bool | None = Field(default=None, description="The keep-local policy never releases it")
    waiting: bool | None = Field(default=None, description="Something of it has to be moved, and does not move now")
    removed: bool = Field(default=False, description="Those that were removed and can be undone, instead")


class ArchiveShow(OfArchive, verb="archive/show", answer=ArchiveState, access=Access.OWN, looks=True):
    """One archive; removed ones too."""


class ArchiveBatches(OfArchive, verb="archive/batches", answer=answers.BatchPage, access=Access.OWN, looks=True):
    """A page of the batches of an archive."""

    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=500, ge=1, le=1000)


class ArchiveLocate(OfArchive, verb="archive/locate", answer=answers.Located, access=Access.OWN, looks=True):
    """Where the local copy is. Error not_local after a release."""


class ArchiveRename(OfArchive, verb="archive/rename", answer=ArchiveState, access=Access.OWN, audited=True):
    """Change the title; the file name stays."""

    title: str = Field(min_length=1, max_length=1024)


class ArchiveRemove(OfArchive, verb="archive/remove", answer=answers.Removed, access=Access.OWN, audited=True):
    """Into the trash."""


class ArchiveUndo(OfArchive, verb="archive/undo", answer=ArchiveState, access=Access.OWN, audited=True):
    """Take a removal back."""


class ArchiveRelease(OfArchive, verb="archive/release", answer=answers.JobStarted, access=Access.OWN, audited=True):
    """Free the local copy after a fresh listing of one connection. A job: see integrity/job."""


class ArchiveRestore(OfArchive, verb="archive/restore", answer=ArchiveState, access=Access.OWN):
    """Ask for the local copy back; the transfer engine fetches it. Already local: nothing happens."""


class ArchivePin(OfArchive, verb="archive/pin", answer=ArchiveState, access=Access.OWN):
    """Keep the local copy whatever the keep-local policy says; one that is not local is not fetched."""


class ArchiveUnpin(OfArchive, verb="archive/unpin", answer=ArchiveState, access=Access.OWN):
    """The end of a pin. Safe to repeat."""


class ArchiveMany(Verb, verb="archive/many", answer=answers.JobStarted, access=Access.MEMBER, audited=True):
    """The same for many archives, one after another. A job; its result: ManyResult. One that fails does not keep the others."""

    act: Literal["release", "restore", "pin", "unpin", "remove", "undo"] = Field(description="What to do, as the verb of that name does it")
    archives: list[str] = Field(min_length=1, max_length=1000)


class TransferList(Verb, verb="transfer/list", answer=answers.TransferPage, access=Access.MEMBER, looks=True):
    """What moves, and the queue: all that has something to be moved, in its order, up before down."""

    owner: str | None = Field(default=None, max_length=64)
    offset: int = Field(default=0, ge=0, description="In the queue")
    limit: int = Field(default=100, ge=1, le=500)


class TransferSync(Verb, verb="transfer/sync", access=Access.MEMBER):
    """Try everything that waits for a back-off now."""


class TransferRetry(OfArchive, verb="transfer/retry", answer=ArchiveState, access=Access.OWN):
    """Try what waits of this archive now: its back-off ends, and that of the connections that it needs, but not a Retry-After."""


class TransferPause(Verb, verb="transfer/pause", audited=True):
    """Move nothing until resume, over restarts."""


class TransferResume(Verb, verb="transfer/resume", audited=True):
    """The end of a pause."""


class TransferFirst(OfArchive, verb="transfer/first", answer=ArchiveState, audited=True):
    """Put it at a place of the order made by hand, which goes before all others."""

    position: int = Field(default=0, ge=0, description="0 for the first; beyond the end: the last of the order")


class TransferUsual(OfArchive, verb="transfer/usual", answer=ArchiveState, audited=True):
    """Take it out of the order made by hand: its turn comes by itself again. Safe to repeat."""


class ConnectionAdd(Verb, verb="connection/add", answer=answers.ConnectionAdded, audited=True, for_scripts=False):
    """A new one, not validated and not active yet.

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


class ConnectionCredentials(OfConnection, verb="connection/credentials", answer=ConnectionState, audited=True, for_scripts=False):
    """Other credentials for the same Drive connection: a new client, or a new sign-in made elsewhere."""

    credentials: str = Field(max_length=65_536, repr=False)


class ConnectionSignIn(OfConnection, verb="connection/sign-in", answer=answers.SignInCode, audited=True, for_scripts=False):
    """Begin Google's sign-in on another device (RFC 8628).

    The appliance asks Google by itself until it is done; a sign-in that is under way is begun anew. Follow it with connection/show.
    """


class ConnectionCancelSignIn(OfConnection, verb="connection/cancel-sign-in", answer=ConnectionState, audited=True, for_scripts=False):
    """Give up a sign-in that is under way, and forget one that failed. Safe to repeat."""


class ConnectionList(Verb, verb="connection/list", answer=answers.ConnectionPage, access=Access.MEMBER, looks=True):
    """All of them."""


class ConnectionShow(OfConnection, verb="connection/show", answer=ConnectionState, access=Access.MEMBER, looks=True):
    """One of them."""


class ConnectionValidate(OfConnection, verb="connection/validate", answer=ConnectionState):
    """Write, read and delete a probe, and read something old. Errors: the remote's."""


class ConnectionActivate(OfConnection, verb="connection/activate", answer=ConnectionState, audited=True):
    """New archives go there from now on, and all others are carried there too. Refused where it is not valid."""


class ConnectionRename(OfConnection, verb="connection/rename", answer=ConnectionState, audited=True):
    """Change the name."""

    name: str = Field(min_length=1, max_length=64)


class ConnectionRemove(OfConnection, verb="connection/remove", audited=True):
    """Forget it; nothing on the remote changes. Refused while it holds the only copy of anything."""


class ConnectionEmpty(OfConnection, verb="connection/empty", answer=answers.JobStarted, audited=True):
    """Move everything of ours on it to its trash. A job; its result: EmptyingResult.

    Without ``confirm`` (the connection's name, typed) it is a dry run. Refused while it holds the only copy of anything, and while it is
    active or in adopt mode.
    """

    confirm: str | None = Field(default=None, max_length=64)

    def changes(self) -> bool:
        """A dry run does not."""
        return self.confirm is not None


class ConnectionTrash(OfConnection, verb="connection/trash", answer=answers.JobStarted, audited=True):
    """Our trash on it. A job; its result: TrashResult. With ``purge`` what no ledger needs is deleted for ever."""

    purge: bool = False

    def changes(self) -> bool:
        """A look does not."""
        return self.purge


class ConnectionClaim(OfConnection, verb="connection/claim", answer=ConnectionState, audited=True):
    """End adopt mode without a recovery: this appliance writes there from now on; what is unknown there stays as it is.

    ``confirm`` is the connection's name, typed.
    """

    confirm: str = Field(max_length=64)


class RecoveryLook(OfConnection, verb="recovery/look", answer=answers.JobStarted, looks=True):
    """What could be recovered from it; nothing is changed. A job; its result: RecoveryLookResult."""


class RecoveryStart(OfConnection, verb="recovery/start", answer=answers.RecoveryStarted, audited=True, for_scripts=False):
    """Rebuild catalog and ledgers from listings and manifests.

    Where it has to take another id, the appliance starts anew under it; recovery goes on there by itself. Follow it with recovery/state.
    """

    appliance_id: str | None = Field(default=None, max_length=36, description="Whose; needed where several could be meant")


class RecoveryState(Verb, verb="recovery/state", answer=answers.RecoveryProgress, looks=True):
    """The last recovery, or the one that runs."""


class IntegrityTombstones(Verb, verb="integrity/tombstones", answer=answers.TombstonePage, looks=True):
    """What the next runs would move to the remotes' trash, and what keeps them from it; nothing is changed."""

    limit: int = Field(default=100, ge=1, le=1000)


class IntegrityBury(OfConnection, verb="integrity/bury", answer=answers.Buried, audited=True):
    """Confirm that what is due under tombstones may go to the connection's trash, although it is much of all that lies there.

    ``objects`` is how many there are, as a look has shown; another number by now is refused.
    """

    objects: int = Field(ge=1)


class IntegrityVerify(Verb, verb="integrity/verify", answer=answers.JobStarted, access=Access.MEMBER):
    """Start a check. A job; its result: CheckResult. Neither local nor remote: both."""

    archives: list[str] = Field(default=[], max_length=1000, description="Empty: all")
    local: bool = False
    remote: bool = False
    read_back: bool = False
    read_back_bytes: int | None = Field(
        default=None, ge=1, description="Read no more than this back: those first that were read back longest ago, or never"
    )
    repair: bool = False

    def changes(self) -> bool:
        """A check alone does not."""
        return self.repair


class IntegrityJob(Verb, verb="integrity/job", answer=answers.JobState, access=Access.MEMBER, looks=True):
    """How far a job is, and what came of it. Jobs are not remembered over a restart."""

    job_id: str


class IntegrityOrphans(Verb, verb="integrity/orphans", answer=answers.JobStarted, audited=True):
    """What lies on the remote or the disk that no ledger knows. A job; its result: OrphansResult. Nothing is deleted."""

    adopt: bool = False

    def changes(self) -> bool:
        """A look does not."""
        return self.adopt


class SettingsGet(Verb, verb="settings/get", answer=SettingsState | Setting, looks=True):
    """All of them; with a name, that one."""

    name: str | None = None


class SettingsSet(Verb, verb="settings/set", answer=Setting, audited=True):
    """Keep a value over restarts; null takes it back. Refused by name where unknown, or fixed by the environment."""

    name: str
    value: Any = None


class FrontPanelPress(Verb, verb="frontpanel/press", answer=answers.PressBegun, audited=True):
    """Press the button, as a finger would: down for so long. Answers at once. Errors: conflict (it is held down already)."""

    seconds: float = Field(default=0.2, ge=0.05, le=120, description="How long it is down")


class FrontPanelHold(Verb, verb="frontpanel/hold", audited=True):
    """Put the button down until frontpanel/let-go. Without a repeat for 15 s it goes up by itself, and that does nothing."""


class FrontPanelLetGo(Verb, verb="frontpanel/let-go"):
    """Let go of the button that frontpanel/hold put down: the step reached is done. Safe to repeat."""


class FrontPanelHistory(Verb, verb="frontpanel/history", answer=answers.FrontPanelHistory, looks=True):
    """What lamp and button did lately, since the start of the appliance."""


class LogQuery(Verb, verb="log/query", answer=answers.LogPage, looks=True):
    """The newest lines of the log that match, also those of before the last start. As many as fit into an answer."""

    limit: int = Field(default=100, ge=1, le=1000)
    offset: int = Field(default=0, ge=0, le=100_000, description="Leave out that many of the newest: for the page before")
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="At the least. What is below info is kept in memory only, for a short while"
    )
    text: str | None = Field(default=None, max_length=256, description="In the message, whatever the case")
    source: str | None = Field(default=None, max_length=64, description="The part of the appliance that says it")
    archive_id: str | None = None
    since_at: AwareDatetime | None = Field(default=None, description="Said then, or later")
    until_at: AwareDatetime | None = Field(default=None, description="Said then, or before")
