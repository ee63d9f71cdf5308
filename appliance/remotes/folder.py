"""A remote that is a folder: a USB disk, a mounted NAS. The id of an object is its path below the appliance's folder.

Besides the layout of ``layout.py`` there are, below ``<appliance id>/``::

    <archive id>/.00000003.part       a batch on its way; what of it is right need not be sent again
    .trash/<archive id>.00000003.<8 random hexadecimal digits>     what was replaced or trashed
    .probe-<connection id>            a probe, for a moment

Of a folder that was downloaded from Drive ``<archive id>/00000003(1)`` is read as a second 00000003.
Nothing but ordinary files, folders and renames is used: exFAT, NFS and SMB will do.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from appliance import durable
from appliance.errors import BadRequest, LocalDamaged, RemoteBusy, RemoteDamaged
from appliance.names import ARCHIVE_ID
from appliance.remotes.folder_files import (
    NO_SHA256,
    Content,
    Unmetered,
    content_of,
    fill,
    is_file,
    is_intact,
    next_piece,
    open_part,
    opened,
)
from appliance.remotes.folder_names import meant_name, split_id
from appliance.remotes.folder_place import FILE_MODE, GONE, Place
from appliance.remotes.layout import CATALOG, MANIFEST_NAME, OWNER_NAME, is_copy_name
from appliance.remotes.remote import PIECE_BYTES, BatchReader, Confirm, Epoch, Gate, Object, Trashed, Usage
from mqtt.topics import APPLIANCE_ID

TRASH_NAME = ".trash"
_TRASH_ID = re.compile(r"[a-z0-9-]{7,36}\.[A-Za-z0-9. ()-]{8,64}\.[0-9a-f]{8}")
_PROBE = b"PyArchive was here: this file may be deleted.\n" * 100
_NO_FILE = frozenset({errno.ELOOP, errno.EMLINK, errno.ENXIO})  # what opening a link (Linux, others) and a socket says


class FolderRemote:
    """``Remote`` on a folder. ``folder_id`` is what ``create`` returned when the connection was added."""

    kind = "folder"
    is_local = True

    def __init__(
        self, folder: Path, appliance_id: str, connection_id: str, epoch_of: Callable[[str], Epoch], *, folder_id: str | None
    ) -> None:
        self._place = Place(folder, appliance_id, connection_id, epoch_of, folder_id)
        self._probe = self._place.home / f".probe-{connection_id}"
        self._lock = threading.Lock()
        self._written_now: set[str] = set()

    def create(self) -> str:
        """The folder itself must exist. A folder that is marked already (by another appliance, by a connection before) is joined."""
        return self._place.create()

    def prepare(self) -> None:
        self._place.prepare()

    def check(self) -> None:
        self._place.require_writable()

    def probe(self) -> None:
        self._place.require_ours()
        with self._place.boundary("writing a probe", len(_PROBE)):
            durable.unlink(self._probe, missing_ok=True)
            with durable.DurableFile.create(self._probe, FILE_MODE) as file:
                file.write_at(0, _PROBE)
                file.sync()
            with opened(self._probe) as fd:
                found = os.read(fd, len(_PROBE) + 1)
            durable.unlink(self._probe)
        if found != _PROBE:
            raise RemoteDamaged(f"what was written to {self._place.folder} came back different; check the disk")

    def new_ids(self, archive_id: str, names: list[str], *, is_new: bool = False) -> list[str]:  # noqa: ARG002 (ids are paths)
        ids = [f"{archive_id}/{name}" for name in names]
        for remote_id in ids:
            split_id(remote_id)
        return ids

    def put(
        self, remote_id: str, archive_id: str, name: str, content: BatchReader,
        session: str | None, on_confirmed: Confirm, gate: Gate,  # noqa: ARG002 (the part file tells how far it is)
    ) -> Object:  # fmt: skip
        if split_id(remote_id) != (archive_id, name):
            raise BadRequest(f"{remote_id[:64]!r} is not the id of {name[:64]!r} of archive {archive_id[:64]!r}")
        with self._alone(remote_id), self._place.boundary(f"storing {remote_id}", content.size_bytes):
            self._place.require_ours()
            if not self._is_there(remote_id, content, gate):
                self._write(remote_id, content, gate)
        return Object(remote_id, archive_id, name, content.size_bytes, content.sha256)

    @contextlib.contextmanager
    def _alone(self, remote_id: str) -> Iterator[None]:
        """A writer that hangs in the system still has its part file open: nobody else may fill it."""
        with self._lock:
            if remote_id in self._written_now:
                raise RemoteBusy(f"{remote_id} is still being written; it is tried again later")
            self._written_now.add(remote_id)
        try:
            yield
        finally:
            with self._lock:
                self._written_now.discard(remote_id)

    def _is_there(self, remote_id: str, content: BatchReader, gate: Gate) -> bool:
        """Complete and right. What else stands there goes into the trash."""
        found = self._content(remote_id, Unmetered(gate))
        if found is None:
            return False
        if not found.is_that_of(content):
            self._to_trash(remote_id)
            return False
        return True

    def _write(self, remote_id: str, content: BatchReader, gate: Gate) -> None:
        """Into the part file, to the disk, and back from the disk: only what reads back right gets the object's name."""
        target = self._path(remote_id)
        part = target.with_name(f".{target.name}.part")
        self._place.make_folder(target.parent)
        with open_part(part) as file:
            fill(file, content, gate)
            file.sync(data_only=True)
        # One hash is enough: where it is right, the reader was right as well.
        if not content_of(part, Unmetered(gate)).is_that_of(content):
            self._say_whose_fault(part, remote_id, content, gate)
        durable.rename(part, target)
        durable.sync_dir(target.parent)

    def _say_whose_fault(self, part: Path, remote_id: str, content: BatchReader, gate: Gate) -> NoReturn:
        if not is_intact(content, gate):
            durable.unlink(part, missing_ok=True)
            raise LocalDamaged(f"the local copy of {remote_id} does not match the checksum that it was taken in with")
        raise RemoteDamaged(f"the disk at {self._place.folder} did not keep what was written to {remote_id}; check the disk")

    def stat(self, remote_id: str, gate: Gate | None = None) -> Object | None:
        archive_id, name = split_id(remote_id)
        self._place.require()
        with self._place.boundary(f"reading {remote_id}"):
            found = self._content(remote_id, gate or Unmetered(None))
        return Object(remote_id, archive_id, name, found.size_bytes, found.sha256) if found else None

    def _content(self, remote_id: str, gate: Gate) -> Content | None:
        """None: it is not there, and the disk was there before and after. Raises OSError."""
        try:
            return content_of(self._path(remote_id), gate)
        except OSError as error:
            if error.errno in _NO_FILE:
                return Content(0, NO_SHA256)
            if error.errno in GONE:
                self._place.require()
                return None
            if error.errno != errno.EIO:
                raise
        return self._content_or_bad_sector(remote_id, gate)

    def _content_or_bad_sector(self, remote_id: str, gate: Gate) -> Content:
        """After EIO. A disk that answers otherwise, and fails on this file twice, has lost it: that is damage, and mendable."""
        self._place.require(from_disk=True)
        try:
            return content_of(self._path(remote_id), gate)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
        self._place.require(from_disk=True)
        return Content(0, NO_SHA256)

    def get(self, remote_id: str, offset_bytes: int, size_bytes: int, gate: Gate) -> Iterator[bytes]:
        split_id(remote_id)
        return self._pieces(remote_id, offset_bytes, size_bytes, gate)

    def _pieces(self, remote_id: str, offset_bytes: int, size_bytes: int, gate: Gate) -> Iterator[bytes]:
        self._place.require()
        try:
            with opened(self._path(remote_id)) as fd:
                if not is_file(fd):
                    raise RemoteDamaged(f"{remote_id} is not a file")
                yield from _read(fd, remote_id, offset_bytes, size_bytes, gate)
        except OSError as error:
            with self._place.boundary(f"reading {remote_id}"):
                if error.errno not in GONE | _NO_FILE | {errno.EIO}:
                    raise
                self._place.require(from_disk=True)
            raise RemoteDamaged(f"{remote_id} is gone or cannot be read: {error.strerror}") from error

    def list_all(self, gate: Gate) -> Iterator[Object]:
        for archive_id in self.list_archives():
            yield from self._objects(archive_id, gate)

    def list_archives(self) -> Iterator[str]:
        self._place.require()
        with self._place.boundary("listing archives"):
            folders = self._folders(self._place.home, ARCHIVE_ID)
        yield from folders

    def list_appliances(self) -> list[str]:
        self._place.require()
        with self._place.boundary("listing appliances"):
            return [name for name in self._folders(self._place.folder, APPLIANCE_ID) if self._is_of_an_appliance(self._place.folder / name)]

    def _is_of_an_appliance(self, place: Path) -> bool:
        """owner.json, or archives where a person copied the folder and left that out."""
        if (place / OWNER_NAME).is_file():
            return True
        return any((place / name / MANIFEST_NAME).is_file() for name in self._folders(place, ARCHIVE_ID))

    def _folders(self, place: Path, pattern: re.Pattern[str]) -> list[str]:
        return [name for name in filter(pattern.fullmatch, self._names(place)) if stat.S_ISDIR((place / name).lstat().st_mode)]

    def list_objects(self, archive_id: str, gate: Gate) -> Iterator[Object]:
        if archive_id != CATALOG and not ARCHIVE_ID.fullmatch(archive_id):
            raise BadRequest(f"{archive_id[:64]!r} is no id of an archive")
        return self._objects(archive_id, gate)

    def _objects(self, archive_id: str, gate: Gate) -> Iterator[Object]:
        self._place.require()
        with self._place.boundary(f"listing {archive_id}"):
            names = self._names(self._place.home / archive_id)
        for name in filter(is_copy_name if archive_id == CATALOG else meant_name, names):
            one = self.stat(f"{archive_id}/{name}", gate)
            if one is not None:
                yield one

    def _names(self, folder: Path) -> list[str]:
        """In order; none where the folder is absent and the disk is not."""
        try:
            with os.scandir(folder) as entries:
                return sorted(entry.name for entry in entries)
        except FileNotFoundError:
            self._place.require()
            return []

    def trash(self, remote_id: str) -> None:
        split_id(remote_id)
        self._place.require_ours()
        with self._place.boundary(f"trashing {remote_id}"):
            self._to_trash(remote_id)

    def _to_trash(self, remote_id: str) -> None:
        source, trash = self._path(remote_id), self._place.home / TRASH_NAME
        self._place.make_folder(trash)
        try:
            durable.rename(source, trash / f"{remote_id.replace('/', '.')}.{secrets.token_hex(4)}")
        except FileNotFoundError:
            self._place.require()
            return
        durable.sync_dir(trash)  # first: after a power cut in between it has two names, not none
        durable.sync_dir(source.parent)

    def untrash(self, remote_id: str) -> None:
        """An object in a folder's trash has lost its id: nothing happens."""
        split_id(remote_id)

    def list_trash(self, gate: Gate) -> Iterator[Trashed]:
        self._place.require()
        trash = self._place.home / TRASH_NAME
        with self._place.boundary("listing the trash"):
            names = self._names(trash)
        for name in names:
            gate(0)
            with self._place.boundary("listing the trash"), contextlib.suppress(FileNotFoundError):
                found = (trash / name).lstat()
                archive_id, _, rest = name.partition(".")
                if stat.S_ISREG(found.st_mode) and _TRASH_ID.fullmatch(name):
                    yield Trashed(name, None, archive_id, rest.rpartition(".")[0], found.st_size)

    def purge(self, trash_id: str) -> None:
        if not _TRASH_ID.fullmatch(trash_id):
            raise BadRequest(f"{trash_id[:64]!r} is no name of something in the trash")
        self._place.require_ours()
        trash = self._place.home / TRASH_NAME
        with self._place.boundary("emptying the trash"):
            durable.unlink(trash / trash_id, missing_ok=True)

    def take_over(self) -> None:
        self._place.take_over()

    def keep_signed_in(self) -> None:
        """Nobody signs in to a folder."""

    def account(self) -> str | None:
        return None

    def usage(self) -> Usage:
        self._place.require()
        with self._place.boundary("asking for space"):
            space = os.statvfs(self._place.folder)
        total, free = space.f_blocks * space.f_frsize, space.f_bfree * space.f_frsize
        return Usage(limit_bytes=total, used_bytes=total - free, free_bytes=space.f_bavail * space.f_frsize)

    def _path(self, remote_id: str) -> Path:
        split_id(remote_id)
        return self._place.home / remote_id


def _read(fd: int, remote_id: str, offset_bytes: int, size_bytes: int, gate: Gate) -> Iterator[bytes]:
    os.lseek(fd, offset_bytes, os.SEEK_SET)
    buffer = memoryview(bytearray(PIECE_BYTES))
    left = size_bytes
    while left:
        piece = next_piece(fd, buffer[:left], gate)
        if not piece:
            raise RemoteDamaged(f"{remote_id} is shorter than it should be: {left:,} of {size_bytes:,} bytes are missing")
        left -= len(piece)
        yield bytes(piece)
