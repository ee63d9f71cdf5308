"""What lies on a remote or on the disk and no ledger knows: listed, offered for adoption, never deleted."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from appliance import clock
from appliance.archive import Archive
from appliance.batches import Hashes, hash_file
from appliance.catalog.ledger import ArchiveFacts, Ledger
from appliance.connections import Connections
from appliance.data_folder import MARKER
from appliance.errors import ApplianceError, Damaged, RemoteError
from appliance.jobs import Job
from appliance.library import Library
from appliance.names import ARCHIVE_ID, clean_title, safe_file_name
from appliance.remotes.layout import MANIFEST_NAME, Manifest, batch_name
from appliance.remotes.remote import Object, Remote
from appliance.settings import SettingsStore
from appliance.transfer.gates import CheckGate

log = logging.getLogger("integrity")
_MOST_MANIFEST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Orphan:
    """``where``: a connection id, or the folder below DATA. ``name`` is empty for a whole archive."""

    where: str
    archive_id: str
    name: str
    size_bytes: int
    adopted: bool = False
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Orphans:
    """Finds and adopts. Adoption only ever adds archives; nothing that was found is changed."""

    library: Library
    connections: Connections
    settings: SettingsStore

    def run(self, job: Job, *, adopt: bool) -> dict[str, Any]:
        """All orphans, adopted where asked and possible. A connection that does not answer is named in ``unknown``."""
        found, unknown = list(self.local()), []
        if adopt:
            found = [self._adopted_local(orphan, job) for orphan in found]
        for connection in self.connections.all():
            try:
                remote = self.connections.remote(connection.id)
                remote.check()
                found += [self._adopted_remote(o, remote, job) if adopt else o for o in self._on_remote(connection.id, remote, job)]
            except RemoteError as error:
                unknown.append(f"connection {connection.name}: {error}")
        tombstones = len(self.library.db.table("tombstones"))
        return {"orphans": [asdict(orphan) for orphan in found], "unknown": unknown, "tombstones": tombstones}

    # On the disk

    def local(self) -> Iterator[Orphan]:
        """Files and folders of ours without an entry in the catalog."""
        uploads = set(self.library.db.table("uploads").ids())
        known = set(self.library.ids()) | self.library.broken.keys()
        for name, folder, expected in (
            ("store", self.library.folder.store, known | uploads), ("trash", self.library.folder.trash, known),
            ("uploads", self.library.folder.uploads, uploads), ("spool", self.library.folder.spool, known),
        ):  # fmt: skip
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                if path.name not in expected and path.name != MARKER:
                    yield Orphan(name, path.name, "", _size_bytes(path))

    def _adopted_local(self, orphan: Orphan, job: Job) -> Orphan:
        if orphan.where != "store" or not ARCHIVE_ID.fullmatch(orphan.archive_id):
            return replace(
                orphan, why_not="only whole copies in the store can be adopted; look at it, and move it to the inbox if you want it"
            )
        try:
            self._adopt_local(orphan.archive_id, job)
        except (ApplianceError, OSError) as error:
            return replace(orphan, why_not=str(error))
        return replace(orphan, adopted=True)

    def _adopt_local(self, archive_id: str, job: Job) -> None:
        files = [path for path in self.library.local_folder(archive_id).iterdir() if path.is_file()]
        if len(files) != 1 or files[0].name.startswith("."):
            raise Damaged("the folder does not hold exactly one finished file")
        path, size = files[0], files[0].stat().st_size
        manifest = self._manifest_elsewhere(archive_id, job)
        batch_bytes = manifest.batch_bytes if manifest else self.settings.current.batch_size_mib << 20
        hashes = hash_file(path, size, batch_bytes, on_progress=lambda _: job.count(0), stop=lambda: job.count(0))
        if manifest and (manifest.sha256, manifest.batch_sha256) == (hashes.sha256, hashes.batches):
            facts = _facts(manifest)
        else:
            facts = self._own_facts(archive_id, path.name, size, batch_bytes, hashes)
        self.library.set_aside_ledger(archive_id)  # one that is there cannot be read: its archive would be known
        self.library.create_ledger(facts, hashes.batches)
        self.library.add(Archive.from_facts(facts, title=facts.title, owner=facts.owner, removed_at=None))

    def _own_facts(self, archive_id: str, name: str, size_bytes: int, batch_bytes: int, hashes: Hashes) -> ArchiveFacts:
        return ArchiveFacts(
            archive_id=archive_id, title=clean_title(name), file_name=name, owner=self.settings.current.default_owner,
            size_bytes=size_bytes, sha256=hashes.sha256, batch_bytes=batch_bytes, created_at=clock.now(),
        )  # fmt: skip

    def _manifest_elsewhere(self, archive_id: str, job: Job) -> Manifest | None:
        """Title, owner and cut, where a remote has its manifest: if the bytes are the same, nothing is sent again."""
        for connection in self.connections.all():
            try:
                return read_manifest(archive_id, self.connections.remote(connection.id), CheckGate(job.stopped.is_set, job.count))[0]
            except (Damaged, RemoteError):
                continue
        return None

    # On a remote

    def _on_remote(self, connection_id: str, remote: Remote, job: Job) -> list[Orphan]:
        buried = {doc["remote_id"] for _, doc in self.library.db.table("tombstones").items() if doc["connection_id"] == connection_id}
        found: list[Orphan] = []
        for archive_id in remote.list_archives():
            objects = [o for o in remote.list_objects(archive_id, CheckGate(job.stopped.is_set, job.count)) if not o.trashed]
            found += self._strangers(connection_id, archive_id, [o for o in objects if o.remote_id not in buried])
        return found

    def _strangers(self, connection_id: str, archive_id: str, objects: list[Object]) -> list[Orphan]:
        if archive_id not in self.library.views:
            whole = sum(each.size_bytes for each in objects if each.name != MANIFEST_NAME)
            return [Orphan(connection_id, archive_id, "", whole)] if objects else []
        ledger = self.library.ledger(archive_id)
        names = {MANIFEST_NAME} | {batch_name(index) for index in range(ledger.batch_count)}
        return [Orphan(connection_id, archive_id, each.name, each.size_bytes) for each in objects if each.name not in names]

    def _adopted_remote(self, orphan: Orphan, remote: Remote, job: Job) -> Orphan:
        if orphan.name:
            return replace(orphan, why_not="it belongs to no archive's table of batches")
        try:
            adopt_from_remote(self.library, orphan.where, orphan.archive_id, remote, job)
        except (ApplianceError, OSError) as error:
            return replace(orphan, why_not=str(error))
        return replace(orphan, adopted=True)


def adopt_from_remote(library: Library, connection_id: str, archive_id: str, remote: Remote, job: Job) -> None:
    """Entry and ledger of an archive that only the remote knows, from manifest and listing alone; it is released then.

    The manifest is hostile input. Raises Damaged where it is missing, wrong or of another archive; RemoteError.
    """
    manifest, objects = read_manifest(archive_id, remote, CheckGate(job.stopped.is_set, job.count))
    ledger = library.create_ledger(_facts(manifest), manifest.batch_sha256, local=False)
    note_stored(ledger, connection_id, objects)
    library.add(Archive.from_facts(ledger.facts, title=ledger.title, owner=ledger.owner, removed_at=None))


def read_manifest(archive_id: str, remote: Remote, gate: CheckGate) -> tuple[Manifest, dict[str, Object]]:
    """The archive's manifest and what else lies beside it, by name. Raises Damaged where there is none that can be right, RemoteError."""
    objects = {each.name: each for each in remote.list_objects(archive_id, gate) if not each.trashed}
    found = objects.get(MANIFEST_NAME)
    if found is None or found.size_bytes > _MOST_MANIFEST_BYTES:
        raise Damaged("it has no manifest: its batches can be put together by hand only")
    manifest = Manifest.from_bytes(b"".join(remote.get(found.remote_id, 0, found.size_bytes, gate)))
    if manifest.archive_id != archive_id or safe_file_name(manifest.file_name) != manifest.file_name:
        raise Damaged("its manifest is of another archive, or names a file that cannot be")
    return manifest, objects


def _facts(manifest: Manifest) -> ArchiveFacts:
    return ArchiveFacts(
        archive_id=manifest.archive_id, title=manifest.title, file_name=manifest.file_name, owner=manifest.owner,
        size_bytes=manifest.size_bytes, sha256=manifest.sha256, batch_bytes=manifest.batch_bytes, created_at=manifest.created_at,
    )  # fmt: skip


def note_stored(ledger: Ledger, connection_id: str, objects: dict[str, Object]) -> None:
    """Take up what a listing found right: batches, and the manifest if there is one that was read before."""
    found = ((index, objects.get(batch_name(index))) for index in range(ledger.batch_count))
    right = [
        (index, one.remote_id)
        for index, one in found
        if one and one.sha256 == ledger.batch_sha256(index) and one.size_bytes == ledger.range_of(index)[1]
    ]
    ledger.stored_many(connection_id, right)
    manifest = objects.get(MANIFEST_NAME)
    if manifest and manifest.sha256:
        ledger.manifest_stored(connection_id, manifest.remote_id, manifest.sha256)


def _size_bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir())
