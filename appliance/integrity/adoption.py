"""What a listing has of archives that this catalog does not know, or not yet: taken up, and never changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from appliance.archive import Archive
from appliance.batches import SHA256_BYTES
from appliance.catalog.ledger import ArchiveFacts, Ledger
from appliance.errors import Damaged
from appliance.jobs import Job
from appliance.library import Library
from appliance.names import safe_file_name
from appliance.remotes.layout import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest, batch_name, index_of
from appliance.remotes.remote import Gate, Object, Remote
from appliance.transfer.gates import CheckGate
from appliance.transfer.work import manifest_of

_MOST_MANIFESTS = 16  # of one archive that are read: a remote could hold any number of copies
_SMALL_BYTES, _BYTES_A_BATCH = 16 << 20, 4096
"""Of a manifest that is read: room for 90,000 batches that are not there, and for each that is."""
_NOT_CURRENT = -1


def adopt_from_remote(
    library: Library, connection_id: str, archive_id: str, remote: Remote, job: Job, found: Iterable[Object] | None = None
) -> None:
    """Entry and ledger of an archive that only the remote knows, from manifest and listing alone; it is released then.

    The manifest is hostile input. Raises Damaged where it is missing, wrong or of another archive; RemoteError.
    """
    manifest, objects = read_manifest(archive_id, remote, CheckGate(job.stopped.is_set, job.count), found)
    ledger = library.create_ledger(facts_of(manifest), manifest.batch_sha256, local=False)
    note_stored(ledger, connection_id, objects)
    library.add(Archive.from_facts(ledger.facts, title=ledger.title, owner=ledger.owner, removed_at=None))


def read_manifest(archive_id: str, remote: Remote, gate: Gate, found: Iterable[Object] | None = None) -> tuple[Manifest, dict[str, Object]]:
    """The archive's manifest and what lies beside it, by name; ``found`` is its listing, where there is one already.

    Where a name is there several times, it is the object that the manifest describes. Of several manifests it is the one
    whose table describes most of what was listed (a manifest that was replaced describes batches that are not there any
    more), and among equals the one that names most of the listed ids.
    Raises Damaged where there is none that can be right, NewerFormat, RemoteError.
    """
    objects = [each for each in (remote.list_objects(archive_id, gate) if found is None else found) if not each.trashed]
    most_bytes = min(MAX_MANIFEST_BYTES, _SMALL_BYTES + _BYTES_A_BATCH * len(objects))
    manifests = [each for each in objects if each.name == MANIFEST_NAME and each.size_bytes <= most_bytes]
    best: tuple[tuple[int, int], Manifest, dict[str, Object]] | None = None
    why: Damaged | None = None
    for each in manifests[:_MOST_MANIFESTS]:
        try:
            manifest, sha256 = _read(each, archive_id, remote, gate)
        except Damaged as error:
            why = error
            continue
        chosen = chosen_by(manifest.batch_sha256, manifest.size_bytes, manifest.batch_bytes, objects)
        score = _score(manifest, chosen)
        if best is None or score > best[0]:
            best = score, manifest, chosen | {MANIFEST_NAME: replace(each, sha256=sha256)}
    if best is None:
        raise why or _without_manifest(objects)
    return best[1], best[2]


def _without_manifest(objects: list[Object]) -> Damaged:
    by_hand = "its batches can be put together by hand only"
    if any(each.name == MANIFEST_NAME for each in objects):
        return Damaged(f"its manifest is much larger than what lies beside it explains, and is not read; {by_hand}")
    return Damaged(f"it has no manifest: {by_hand}")


def _read(found: Object, archive_id: str, remote: Remote, gate: Gate) -> tuple[Manifest, bytes]:
    content = b"".join(remote.get(found.remote_id, 0, found.size_bytes, gate))
    manifest = Manifest.from_bytes(content)
    if manifest.archive_id != archive_id or safe_file_name(manifest.file_name) != manifest.file_name:
        raise Damaged("its manifest is of another archive, or names a file that cannot be")
    return manifest, hashlib.sha256(content).digest()


def _score(manifest: Manifest, chosen: dict[str, Object]) -> tuple[int, int]:
    right = [index for index in map(index_of, chosen) if index is not None and _is_described(chosen[batch_name(index)], manifest, index)]
    return len(right), sum(manifest.remote_ids[index] == chosen[batch_name(index)].remote_id for index in right)


def _is_described(one: Object, manifest: Manifest, index: int) -> bool:
    return index < manifest.batch_count and one.sha256 == manifest.batch_sha256[SHA256_BYTES * index : SHA256_BYTES * (index + 1)]


def chosen_by(table: bytes, size_bytes: int, batch_bytes: int, objects: Iterable[Object]) -> dict[str, Object]:
    """Batches by name: the first that the table describes (size and SHA-256), where there is one, else the first of that name."""
    chosen: dict[str, Object] = {}
    for each in objects:
        index = index_of(each.name)
        if index is None:
            continue
        before = chosen.get(each.name)
        if before is None or _fits(each, table, size_bytes, batch_bytes, index) > _fits(before, table, size_bytes, batch_bytes, index):
            chosen[each.name] = each
    return chosen


def _fits(one: Object, table: bytes, size_bytes: int, batch_bytes: int, index: int) -> bool:
    expected = min(batch_bytes, size_bytes - index * batch_bytes)
    return one.size_bytes == expected and one.sha256 == table[SHA256_BYTES * index : SHA256_BYTES * (index + 1)]


def facts_of(manifest: Manifest) -> ArchiveFacts:
    return ArchiveFacts(
        archive_id=manifest.archive_id, title=manifest.title, file_name=manifest.file_name, owner=manifest.owner,
        size_bytes=manifest.size_bytes, sha256=manifest.sha256, batch_bytes=manifest.batch_bytes, created_at=manifest.created_at,
    )  # fmt: skip


def note_stored(ledger: Ledger, connection_id: str, objects: dict[str, Object]) -> None:
    """Take up what a listing found right: batches that are not stored so far, and the manifest if there is one that was read before.

    The ids are those of the listing, never those in a manifest. A manifest that tells other things than the ledger knows
    (other ids, a title of before) is stored but not current, and is written anew.
    """
    facts = ledger.facts
    right = [
        (index, one.remote_id)
        for name, one in objects.items()
        if (index := index_of(name)) is not None
        and index < ledger.batch_count
        and not (one.trashed or ledger.is_stored(connection_id, index))
        and _fits(one, ledger.table(), facts.size_bytes, facts.batch_bytes, index)
    ]
    ledger.stored_many(connection_id, right)
    manifest = objects.get(MANIFEST_NAME)
    if manifest and manifest.sha256:
        if ledger.remote_id(connection_id, None) != manifest.remote_id:  # so that the next one takes its place, and not a place beside it
            ledger.plan(connection_id, None, manifest.remote_id)
        is_current = hashlib.sha256(manifest_of(ledger, connection_id)).digest() == manifest.sha256
        ledger.manifest_stored(connection_id, manifest.remote_id, manifest.sha256, None if is_current else _NOT_CURRENT)
