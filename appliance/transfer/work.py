"""Moving one batch, the manifest, or ending a restore. Raises what the remote, the store and the gate raise."""

from __future__ import annotations

import errno
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from appliance.archive import Archive
from appliance.batches import drop_cache_of, hash_whole
from appliance.catalog.ledger import Ledger
from appliance.data_folder import DataFolder
from appliance.errors import Damaged, LocalDamaged, RemoteDamaged, RemoteError, StoreUnavailable
from appliance.intake.admission import Admission
from appliance.library import Library
from appliance.remotes.layout import MANIFEST_NAME, Manifest, batch_name
from appliance.remotes.remote import Gate, Object, Remote
from appliance.spaces import Part
from appliance.store import RESTORING, BytesReader, LocalWriter, StoreReader, batch_is_right, translated
from appliance.transfer.replacing import put_or_replace
from appliance.transfer.spool import spool_file

_IDS_AT_ONCE = 64
_planning = [threading.Lock() for _ in range(16)]  # an archive's is chosen by its id


def remote_id_for(ledger: Ledger, connection_id: str, index: int | None, remote: Remote) -> str:
    """The id under which the batch is, or will be, stored: chosen and synced in the ledger before its first use."""
    known = ledger.remote_id(connection_id, index)
    if known is not None:
        return known
    # Two slots that begin at the same time must not plan the same batches twice: the later ids would take the place of those in use.
    with _planning[hash(ledger.facts.archive_id) % len(_planning)]:
        return ledger.remote_id(connection_id, index) or _plan_ahead(ledger, connection_id, index, remote)


def _plan_ahead(ledger: Ledger, connection_id: str, index: int | None, remote: Remote) -> str:
    wanted = _without_id(ledger, connection_id, index)
    names = [MANIFEST_NAME if each is None else batch_name(each) for each in wanted]
    ids = remote.new_ids(ledger.facts.archive_id, names, is_new=connection_id not in ledger.connections())
    ledger.plan_many(connection_id, list(zip(wanted, ids, strict=True)))
    return ids[0]


def _without_id(ledger: Ledger, connection_id: str, index: int | None) -> list[int | None]:
    if index is None:
        return [None]
    first = index - index % _IDS_AT_ONCE  # a block, whichever of its batches a slot begins with
    block: list[int | None] = [*range(first, min(first + _IDS_AT_ONCE, ledger.batch_count)), None]
    return [index, *(each for each in block if each != index and ledger.remote_id(connection_id, each) is None)]


def upload_batch(library: Library, archive: Archive, index: int, connection_id: str, remote: Remote, gate: Gate) -> None:
    """Store one batch, of the local copy or (of a released archive) of the spool, and write down that the remote has it."""
    ledger = library.ledger(archive.id)
    remote_id = remote_id_for(ledger, connection_id, index, remote)
    size = ledger.range_of(index)[1]
    with _reader(library, archive, ledger, index) as reader:

        def put(under: str) -> Object:
            return _put(ledger, connection_id, index, under, reader, remote, gate, batch_name(index))

        stored = put_or_replace(library, ledger, connection_id, index, remote, remote_id, put)
    _check_stored(stored, size, ledger.batch_sha256(index))
    ledger.stored(connection_id, index, stored.remote_id)


def _reader(library: Library, archive: Archive, ledger: Ledger, index: int) -> StoreReader:
    offset, size = ledger.range_of(index)
    if ledger.is_released:
        return StoreReader(spool_file(library.folder.spool, archive.id, index), 0, size, ledger.batch_sha256(index))
    return StoreReader(library.local_file(archive), offset, size, ledger.batch_sha256(index))


def _put(
    ledger: Ledger,
    connection_id: str,
    index: int | None,
    remote_id: str,
    reader: StoreReader | BytesReader,
    remote: Remote,
    gate: Gate,
    name: str,
) -> Object:
    before = ledger.session_of(connection_id, index)

    def confirmed(session: str, offset_bytes: int) -> None:
        known = ledger.session_of(connection_id, index)
        if known is None or known[0] != session:
            ledger.session(connection_id, index, session)
        ledger.confirmed(connection_id, index, offset_bytes)

    return remote.put(remote_id, ledger.facts.archive_id, name, reader, before[0] if before else None, confirmed, gate)


def _check_stored(stored: Object, size_bytes: int, sha256: bytes) -> None:
    """Only what the remote itself reports counts."""
    if stored.trashed or stored.size_bytes != size_bytes or stored.sha256 != sha256:
        raise RemoteDamaged(f"the remote reports {stored.name} with another size or checksum than was sent; it is sent again")


def manifest_of(ledger: Ledger, connection_id: str) -> bytes:
    """manifest.json of an archive whose batches are all stored there."""
    facts = ledger.facts
    ids = [remote_id or "" for remote_id in ledger.remote_ids(connection_id)]
    return Manifest.of(facts, ledger.title, ledger.owner, ledger.table(), ids).to_bytes()


def upload_manifest(library: Library, archive: Archive, connection_id: str, remote: Remote, gate: Gate) -> None:
    """The last object: with it the archive can be understood without us."""
    ledger = library.ledger(archive.id)
    remote_id = remote_id_for(ledger, connection_id, None, remote)
    version = ledger.manifest_version  # a rename meanwhile makes this one outdated, and the next one due
    reader = BytesReader(manifest_of(ledger, connection_id))
    stored = _put(ledger, connection_id, None, remote_id, reader, remote, gate, MANIFEST_NAME)
    _check_stored(stored, reader.size_bytes, reader.sha256)
    ledger.manifest_stored(connection_id, stored.remote_id, reader.sha256, version)


def download_batch(library: Library, archive: Archive, index: int, connection_id: str, remote: Remote, gate: Gate) -> None:
    """Fetch one batch to its place in the local copy; it counts once it is right and synced, in a repair once it was read back, too.

    What a restore brings is read back as a whole at its end, before the file gets its name.
    """
    ledger = library.ledger(archive.id)
    offset, size = ledger.range_of(index)
    remote_id = ledger.remote_id(connection_id, index) or ""
    digest = hashlib.sha256()

    def fetch(write: Callable[[bytes], None]) -> None:
        for piece in remote.get(remote_id, 0, size, gate) if size else ():
            digest.update(piece)
            write(piece)
        if digest.digest() != ledger.batch_sha256(index):
            raise RemoteDamaged(f"batch {index} of {archive.title!r} came back with another checksum; it is tried from elsewhere, or again")

    try:
        writer = LocalWriter(library.local_folder(archive.id), archive, released=ledger.is_released)
        with _still_there(library, writer):
            writer.write(offset, fetch)
    except OSError as error:
        raise translated(error, f"restoring {archive.title}") from error
    if not ledger.is_released and not batch_is_right(writer.path, ledger, index, lambda _: None):
        raise LocalDamaged(f"the disk did not keep batch {index} of {archive.title!r}; check the store's disk")
    ledger.cached(index)


def finish_restore(library: Library, archive: Archive, count: Callable[[int], None], stop: Callable[[], None]) -> None:
    """All batches are there: check the whole, from the disk, and only then give the file its name. What is wrong is fetched again."""
    ledger, folder = library.ledger(archive.id), library.local_folder(archive.id)
    # The end may have come after the file got its name and before that was written down.
    named = library.local_file(archive).exists() and not (folder / RESTORING).exists()
    writer = LocalWriter(folder, archive, released=not named)
    with _still_there(library, writer):
        is_whole = _is_whole(writer.path, archive, count, stop)
    if not is_whole:
        raise _wrong_batches(library, archive, writer.path, stop)
    try:
        writer.finish()
    except OSError as error:
        raise translated(error, f"restoring {archive.title}") from error
    ledger.restored()


def _is_whole(path: Path, archive: Archive, count: Callable[[int], None], stop: Callable[[], None]) -> bool:
    """As it stands on the disk. A part that cannot be read is as wrong as one that has changed."""
    try:
        drop_cache_of(path)
        return hash_whole(path, archive.size_bytes, on_progress=count, stop=stop).hex() == archive.sha256
    except OSError as error:
        if error.errno == errno.EIO:
            return False
        raise translated(error, f"checking {archive.title}") from error


@contextmanager
def _still_there(library: Library, writer: LocalWriter) -> Iterator[None]:
    """What was written counts only where the store's disk has not left meanwhile; nothing stays in the empty folder that it leaves.

    Raises StoreUnavailable.
    """
    try:
        yield
    finally:
        try:
            library.folder.check_store()
        except StoreUnavailable:
            writer.take_back()
            raise


def _wrong_batches(library: Library, archive: Archive, path: Path, stop: Callable[[], None]) -> Damaged:
    """What to raise, once they are not cached any more: the disk did not keep them, or somebody wrote into the file.

    Raises StoreUnavailable: then nothing is concluded.
    """
    ledger = library.ledger(archive.id)
    wrong = [index for index in range(ledger.batch_count) if not batch_is_right(path, ledger, index, lambda _: stop())]
    library.folder.check_store(past_cache=True)
    for index in wrong:
        ledger.uncached(index, "wrong in the restored file")
    if not wrong:
        return Damaged(f"{archive.title!r} could not be read from the disk as a whole; it is tried again")
    return Damaged(f"{len(wrong)} batches of {archive.title!r} are wrong on the disk; they are fetched again")


def check_room(admission: Admission, archive: Archive, folder: DataFolder) -> None:
    """Before the first byte of a restore. Raises DiskFull with the numbers, StoreUnavailable."""
    folder.check_store()
    place = folder.store / archive.id / ".restoring"
    there = place.stat().st_blocks * 512 if place.exists() else 0
    admission.check(max(0, archive.size_bytes - there), f"restoring {archive.title}", frozenset({Part.STORE}))


class Found(Enum):
    """What a look at one batch by its id tells."""

    RIGHT = "right"
    ABSENT = "absent"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


def look_at(ledger: Ledger, index: int, connection_id: str, remote: Remote) -> Found:
    """Is a batch that could not be read really not there, or not right? Any error while asking is UNKNOWN."""
    remote_id = ledger.remote_id(connection_id, index)
    if remote_id is None:
        return Found.ABSENT
    try:
        found = remote.stat(remote_id)
    except RemoteError:
        return Found.UNKNOWN
    if found is None:
        return Found.ABSENT
    if found.sha256 is None and found.size_bytes == ledger.range_of(index)[1]:
        return Found.UNKNOWN  # the remote has no checksum to tell by; a check that reads it back does
    return Found.DIFFERENT if found.trashed or found.sha256 != ledger.batch_sha256(index) else Found.RIGHT
