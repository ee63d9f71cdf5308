"""What lies on a remote or on the disk and no ledger knows: listed, offered for adoption, never deleted."""

from __future__ import annotations

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
from appliance.integrity.adoption import adopt_from_remote, chosen_by, facts_of, note_stored, read_manifest
from appliance.integrity.inventory import Inventory
from appliance.jobs import Job
from appliance.library import Library
from appliance.names import ARCHIVE_ID, clean_title
from appliance.remotes.layout import MANIFEST_NAME, Manifest, batch_name, index_of
from appliance.remotes.remote import Object, Remote
from appliance.settings import SettingsStore
from appliance.tombstone import all_of
from appliance.transfer.gates import CheckGate


@dataclass(frozen=True, slots=True)
class Orphan:
    """``where``: a connection id, or the folder below DATA. ``name`` is empty for a whole archive, and not unique on every remote."""

    where: str
    archive_id: str
    name: str
    size_bytes: int
    remote_id: str | None = None
    adopted: bool = False
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Orphans:
    """Finds and adopts. Adoption only ever adds to what is known here; nothing that was found is changed.

    Copies of the catalog are no orphans: their names say what they are.
    """

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
                found += self._on_connection(connection.id, remote, job, adopt=adopt)
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
            facts = facts_of(manifest)
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

    def _on_connection(self, connection_id: str, remote: Remote, job: Job, *, adopt: bool) -> list[Orphan]:
        inventory = Inventory.taken(remote, CheckGate(job.stopped.is_set, job.count))
        buried = {stone.remote_id for stone in all_of(self.library.db) if stone.connection_id == connection_id}
        found: list[Orphan] = []
        for archive_id in inventory.archives():
            objects = [each for each in inventory.of(archive_id) if not each.trashed and each.remote_id not in buried]
            if archive_id in self.library.views:
                found += self._strangers(connection_id, archive_id, objects, is_by_name=remote.is_local, adopt=adopt)
            elif objects and archive_id not in self.library.broken:
                orphan = Orphan(connection_id, archive_id, "", sum(each.size_bytes for each in objects if each.name != MANIFEST_NAME))
                found.append(self._adopted_remote(orphan, remote, job, objects) if adopt else orphan)
        return found

    def _strangers(self, connection_id: str, archive_id: str, objects: list[Object], *, is_by_name: bool, adopt: bool) -> list[Orphan]:
        """What lies in a known archive's folder and its ledger does not name.

        ``is_by_name``: ids are made of names there, so that under the name of a batch lies what the ledger means by it.
        """
        ledger = self.library.ledger(archive_id)
        manifest = ledger.manifest(connection_id)
        known = {ledger.remote_id(connection_id, None), manifest[0] if manifest else None, *ledger.remote_ids(connection_id)}
        if is_by_name:
            names = {MANIFEST_NAME, *map(batch_name, range(ledger.batch_count))}
            known |= {each.remote_id for each in objects if each.name in names}
        strangers = [each for each in objects if each.remote_id not in known]
        taken = self._take_up(ledger, connection_id, strangers) if adopt else set()
        return [
            Orphan(
                connection_id, archive_id, each.name, each.size_bytes, each.remote_id, each.remote_id in taken,
                _why_not(each, ledger, connection_id) if adopt and each.remote_id not in taken else None,
            )
            for each in strangers
        ]  # fmt: skip

    def _take_up(self, ledger: Ledger, connection_id: str, strangers: list[Object]) -> set[str]:
        """Batches that the archive's own table describes, and that are not stored there: they need not be sent. The ids that were taken."""
        facts = ledger.facts
        with self.library.locks.share(facts.archive_id) as shared:
            if not shared:
                return set()
            chosen = chosen_by(ledger.table(), facts.size_bytes, facts.batch_bytes, strangers)
            note_stored(ledger, connection_id, chosen)
            ids = set(ledger.remote_ids(connection_id))
        self.library.changed(facts.archive_id)
        return {each.remote_id for each in chosen.values() if each.remote_id in ids}

    def _adopted_remote(self, orphan: Orphan, remote: Remote, job: Job, objects: list[Object]) -> Orphan:
        try:
            adopt_from_remote(self.library, orphan.where, orphan.archive_id, remote, job, objects)
        except (ApplianceError, OSError) as error:
            return replace(orphan, why_not=str(error))
        return replace(orphan, adopted=True)


def _why_not(one: Object, ledger: Ledger, connection_id: str) -> str:
    index = index_of(one.name)
    if one.name == MANIFEST_NAME:
        return "the archive has a manifest of its own"
    if index is None or index >= ledger.batch_count:
        return "it belongs to no archive's table of batches"
    if ledger.is_stored(connection_id, index):
        return "this batch is stored under another id already"
    return "it is not what the archive's table says of this batch, or the archive is busy"


def _size_bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir())
