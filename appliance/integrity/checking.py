"""What the parts of one check share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from appliance.archive import Archive
from appliance.catalog.ledger import Ledger
from appliance.connections import Connections
from appliance.errors import (
    ClockWrong,
    DailyLimit,
    RemoteAway,
    RemoteBusy,
    RemoteForeign,
    RemoteStalled,
    SignInNeeded,
    Stopped,
)
from appliance.integrity.listing import Comparison, State
from appliance.integrity.report import Report
from appliance.jobs import Job
from appliance.library import Library
from appliance.remotes.remote import Remote
from appliance.transfer.gates import CheckGate

log = logging.getLogger("integrity")
ENDS_IT = (RemoteAway, ClockWrong, RemoteForeign, RemoteStalled, SignInNeeded)
"""After one of these there is no use in asking the remote for more."""
WORDS = {State.TRASHED: "in the remote's trash", State.ABSENT: "missing on the remote", State.DIFFERENT: "different on the remote"}
_TRIES = 5
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0
T = TypeVar("T")


@dataclass(slots=True)
class Checking:
    """What a check shares: where it looks, what it found. ``ids`` holds the archives under check right now.

    ``second_look_s``: so long after an absence was noted it is looked at again, where a remote may lag behind itself.
    """

    library: Library
    connections: Connections
    job: Job
    report: Report
    ids: set[str]
    second_look_s: float

    @property
    def gate(self) -> CheckGate:
        return CheckGate(self.job.stopped.is_set, self.job.count)

    @contextmanager
    def archive(self, archive_id: str) -> Iterator[tuple[Archive, Ledger] | None]:
        """The archive, shared with transfers for a moment; None: it was removed, or is being released or removed."""
        with self.library.locks.share(archive_id) as shared:
            view = self.library.views.get(archive_id) if shared else None
            if view is None or view.archive.removed_at:
                yield None
                return
            yield view.archive, self.library.ledger(archive_id)

    @contextmanager
    def shown(self, archive_id: str) -> Iterator[None]:
        """As under check, until the end; then what was derived of it is renewed."""
        self.ids.add(archive_id)
        try:
            yield
        finally:
            self.ids.discard(archive_id)
            self.library.changed(archive_id)

    def compare(self, archive: Archive, ledger: Ledger, connection_id: str, remote: Remote) -> Comparison:
        local = None if ledger.is_released else self.library.local_file(archive)
        return Comparison(ledger, connection_id, remote, self.gate, local)

    def withdraw(self, archive: Archive, ledger: Ledger, connection_id: str, index: int | None, what: str) -> None:
        """A batch (None: the manifest) does not count as stored any more; it is sent again where there is a good copy."""
        subject = "manifest" if index is None else f"batch {index}"
        log.warning("%s of %s: %s", subject, archive.title, what, extra={"archive_id": archive.id})
        ledger.unstored(connection_id, index, what)
        self.report.add(archive, index, connection_id, "manifest missing or different" if index is None else what)

    def not_known(self, connection_id: str, what: str) -> None:
        """Something on the connection could not be asked."""
        connection = self.connections.get(connection_id)
        self.report.not_known(f"connection {connection.name if connection else connection_id}: {what}", connection_id)

    def title(self, archive_id: str) -> str:
        view = self.library.views.get(archive_id)
        return view.archive.title if view else archive_id

    def patiently(self, call: Callable[[], T]) -> T:
        """A busy remote is asked again a few times: one refused call of a hundred must not leave a whole check unknown."""
        wait_s = _FIRST_WAIT_S
        for _ in range(_TRIES - 1):
            try:
                return call()
            except DailyLimit:
                raise
            except RemoteBusy as busy:
                pause_s = max(wait_s, busy.retry_after_s or 0.0)
                if pause_s > _LONGEST_WAIT_S:
                    raise
                self.wait(pause_s)
                wait_s *= 2
        return call()

    def wait(self, pause_s: float) -> None:
        """Raises Stopped when the appliance ends meanwhile."""
        if self.job.stopped.wait(max(0.0, pause_s)):
            raise Stopped("the appliance is stopping")
