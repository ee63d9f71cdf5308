"""The request verbs that only look: figures, maps, histories, and what an act would mean before it is done."""

from __future__ import annotations

from pydantic import Field

from mqtt import view_answers as answers
from mqtt.verb import Access, OfArchive, OfConnection, Verb


class ArchiveSummary(Verb, verb="archive/summary", answer=answers.Summary, access=Access.MEMBER, looks=True):
    """All archives in figures, or those of one owner. Costs the same however many there are."""

    owner: str | None = Field(default=None, max_length=64)


class ArchiveBatchMap(OfArchive, verb="archive/batch-map", answer=answers.BatchMap, access=Access.OWN, looks=True):
    """All batches at one glance, as they stand on a connection (without one: the active, else any)."""

    connection: str | None = Field(default=None, max_length=256)
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=100_000, ge=1, le=200_000)


class ArchiveRemoval(OfArchive, verb="archive/removal", answer=answers.Removal, access=Access.OWN, looks=True):
    """What archive/remove would take, and until when it could be undone."""


class ArchiveHistory(OfArchive, verb="archive/history", answer=answers.HistoryPage, access=Access.OWN, looks=True):
    """What happened to an archive, newest first, as its ledger tells it."""

    offset: int = Field(default=0, ge=0, le=10_000)
    limit: int = Field(default=50, ge=1, le=200)


class TransferHistory(Verb, verb="transfer/history", answer=answers.MovedPage, access=Access.MEMBER, looks=True):
    """What was moved lately, or failed to, over all archives or those of one owner, newest first; read from the ledgers."""

    owner: str | None = Field(default=None, max_length=64)
    offset: int = Field(default=0, ge=0, le=2_000)
    limit: int = Field(default=50, ge=1, le=200)


class ConnectionRemovalPreview(OfConnection, verb="connection/removal", answer=answers.ConnectionRemoval, looks=True):
    """What connection/remove would mean for the archives."""


class ConnectionSignInState(OfConnection, verb="connection/sign-in-state", answer=answers.SignInState, looks=True, for_scripts=False):
    """The code of a sign-in that is under way, or why the last one failed."""


class ConnectionRecoveryKit(OfConnection, verb="connection/recovery-kit", answer=answers.RecoveryKit, looks=True):
    """For printing. Nothing in it is secret."""


class SettingsPreviewTimetable(Verb, verb="settings/preview-timetable", answer=answers.TimetablePreview, looks=True):
    """What a timetable would allow, before it is set. A timetable that is none is answered with its error, not refused."""

    timetable: str = Field(max_length=4000, description="As the setting of that name")
    time_zone: str | None = Field(default=None, max_length=64, description="None: the computer's")
