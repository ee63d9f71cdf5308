"""A ledger that cannot be read is made again from what is left: the local copy, a remote's manifest, and the listing."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from appliance.archive import Archive
from appliance.batches import Hashes, hash_file
from appliance.catalog.ledger import ArchiveFacts, Ledger
from appliance.connections import Connections
from appliance.errors import ApplianceError, Damaged, RemoteError, SourceChanged, Stopped
from appliance.integrity.adoption import adopt_from_remote, chosen_by, note_stored, read_manifest
from appliance.jobs import Job
from appliance.library import Library
from appliance.problems import Problems
from appliance.remotes.layout import Manifest
from appliance.transfer.gates import CheckGate

log = logging.getLogger("integrity")


@dataclass(frozen=True, slots=True)
class Rebuild:
    """``run`` is a job; what it cannot mend stays a problem, and is tried again at the next start."""

    library: Library
    connections: Connections
    problems: Problems

    def run(self, job: Job) -> dict[str, int]:
        """Every archive whose ledger could not be read. What is on remotes is found again by the engine, which sends nothing twice."""
        mended = 0
        for archive_id in list(self.library.broken):
            try:
                self._rebuild(archive_id, job)
            except Stopped:
                raise
            except (ApplianceError, OSError, KeyError, TypeError, ValueError) as error:
                log.error("the ledger of %s cannot be made again: %s", archive_id, error)  # noqa: TRY400 (the cause is in the text)
                continue
            mended += 1
            self.problems.clear("ledger", archive_id)
        return {"mended": mended, "left": len(self.library.broken)}

    def _rebuild(self, archive_id: str, job: Job) -> None:
        document = self.library.db.table("archives").get(doc_id=archive_id)
        archive = Archive.from_document(archive_id, dict(document or {}))
        self.library.folder.check_store()
        local = self._local_file(archive)
        if local is None or not self._from_local(archive, local, job):
            self._from_remote(archive, job)
        self.library.mended(archive_id)
        log.warning("the ledger of %s was damaged and was made again", archive.title, extra={"archive_id": archive.id})

    def _local_file(self, archive: Archive) -> Path | None:
        """The local copy, if it is there in its whole size; that of a removed archive may lie in the trash."""
        for folder in (self.library.local_folder(archive.id), self.library.folder.trash / archive.id):
            path = folder / archive.file_name
            if path.is_file() and path.stat().st_size == archive.size_bytes:
                return path
        return None

    def _from_local(self, archive: Archive, path: Path, job: Job) -> bool:
        """False where the copy is not what was taken in, and no manifest tells which batches of it are right."""
        try:
            hashes = hash_file(path, archive.size_bytes, archive.batch_bytes, stop=lambda: job.count(0))
        except SourceChanged:
            return False
        table = hashes.batches if hashes.sha256.hex() == archive.sha256 else self._table_elsewhere(archive, job)
        if table is None:
            return False
        self.library.set_aside_ledger(archive.id)
        ledger = self.library.create_ledger(_facts(archive), table)
        _withdraw_wrong(ledger, hashes)
        self._take_up_remotes(ledger, job)
        if archive.removed_at:
            ledger.removed(archive.removed_at)
        return True

    def _table_elsewhere(self, archive: Archive, job: Job) -> bytes | None:
        for connection in self.connections.all():
            try:
                manifest = self._manifest(connection.id, archive.id, job)
            except (Damaged, RemoteError):
                continue
            if (manifest.sha256.hex(), manifest.batch_bytes) == (archive.sha256, archive.batch_bytes):
                return manifest.batch_sha256
        return None

    def _take_up_remotes(self, ledger: Ledger, job: Job) -> None:
        """What remotes that answer have of it; what the others have is found when they answer, and not sent again."""
        facts = ledger.facts
        for connection in self.connections.all():
            remote, gate = self.connections.remote(connection.id), CheckGate(job.stopped.is_set, job.count)
            try:
                found = list(remote.list_objects(facts.archive_id, gate))
                try:
                    objects = read_manifest(facts.archive_id, remote, gate, found)[1]
                except Damaged:
                    objects = {}
            except RemoteError:
                continue
            # The table is known here: what of the batches is right needs no manifest.
            there = (each for each in found if not each.trashed)
            batches = chosen_by(ledger.table(), facts.size_bytes, facts.batch_bytes, there)
            note_stored(ledger, connection.id, objects | batches)

    def _manifest(self, connection_id: str, archive_id: str, job: Job) -> Manifest:
        return read_manifest(archive_id, self.connections.remote(connection_id), CheckGate(job.stopped.is_set, job.count))[0]

    def _from_remote(self, archive: Archive, job: Job) -> None:
        for connection in self.connections.all():
            try:
                manifest = self._manifest(connection.id, archive.id, job)
            except (Damaged, RemoteError):
                continue
            if manifest.sha256.hex() == archive.sha256:
                self.library.set_aside_ledger(archive.id)
                adopt_from_remote(self.library, connection.id, archive.id, self.connections.remote(connection.id), job)
                if archive.removed_at:
                    self.library.mark_removed(archive.id, archive.removed_at)
                return
        raise Damaged("neither a right local copy nor a manifest on a remote that answers was found")


def _facts(archive: Archive) -> ArchiveFacts:
    return ArchiveFacts(
        archive_id=archive.id, title=archive.title, file_name=archive.file_name, owner=archive.owner, size_bytes=archive.size_bytes,
        sha256=bytes.fromhex(archive.sha256), batch_bytes=archive.batch_bytes, created_at=archive.created_at,
    )  # fmt: skip


def _withdraw_wrong(ledger: Ledger, hashes: Hashes) -> None:
    for index in range(ledger.batch_count):
        if hashes.batches[32 * index : 32 * index + 32] != ledger.batch_sha256(index):
            ledger.uncached(index, "wrong when the ledger was made again")
