"""Batches on their way from one connection to another: ``spool/<archive id>/<8-digit index>``, at most one a slot.

A file there is nobody's only copy: its source has the batch. What a crash leaves is taken up where it is whole and right.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

from appliance import durable
from appliance.archive import Archive
from appliance.batches import drop_cache, range_of
from appliance.catalog.ledger import Ledger
from appliance.errors import LocalDamaged, RemoteDamaged, StoreUnavailable
from appliance.intake.admission import Admission
from appliance.library import Library
from appliance.remotes.layout import batch_name, index_of
from appliance.remotes.remote import PIECE_BYTES, Gate, Remote
from appliance.spaces import Part
from appliance.store import StoreReader, translated
from appliance.views import View

_FILE_MODE = 0o600
Pieces = Callable[[Callable[[bytes], None]], None]


def spool_file(folder: Path, archive_id: str, index: int) -> Path:
    """Where the batch lies on its way, below the spool folder."""
    return folder / archive_id / batch_name(index)


class Spool:
    """Which batches lie there. Thread-safe; the files themselves are each written and read by one slot at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._ready: dict[str, set[int]] = {}
        self._checked: set[tuple[str, int]] = set()
        self._places: set[str] = set()

    def take_up(self, library: Library) -> None:
        """What the process before left of archives that we know. The rest is nobody's, and listed as unclaimed. Raises OSError."""
        for folder in self._folder.iterdir():
            view = library.views.get(folder.name)
            if view is None or not folder.is_dir():
                continue
            self._places.add(folder.name)
            for path in folder.iterdir():
                self._take_up_file(path, view)

    def _take_up_file(self, path: Path, view: View) -> None:
        index = index_of(path.name)
        if index is None or index >= view.batches:
            return
        if path.stat().st_size == range_of(index, view.archive.size_bytes, view.archive.batch_bytes).size_bytes:
            self._ready.setdefault(view.archive.id, set()).add(index)
        else:
            durable.unlink(path)

    def ready(self, archive_id: str) -> frozenset[int]:
        """Batches that can be sent from here."""
        with self._lock:
            return frozenset(self._ready.get(archive_id, ()))

    def all_ready(self) -> list[tuple[str, int]]:
        with self._lock:
            return [(archive_id, index) for archive_id, indices in self._ready.items() for index in indices]

    def places(self) -> set[str]:
        """Archive ids that have a folder here, empty or not."""
        with self._lock:
            return set(self._places)

    def drop(self, archive_id: str, index: int) -> None:
        """It is not needed any more, or wrong. Raises OSError."""
        with self._lock:
            self._checked.discard((archive_id, index))
            left = self._ready.get(archive_id, set())
            left.discard(index)
            if not left:
                self._ready.pop(archive_id, None)
        durable.unlink(spool_file(self._folder, archive_id, index), missing_ok=True)

    def close(self, archive_id: str) -> None:
        """The archive needs no folder here any more. One that holds something stays, for now."""
        with self._lock:
            try:
                durable.remove_dir(self._folder / archive_id)
            except FileNotFoundError:
                pass
            except OSError:
                return
            self._places.discard(archive_id)

    def fetch(self, archive: Archive, ledger: Ledger, index: int, pieces: Pieces) -> None:
        """``pieces(write)`` calls write for each piece in order. Ready when this returns: on the disk, and right when read back from there.

        Nothing is left when it raises: DiskFull, StoreUnavailable, and what ``pieces`` raises.
        """
        path = spool_file(self._folder, archive.id, index)
        try:
            with self._new_file(path) as file:
                _fill(file, pieces)
            durable.sync_dir(path.parent)
            self.check(archive.id, ledger, index, lambda _: None)
        except LocalDamaged:
            raise StoreUnavailable(f"the disk did not keep batch {index} of {archive.title!r} in {path.parent}; check the disk") from None
        except BaseException as error:
            with contextlib.suppress(OSError):
                durable.unlink(path, missing_ok=True)
            if isinstance(error, OSError):
                raise translated(error, f"carrying {archive.title}") from error
            raise
        with self._lock:
            self._ready.setdefault(archive.id, set()).add(index)

    def _new_file(self, path: Path) -> durable.DurableFile:
        with self._lock:  # else the folder could be closed just before the file is in it
            durable.make_dir(path.parent)
            self._places.add(path.parent.name)
            durable.unlink(path, missing_ok=True)
            return durable.DurableFile.create(path, _FILE_MODE)

    def check(self, archive_id: str, ledger: Ledger, index: int, moved: Callable[[int], None]) -> None:
        """Once a process: read it from the disk and compare. Raises LocalDamaged, having dropped it, and what ``moved(bytes)`` raises."""
        if (archive_id, index) in self._checked:
            return
        if not _is_right(spool_file(self._folder, archive_id, index), ledger, index, moved):
            self.drop(archive_id, index)
            raise LocalDamaged(f"batch {index} was not right in the spool folder; it is fetched again")
        with self._lock:
            self._checked.add((archive_id, index))


def fetch_batch(
    library: Library, spool: Spool, admission: Admission, archive: Archive, index: int, connection_id: str, remote: Remote, gate: Gate
) -> None:
    """Bring one batch from a connection into the spool. Raises DiskFull with the numbers, RemoteDamaged, what remote and gate raise."""
    ledger = library.ledger(archive.id)
    size = ledger.range_of(index)[1]
    remote_id = ledger.remote_id(connection_id, index) or ""
    admission.check(size, f"carrying {archive.title!r} from one connection to another", frozenset({Part.DATA}))

    def pieces(write: Callable[[bytes], None]) -> None:
        digest = hashlib.sha256()
        for piece in remote.get(remote_id, 0, size, gate) if size else ():
            digest.update(piece)
            write(piece)
        if digest.digest() != ledger.batch_sha256(index):
            raise RemoteDamaged(f"batch {index} of {archive.title!r} came back with another checksum; it is tried from elsewhere, or again")

    spool.fetch(archive, ledger, index, pieces)


def _fill(file: durable.DurableFile, pieces: Pieces) -> None:
    at = 0

    def write(piece: bytes) -> None:
        nonlocal at
        file.write_at(at, piece)
        at += len(piece)

    pieces(write)
    file.sync()
    drop_cache(file.fd)


def _is_right(path: Path, ledger: Ledger, index: int, moved: Callable[[int], None]) -> bool:
    size, digest = ledger.range_of(index)[1], hashlib.sha256()
    try:
        with StoreReader(path, 0, size, ledger.batch_sha256(index)) as reader:
            reader.forget_cache()
            for start in range(0, size, PIECE_BYTES):
                piece = reader.read_at(start, min(PIECE_BYTES, size - start))
                digest.update(piece)
                moved(0)
    except LocalDamaged:
        return False
    return digest.digest() == ledger.batch_sha256(index)
