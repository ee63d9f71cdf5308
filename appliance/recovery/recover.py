"""The work of a recovery: fence whoever wrote there last, take up what lies there, and end adopt mode. Never uploads, never deletes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from appliance.connections import Connections
from appliance.errors import RemoteError
from appliance.jobs import Job
from appliance.library import Library
from appliance.problems import Problems
from appliance.recovery.adopter import TABLE, Adopter
from appliance.recovery.bringing_back import bring_back
from appliance.recovery.copies import copies_on, newest_usable
from appliance.recovery.progress import Progress
from appliance.recovery.serials import Serials
from appliance.recovery.sweep import Sweep, Waiter, source_of
from appliance.settings import SettingsStore
from appliance.startup import note_changed_copies
from appliance.transfer.gates import CheckGate

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Recover:
    """Repeated after a kill at any point it comes to the same end."""

    library: Library
    connections: Connections
    settings: SettingsStore
    problems: Problems

    def run(self, connection_id: str, job: Job, progress: Progress) -> None:
        """Goes on by itself after whatever may pass. Raises the rest: RemoteError, DiskFull …, Stopped."""
        waiter = Waiter(job, progress, self.settings.current.retry_cap_s)
        remote = self.connections.remote(connection_id)
        gate = CheckGate(job.stopped.is_set, lambda _: None)
        store_was_gone = self._make_store()
        _patiently(remote.take_over, waiter)
        copies = _patiently(lambda: copies_on(remote, self.library.folder.appliance_id, gate), waiter)
        copy = _patiently(lambda: newest_usable(remote, copies, gate), waiter)
        self._sweep(Adopter(self.library, connection_id, remote, gate, copy), progress, waiter)
        if store_was_gone:
            note_changed_copies(self.library, self.problems)
        if copy is not None:
            bring_back(copy, self.library, self.settings, self.connections.all(), progress)
        # Also above those that could not be used: else this catalog would count as older than them for ever.
        Serials(self.library.db).raise_to(max((each.serial for each in copies), default=0))
        self._count(progress)

    def _make_store(self) -> bool:
        """True where it was gone. Not there at all is gone, and not away: where a disk is only unmounted, its folder is left."""
        if self.library.folder.store.exists():
            return False
        self.library.folder.make_store()
        return True

    def _count(self, progress: Progress) -> None:
        rows = dict(self.library.db.table(TABLE).items())
        progress.adopted, progress.removed = len(rows), sum(bool(row["removed"]) for row in rows.values())

    def _sweep(self, adopter: Adopter, progress: Progress, waiter: Waiter) -> None:
        source = _patiently(lambda: source_of(adopter), waiter)
        Sweep(adopter, source, progress, waiter).run()


def _patiently(ask: Callable[[], T], waiter: Waiter) -> T:
    """Until it is answered. Raises RemoteError where only a person can help, Stopped."""
    while True:
        try:
            return ask()
        except RemoteError as error:
            if not error.retriable:
                raise
            waiter.wait(error, got_further=False)
