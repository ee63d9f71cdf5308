"""What follows from a failure: each kind has one place where it waits, and one problem that says so."""

from __future__ import annotations

import logging
from collections.abc import Callable

from appliance import clock
from appliance.archive import Archive
from appliance.connections import Connection, Connections
from appliance.errors import (
    ApplianceError,
    Damaged,
    DiskFull,
    LedgerDamaged,
    LocalDamaged,
    RemoteBusy,
    RemoteDamaged,
    RemoteError,
    RemoteForeign,
    RemoteFull,
    StoreUnavailable,
)
from appliance.intake.admission import in_words
from appliance.library import Library
from appliance.problems import Problems
from appliance.transfer import work
from appliance.transfer.choosing import Job
from appliance.transfer.gates import Moving
from appliance.transfer.lines import Lines
from appliance.transfer.spool import Spool
from appliance.transfer.steps import cause, needs_you, next_step
from mqtt.messages import Direction

log = logging.getLogger("transfer")
_SURE_AFTER_S = 5.0


class Failures:
    """``wait(job, reason)``: that batch waits. ``close(error, spool)``: the store waits, or only what goes through the spool."""

    def __init__(
        self, library: Library, connections: Connections, problems: Problems, lines: Lines, spool: Spool,
        wait: Callable[[Job, str], None], close: Callable[[DiskFull | StoreUnavailable, bool], None],
    ) -> None:  # fmt: skip
        self._library = library
        self._connections = connections
        self._problems = problems
        self._lines = lines
        self._spool = spool
        self._wait = wait
        self._close = close
        self._said: set[tuple[str, str]] = set()
        self._absent_since_s: dict[Job, float] = {}

    def note(self, moving: Moving, job: Job, error: ApplianceError | OSError) -> None:
        """Raises DiskFull or StoreUnavailable where it cannot be written down; it is found out again then."""
        match error:
            case RemoteDamaged():
                self._remote_damaged(moving, job, error)
            case RemoteError():
                self.line_failed(moving, error)
            case LocalDamaged() if job.carried:
                self._spool.drop(job.archive_id, job.index or 0)
                self._wait(job, str(error))
            case LocalDamaged():
                self._local_damaged(moving, job, str(error))
            case LedgerDamaged():
                self.say_ledger_damaged(moving.archive_id, error)
                self._wait(job, str(error))
            case DiskFull() | StoreUnavailable():
                self._close(error, job.carried and job.direction is Direction.DOWN)
            case Damaged():
                self._library.changed(moving.archive_id)
                self._wait(job, str(error))
            case _:
                log.error("transfer of %s failed: %s", moving.archive_id, error)
                self._wait(job, str(error))

    def worked(self, job: Job) -> None:
        """The job was done: what was said of its archive and its connection may be settled."""
        self._absent_since_s.pop(job, None)
        self.clear_of(job.connection_id)

    # A connection

    def line_failed(self, moving: Moving, error: RemoteError) -> None:
        connection = self._connections.get(moving.connection_id)
        if connection is None:  # removed meanwhile
            return
        if isinstance(error, RemoteForeign):
            self._connections.change(connection.id, valid=False)
        attempts = self._lines.failed(connection.id, error, moving.direction, moving.ticket, is_local=self._is_local(connection.id))
        if isinstance(error, RemoteBusy) and attempts == 1 and not error.retry_after_s:
            return  # one "not now" among many answers is no news
        self._said.add((error.code, connection.id))
        self._problems.raise_(
            error.code,
            connection.id,
            f"connection {connection.name}: {cause(error)}{self._missing(connection, error)}",
            next_step(error, connection.name),
            needs_you=needs_you(error),
        )

    def _missing(self, connection: Connection, error: RemoteError) -> str:
        """How much room is wanted for all that waits to be stored there."""
        if not isinstance(error, RemoteFull) or error.free_bytes is None or not connection.active:
            return ""
        waiting_bytes = self._library.totals.remaining_up_bytes
        missing_bytes = waiting_bytes - error.free_bytes
        return f"; {in_words(missing_bytes)} are missing for all that waits ({in_words(waiting_bytes)})" if missing_bytes > 0 else ""

    def _is_local(self, connection_id: str) -> bool:
        try:
            return self._connections.remote(connection_id).is_local
        except ApplianceError:  # its credentials are gone
            return False

    def clear_of(self, connection_id: str) -> None:
        """What was said of the connection and is not true any more."""
        codes = self._lines.codes(connection_id)
        for said in [said for said in self._said.copy() if said[1] == connection_id and said[0] not in codes]:
            self._said.discard(said)
            self._problems.clear(*said)

    # A batch

    def _remote_damaged(self, moving: Moving, job: Job, error: RemoteDamaged) -> None:
        if job.direction is Direction.UP or job.index is None or not self._is_withdrawn(job, job.index, str(error)):
            self._wait(job, str(error))
            return
        archive = self._library.archive(moving.archive_id)
        self._library.changed(archive.id)
        self.say_if_lost(archive)

    def _is_withdrawn(self, job: Job, index: int, reason: str) -> bool:
        """The remote confirmed that the batch is not right there, or gone; the latter twice, where an answer may be out of date."""
        archive, remote = self._library.archive(job.archive_id), self._connections.remote(job.connection_id)
        ledger = self._library.ledger(archive.id)
        match work.look_at(ledger, index, job.connection_id, remote):
            case work.Found.ABSENT if not remote.is_local and not self._is_absent_for_long(job):
                return False
            case work.Found.ABSENT | work.Found.DIFFERENT:
                log.warning("batch %d of %s is damaged on the remote: %s", index, archive.title, reason, extra={"archive_id": archive.id})
                ledger.unstored(job.connection_id, index, reason)
                return True
            case _:
                self._absent_since_s.pop(job, None)
                return False

    def _is_absent_for_long(self, job: Job) -> bool:
        now = clock.monotonic_s()
        return now - self._absent_since_s.setdefault(job, now) >= _SURE_AFTER_S

    def _local_damaged(self, moving: Moving, job: Job, reason: str) -> None:
        if job.direction is Direction.DOWN:
            self._wait(job, reason)
        if moving.index is None:
            return
        self._library.folder.check_store(past_cache=True)  # a copy that cannot be read on a disk that is away is not damaged
        archive = self._library.archive(moving.archive_id)
        self._library.ledger(archive.id).uncached(moving.index, reason)
        self._library.changed(archive.id)
        self._problems.raise_(
            "damaged",
            archive.id,
            f"batch {moving.index} of {archive.title!r} is damaged on the appliance's disk",
            "it is mended from a remote where one has it; check the disk",
            needs_you=False,
        )
        self.say_if_lost(archive)

    def say_if_lost(self, archive: Archive) -> None:
        lost = self._library.view(archive.id).lost_batches
        if lost:
            self._problems.raise_(
                "damaged",
                archive.id,
                f"no good copy is left of {lost} of the batches of {archive.title!r}, neither here nor on a remote",
                "hand the file in again, if you still have it",
                needs_you=True,
            )

    def say_ledger_damaged(self, archive_id: str, error: ApplianceError) -> None:
        step = "check the disk of the data folder, then restart the appliance and run `pyarchive orphans`"
        self._problems.raise_("ledger", archive_id, f"archive {archive_id} cannot be moved: {error}", step, needs_you=True)
