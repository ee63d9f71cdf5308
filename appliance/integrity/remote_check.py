"""The check of one connection: one sweep over everything, then archive by archive against the ledgers; absence is looked at twice."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from appliance import clock
from appliance.archive import Archive
from appliance.connections import Connection
from appliance.errors import ApplianceError, RemoteError, Stopped
from appliance.integrity.checking import ENDS_IT, WORDS, Checking
from appliance.integrity.inventory import Inventory
from appliance.integrity.listing import Comparison, Listing, State
from appliance.remotes.remote import Object, Remote

log = logging.getLogger("integrity")


@dataclass(slots=True)
class RemoteCheck:
    """``run`` once."""

    checking: Checking
    connection: Connection
    _suspects: list[tuple[str, int | None]] = field(default_factory=list)
    _suspected_s: float = 0.0

    def run(self, archive_ids: Iterable[str], *, whole: bool) -> None:
        """``whole``: all archives there are, so that one sweep is cheaper than a listing of each. Raises Stopped."""
        self.checking.report.asked.add(self.connection.id)
        try:
            remote = self.checking.connections.remote(self.connection.id)
            self.checking.patiently(remote.check)
            # A disk is not asked in calls: its sweep would read all bytes, and be hours old when it is compared.
            sweep = whole and not remote.is_local
            inventory = self.checking.patiently(lambda: Inventory.taken(remote, self.checking.gate)) if sweep else None
        except RemoteError as error:
            self._not_known(str(error))
            return
        if self._compare_all(archive_ids, remote, inventory):
            self._look_again(remote)

    @property
    def suspects(self) -> list[str]:
        """The archives of which something was absent, and was not looked at again yet."""
        return [archive_id for archive_id, _ in self._suspects]

    def look_at(self, archive: Archive, comparison: Comparison, index: int | None, found: State) -> None:
        """What a look at one object found, where the ledger calls it stored."""
        if found not in {State.RIGHT, State.UNPROVEN}:
            self._handle(archive, comparison, index, found)

    def _compare_all(self, archive_ids: Iterable[str], remote: Remote, inventory: Inventory | None) -> bool:
        """False where the remote does not answer any more."""
        for archive_id in archive_ids:
            try:
                with self.checking.shown(archive_id):
                    self._compare(archive_id, remote, inventory)
            except Stopped:
                raise
            except ENDS_IT as error:
                self._not_known(str(error))
                return False
            except ApplianceError as error:
                self._not_known(f"{self.checking.title(archive_id)}: {error}")
        return True

    def _compare(self, archive_id: str, remote: Remote, inventory: Inventory | None) -> None:
        found = (
            list(inventory.of(archive_id)) if inventory is not None else self.checking.patiently(lambda: self._listed(archive_id, remote))
        )
        with self.checking.archive(archive_id) as held:
            if held is None:
                if archive_id in self.checking.library.views:
                    self._not_known(f"{self.checking.title(archive_id)}: it is being released or removed")
                return
            archive, ledger = held
            comparison = self.checking.compare(archive, ledger, self.connection.id, remote)
            listing = self.checking.patiently(lambda: comparison.listing(found))
            self._note(archive, comparison, listing)

    def _listed(self, archive_id: str, remote: Remote) -> list[Object]:
        return list(remote.list_objects(archive_id, self.checking.gate))

    # What was found

    def _note(self, archive: Archive, comparison: Comparison, listing: Listing) -> None:
        ledger, report = comparison.ledger, self.checking.report
        report.batches_checked += ledger.stored_count(self.connection.id)
        for state, indices in (
            (State.ABSENT, listing.absent), (State.DIFFERENT, listing.different), (State.TRASHED, listing.trashed),
        ):  # fmt: skip
            for index in indices:
                self._handle(archive, comparison, index, state)
        for index in listing.returned:
            ledger.stored(self.connection.id, index, ledger.remote_id(self.connection.id, index) or "")
        for index in listing.returned_trashed:
            self._untrashed(archive, comparison, index)
        if ledger.manifest(self.connection.id) and listing.manifest is not State.RIGHT:
            self._handle(archive, comparison, None, listing.manifest)
        if listing.unproven:
            report.unknown.append(
                f"{archive.title}: the remote tells no checksum of {len(listing.unproven)} batches, and there is no local copy to compare "
                f"them with; `pyarchive verify --read-back {archive.id}` reads them"
            )

    def _handle(self, archive: Archive, comparison: Comparison, index: int | None, state: State) -> None:
        if state is State.ABSENT and not comparison.remote.is_local:
            self._suspects.append((archive.id, index))
            self._suspected_s = clock.monotonic_s()
        elif state is not State.TRASHED or not self._untrashed(archive, comparison, index):
            self.checking.withdraw(archive, comparison.ledger, self.connection.id, index, WORDS[state])

    def _untrashed(self, archive: Archive, comparison: Comparison, index: int | None) -> bool:
        """Taken out of the remote's trash, and right by its id afterwards; a batch that did not count any more does again."""
        ledger, connection_id = comparison.ledger, self.connection.id
        known = ledger.manifest(connection_id) if index is None else None
        remote_id = (known[0] if known else None) if index is None else ledger.remote_id(connection_id, index)
        try:
            self.checking.connections.to_write(connection_id).untrash(remote_id or "")
            state = comparison.fresh(index)
        except RemoteError as error:
            log.warning("%s cannot be taken out of the remote's trash: %s", archive.title, error, extra={"archive_id": archive.id})
            return False
        if state not in {State.RIGHT, State.UNPROVEN}:
            return False
        if index is not None and state is State.RIGHT:
            ledger.stored(connection_id, index, remote_id or "")
        self.checking.report.add(archive, index, connection_id, "was in the remote's trash", repaired=True)
        return True

    # The second look

    def _look_again(self, remote: Remote) -> None:
        """At what was absent in the listing and by its id: a remote may not have caught up with itself."""
        if not self._suspects:
            return
        if self.checking.job.stopped.wait(max(0.0, self._suspected_s + self.checking.second_look_s - clock.monotonic_s())):
            raise Stopped("the appliance is stopping")
        for archive_id, index in self._suspects:
            try:
                self._look_again_at(archive_id, index, remote)
            except Stopped:
                raise
            except ENDS_IT as error:
                self._not_known(str(error))
                return
            except ApplianceError as error:
                self._not_known(f"{self.checking.title(archive_id)}: {error}")

    def _look_again_at(self, archive_id: str, index: int | None, remote: Remote) -> None:
        with self.checking.archive(archive_id) as held:
            if held is None:
                return
            archive, ledger = held
            if index is not None and not ledger.is_stored(self.connection.id, index):
                return  # somebody else has found it meanwhile
            comparison = self.checking.compare(archive, ledger, self.connection.id, remote)
            state = self.checking.patiently(lambda: comparison.fresh(index))
            if state in {State.RIGHT, State.UNPROVEN} or (state is State.TRASHED and self._untrashed(archive, comparison, index)):
                return
            self.checking.withdraw(archive, ledger, self.connection.id, index, WORDS[state])
        self.checking.library.changed(archive_id)

    def _not_known(self, what: str) -> None:
        self.checking.not_known(self.connection.id, what)
