"""Where an archive's copies are to be: release, restore, removal and its undo."""

from __future__ import annotations

import contextlib
import errno
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from appliance import clock, durable
from appliance.archive import Archive
from appliance.catalog.ledger import Ledger
from appliance.connections import Connections
from appliance.errors import ApplianceError, Conflict, Refused, RemoteError
from appliance.integrity.listing import Listing, State, list_archive
from appliance.jobs import Job
from appliance.library import Library
from appliance.remotes.layout import MANIFEST_NAME, batch_name
from appliance.remotes.remote import Gate
from appliance.settings import SettingsStore
from appliance.store import free_local
from appliance.tombstone import REMOVED, TABLE, Tombstone, all_of
from appliance.tombstone import changes as tombstone_changes
from appliance.transfer.gates import CheckGate
from mqtt.messages import EventName, Rung

log = logging.getLogger("placement")


class Tell(Protocol):
    """An event about an archive, and its cause in words where there is something to say."""

    def __call__(self, event: EventName, archive: Archive, *, message: str | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class Placement:
    """The verbs that change where copies are. Each takes the archive's lock alone while it changes something."""

    library: Library
    connections: Connections
    settings: SettingsStore
    tell: Tell
    unsettled: set[str] = field(default_factory=set)
    """Archives whose local copy is not where ledger and catalog say, because the disk refused."""

    # Release and restore

    def release(self, archive_id: str, job: Job, why: str | None = None) -> dict[str, str]:
        """Free the local copy, after manifest and every batch were freshly listed and right on one connection.

        Raises Refused where no connection has all of it right, Conflict where it is pinned, busy or released already, Stopped.
        """
        view = self.library.view(archive_id)
        if not view.local:
            raise Conflict(f"{view.archive.title!r} is released already; `pyarchive restore` brings it back")
        _refuse_pinned(view.archive)
        job.total_bytes = view.archive.size_bytes
        with self.library.locks.alone(archive_id):
            connection_id = self._proof(archive_id, CheckGate(job.stopped.is_set, job.count))
            with self.library.giving_up:
                _refuse_pinned(self.library.archive(archive_id))
                ledger = self.library.ledger(archive_id)
                if connection_id not in self.library.valid or ledger.stored_count(connection_id) < ledger.batch_count:
                    raise Refused(f"{view.archive.title!r} cannot be released: the connection that has it was removed or emptied meanwhile")
                ledger.released()
                self.library.changed(archive_id)
            with self._to_be_settled(archive_id):
                free_local(self.library.local_folder(archive_id), view.archive.file_name)
        for_what = f": {why}" if why else ""
        log.info("released %s; its copy is on %s%s", view.archive.title, connection_id, for_what, extra={"archive_id": archive_id})
        self.tell(EventName.ARCHIVE_RELEASED, view.archive, message=why)
        return {"archive_id": archive_id, "connection_id": connection_id}

    def _proof(self, archive_id: str, gate: Gate) -> str:
        """The connection on which all was freshly found right. Raises Refused with what each one lacks."""
        view = self.library.view(archive_id)
        reasons = []
        for connection_id in sorted(self.library.valid & view.standings.keys(), key=lambda c: c != self.library.active):
            if view.standings[connection_id].rung not in {Rung.REMOTE, Rung.PROVEN} or view.standings[connection_id].manifest_due:
                reasons.append(f"{view.standings[connection_id].batches_stored} of {view.batches} batches are stored there")
                continue
            reason = self._why_not(archive_id, connection_id, gate)
            if reason is None:
                return connection_id
            reasons.append(reason)
        why = "; ".join(reasons) or "no valid connection has any of it"
        raise Refused(
            f"{view.archive.title!r} cannot be released, its only copy is here: {why}; wait until it is remote (`pyarchive show`)"
        )

    def _why_not(self, archive_id: str, connection_id: str, gate: Gate) -> str | None:
        ledger, remote = self.library.ledger(archive_id), self.connections.remote(connection_id)
        try:
            listing = list_archive(ledger, connection_id, remote, gate, self.library.local_file(self.library.archive(archive_id)))
        except RemoteError as error:
            return f"the remote does not answer ({error})"
        return None if listing.is_right else _in_words(listing)

    def restore(self, archive_id: str) -> None:
        """Ask for the local copy back; the engine fetches what is missing. Nothing happens when it is wanted already."""
        ledger = self.library.ledger(archive_id)
        if not ledger.wanted_local:
            ledger.want_local()
            self.library.changed(archive_id)

    def pin(self, archive_id: str, *, pinned: bool) -> None:
        """Whether the local copy is to stay, whatever the disk. Nothing happens where that is so already."""
        with self.library.giving_up:
            if self.library.archive(archive_id).pinned != pinned:
                self.library.update(archive_id, pinned=pinned)

    # Removal

    def remove(self, archive_id: str) -> datetime:
        """Into the trash; the time until which it can be undone. What is on the remotes stays until then."""
        at = clock.now()
        with self.library.locks.alone(archive_id):
            self.library.folder.check_store()
            self.library.mark_removed(archive_id, at)
            with self._to_be_settled(archive_id):
                self._move(self.library.local_folder(archive_id), self.library.folder.trash / archive_id)
        archive = self.library.archive(archive_id)
        log.info("removed %s", archive.title, extra={"archive_id": archive_id})
        self.tell(EventName.ARCHIVE_REMOVED, archive)
        return at + timedelta(days=self.settings.current.undo_days)

    def undo(self, archive_id: str) -> None:
        """Raises Conflict where it was not removed."""
        if self.library.archive(archive_id).removed_at is None:
            raise Conflict("this archive was not removed; there is nothing to undo")
        with self.library.locks.alone(archive_id):
            self.library.folder.check_store()
            self._move(self.library.folder.trash / archive_id, self.library.local_folder(archive_id))
            self.library.mark_removed(archive_id, None)
        self.tell(EventName.ARCHIVE_CREATED, self.library.archive(archive_id))

    def _move(self, source: Path, target: Path) -> None:
        if not source.exists():
            return
        try:
            durable.rename(source, target)
        except OSError as error:
            if error.errno != errno.EXDEV:  # a store on a disk of its own keeps its removed copies where they are
                raise
            return
        durable.sync_dir(target.parent)
        durable.sync_dir(source.parent)

    @contextmanager
    def _to_be_settled(self, archive_id: str) -> Iterator[None]:
        try:
            yield
        except OSError:
            self.unsettled.add(archive_id)
            raise

    def settle_again(self) -> None:
        """Where the disk refused before; call it while the store is there."""
        for archive_id in list(self.unsettled):
            with contextlib.suppress(OSError, ApplianceError):
                if archive_id in self.library.views:
                    self.settle(archive_id)
                self.unsettled.discard(archive_id)

    def settle(self, archive_id: str) -> None:
        """End what a crash cut in two: freeing a released copy, moving a removed one or one taken back.

        Raises Conflict where the archive is in use: who has it sees to its copy.
        """
        with self.library.locks.alone(archive_id, timeout_s=1.0):
            self._settle(archive_id)

    def _settle(self, archive_id: str) -> None:
        view = self.library.view(archive_id)
        here, trash = self.library.local_folder(archive_id), self.library.folder.trash / archive_id
        if view.archive.removed_at:
            self._move(here, trash)
        else:
            self._move(trash, here)
            _, rung = view.best(self.library.valid)
            if not view.local and not view.wanted_local and rung in {Rung.REMOTE, Rung.PROVEN}:
                free_local(here, view.archive.file_name)

    # The end of a removal

    def expire(self, is_older: Callable[[datetime, timedelta], bool]) -> None:
        """Archives removed longer ago than the undo time: the local copy goes, and what is on remotes gets tombstones.

        ``is_older(at, age)`` judges age; call only while the clock can be trusted.
        """
        undo_time = timedelta(days=self.settings.current.undo_days)
        for view in self.library.all_views():
            if view.archive.removed_at and is_older(view.archive.removed_at, undo_time):
                self._bury(view.archive)

    def _bury(self, archive: Archive) -> None:
        try:
            with self.library.locks.alone(archive.id, timeout_s=1.0):
                self.library.folder.check_store()
                tombstones = tombstone_changes(self._tombstones(archive.id))
                for folder in (self.library.folder.trash / archive.id, self.library.local_folder(archive.id)):
                    free_local(folder, archive.file_name)
                self.library.forget(archive.id, {TABLE: tombstones})
        except (ApplianceError, OSError) as error:
            log.warning("the removed archive %s cannot be freed yet: %s", archive.id, error)

    def _tombstones(self, archive_id: str) -> list[Tombstone]:
        """For all that the ledger names, and for what was to be replaced: there is nothing to wait for any more."""
        at = clock.iso(clock.now())
        replaced = [replace(stone, at=at) for stone in all_of(self.library.db) if stone.archive_id == archive_id and stone.at is None]
        ledger = self.library.ledger(archive_id)
        return replaced + [stone for connection_id in sorted(ledger.connections()) for stone in _tombstones_on(ledger, connection_id, at)]


def _refuse_pinned(archive: Archive) -> None:
    if archive.pinned:
        raise Conflict(f"{archive.title!r} is pinned, its local copy stays; `pyarchive unpin {archive.id}` first, then release it")


def _tombstones_on(ledger: Ledger, connection_id: str, at: str) -> Iterator[Tombstone]:
    def of(remote_id: str, name: str, size_bytes: int | None) -> Tombstone:
        return Tombstone(
            connection_id=connection_id, remote_id=remote_id, archive_id=ledger.facts.archive_id, name=name, reason=REMOVED, at=at,
            size_bytes=size_bytes,
        )  # fmt: skip

    known = ledger.manifest(connection_id)
    for remote_id in {ledger.remote_id(connection_id, None), known[0] if known else None} - {None}:
        yield of(remote_id or "", MANIFEST_NAME, None)
    for index, remote_id in enumerate(ledger.remote_ids(connection_id)):
        if remote_id is not None:
            yield of(remote_id, batch_name(index), ledger.range_of(index)[1])


def _in_words(listing: Listing) -> str:
    parts = [
        (len(listing.absent), "missing"),
        (len(listing.different), "different"),
        (len(listing.trashed), "in the remote's trash"),
        (len(listing.unproven), "without a checksum"),
        (int(listing.manifest is not State.RIGHT), "manifest not right"),
    ]
    return "a fresh listing there found " + ", ".join(f"{count} {what}" for count, what in parts if count)
