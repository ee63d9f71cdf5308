"""One archive of a recovery: entry, ledger and what of it is right, from manifest and listing; nothing on the remote is changed."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from appliance import clock
from appliance.archive import Archive
from appliance.batches import hash_file
from appliance.catalog.ledger import Ledger
from appliance.errors import Conflict, Damaged, NewerFormat, RemoteBusy, RemoteDamaged, SourceChanged
from appliance.integrity.adoption import chosen_by, facts_of, note_stored, read_manifest
from appliance.library import Library
from appliance.recovery.copy_format import CatalogCopy
from appliance.remotes.layout import MANIFEST_NAME, batch_name, index_of
from appliance.remotes.remote import Gate, Object, Remote

log = logging.getLogger("recovery")
TABLE = "recovered"
"""Archives that the recovery under way has brought back: so that one that goes on after a kill can tell them from those known before."""


@dataclass(frozen=True, slots=True)
class Adopter:
    """Safe to repeat after a kill at any point: a ledger that is there without its entry is taken up again. Thread-safe."""

    library: Library
    connection_id: str
    remote: Remote
    gate: Gate
    copy: CatalogCopy | None

    def take(self, archive_id: str, found: Iterable[Object]) -> str | None:
        """Why it did not come back, or not whole; None: it is here, and all of it is on the remote.

        Raises RemoteError, Stopped, StoreUnavailable, DiskFull, CatalogUnwritable.
        """
        objects = list(found)
        try:
            if archive_id in self.library.broken:
                return "its ledger here cannot be read; it is made again at the next start of the appliance"
            ledger = self._noted(archive_id, objects) if archive_id in self.library.views else self._adopted(archive_id, objects)
        except (Damaged, NewerFormat, Conflict) as error:
            return _all_trashed(objects) or str(error)
        missing = ledger.batch_count - ledger.stored_count(self.connection_id)
        return _incomplete(ledger, missing) if missing else None

    def _noted(self, archive_id: str, objects: list[Object]) -> Ledger:
        """Known here: what the listing proves is noted, and nothing else changed."""
        with self.library.locks.share(archive_id) as shared:
            if not shared:
                raise RemoteBusy("it is being released or removed just now")
            ledger = self.library.ledger(archive_id)
            there = self._proven(ledger, chosen_by(ledger.table(), ledger.facts.size_bytes, ledger.facts.batch_bytes, _there(objects)))
            if ledger.manifest(self.connection_id) is None:
                there |= self._right_manifest(ledger, objects)
            note_stored(ledger, self.connection_id, there)
            self._plan_trashed(ledger, objects)
            self.library.changed(archive_id)
        return ledger

    def _right_manifest(self, ledger: Ledger, objects: list[Object]) -> dict[str, Object]:
        try:
            manifest, chosen = read_manifest(ledger.facts.archive_id, self.remote, self.gate, objects)
        except (Damaged, NewerFormat):
            return {}
        return {MANIFEST_NAME: chosen[MANIFEST_NAME]} if manifest.sha256 == ledger.facts.sha256 else {}

    def _adopted(self, archive_id: str, objects: list[Object]) -> Ledger:
        """The entry is written last: from then on the rest of the appliance acts on it."""
        manifest, chosen = read_manifest(archive_id, self.remote, self.gate, objects)
        ledger = self.library.create_ledger(facts_of(manifest), manifest.batch_sha256, local=False)
        if self.copy and self.copy.is_removed(archive_id):
            ledger.removed(clock.now())  # its undo time begins anew: nobody could undo it meanwhile
        note_stored(ledger, self.connection_id, self._proven(ledger, chosen))
        self._plan_trashed(ledger, objects)
        self._take_up_local(ledger)
        archive = Archive.from_facts(ledger.facts, title=ledger.title, owner=ledger.owner, removed_at=ledger.removed_at)
        self.library.add(archive, {TABLE: {archive_id: {"removed": ledger.is_removed}}})
        return ledger

    def _proven(self, ledger: Ledger, chosen: dict[str, Object]) -> dict[str, Object]:
        """With the SHA-256 of those that the remote has computed none of: they are few, and reading them is the only proof."""
        return {name: self._read(one) if self._is_to_be_read(ledger, one) else one for name, one in chosen.items()}

    def _is_to_be_read(self, ledger: Ledger, one: Object) -> bool:
        index = index_of(one.name)
        if one.sha256 is not None or index is None or index >= ledger.batch_count:
            return False
        return one.size_bytes == ledger.range_of(index)[1] and not ledger.is_stored(self.connection_id, index)

    def _read(self, one: Object) -> Object:
        digest = hashlib.sha256()
        try:
            for piece in self.remote.get(one.remote_id, 0, one.size_bytes, self.gate) if one.size_bytes else ():
                digest.update(piece)
        except RemoteDamaged:
            return one
        return replace(one, sha256=digest.digest())

    def _plan_trashed(self, ledger: Ledger, objects: list[Object]) -> None:
        """What lies in the remote's trash, right, is left there; its id is kept, so that a check can take it out again."""
        facts = ledger.facts
        trashed = chosen_by(ledger.table(), facts.size_bytes, facts.batch_bytes, (each for each in objects if each.trashed))
        right = [
            (index, one.remote_id)
            for index in range(ledger.batch_count if trashed else 0)
            if (one := trashed.get(batch_name(index)))
            and one.sha256 == ledger.batch_sha256(index)
            and not ledger.is_stored(self.connection_id, index)
        ]
        ledger.plan_many(self.connection_id, right)

    def _take_up_local(self, ledger: Ledger) -> None:
        """The store may have outlived the catalog: a copy that is right to the last byte need not be fetched."""
        path = self.library.local_folder(ledger.facts.archive_id) / ledger.facts.file_name
        if ledger.is_released and _has_size(path, ledger.facts.size_bytes):
            try:
                hashes = hash_file(path, ledger.facts.size_bytes, ledger.facts.batch_bytes, stop=lambda: self.gate(0))
            except (SourceChanged, OSError) as error:
                log.warning("the local copy of %s cannot be taken up: %s", ledger.title, error)
                return
            if (hashes.sha256, hashes.batches) == (ledger.facts.sha256, ledger.table()):
                ledger.restored()
            else:
                log.warning("the local copy of %s is not what the remote has; it is not taken up", ledger.title)


def _there(objects: list[Object]) -> list[Object]:
    return [each for each in objects if not each.trashed]


def _has_size(path: Path, size_bytes: int) -> bool:
    return path.is_file() and path.stat().st_size == size_bytes


def _all_trashed(objects: list[Object]) -> str | None:
    if objects and all(each.trashed for each in objects):
        return "all of it lies in the remote's trash; take it out of there, then recover again"
    return None


def _incomplete(ledger: Ledger, missing: int) -> str:
    elsewhere = ", but the copy in the store is whole" if ledger.cached_count == ledger.batch_count else ""
    return (
        f"{ledger.title!r} came back with {missing:,} of {ledger.batch_count:,} batches missing, damaged or in the trash there{elsewhere}; "
        "`pyarchive verify` tells more"
    )
