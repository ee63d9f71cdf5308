"""The folder of a connection: is it there, is it the one that was connected, and is what is below it ours to change?

A disk that is not mounted leaves an empty folder. So the folder carries a marker, ``.pyarchive``; without it every answer is
unknown, and nothing is written. Several appliances and connections may share a folder: the marker says which folder it is
(a random id that each connection remembers), ``<appliance id>/owner.json`` who may write below that appliance's id (by a
random epoch that changes once a process: whoever takes an appliance id over writes a new one, and the former owner stops).
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from appliance import durable
from appliance.batches import drop_cache
from appliance.errors import RemoteAway, RemoteError, RemoteForeign, RemoteFull, RemoteReadOnly
from appliance.remotes.layout import OWNER_NAME, README_NAME, README_TITLE, readme
from appliance.remotes.remote import Epoch

MARKER_NAME = ".pyarchive"
FOLDER_MODE, FILE_MODE, PUBLIC_MODE = 0o750, 0o640, 0o644
READ_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # a link leads elsewhere, a FIFO would hang
GONE = frozenset({errno.ENOENT, errno.ENOTDIR})
_MARKER_FORMAT, _OWNER_FORMAT, _VERSION = "pyarchive-folder", "pyarchive-owner", 1
_FOLDER_ID = re.compile(r"[0-9a-f]{32}")
_NO_MORE_THAN_BYTES = 64 * 1024
_REMEMBERED = 10_000
"""Folders whose names this process has synced."""


class Place:
    """Thread-safe."""

    def __init__(
        self, folder: Path, appliance_id: str, connection_id: str, epoch_of: Callable[[str], Epoch], folder_id: str | None
    ) -> None:
        self.folder = folder
        self.home = folder / appliance_id
        self.folder_id = folder_id
        self._appliance_id = appliance_id
        self._connection_id = connection_id
        self._epoch_of = epoch_of
        self._synced: set[Path] = set()
        self._making = threading.Lock()
        self._owning = threading.Lock()

    def create(self) -> str:
        """Mark an existing folder, or join one that is marked already. Returns its id."""
        with self.boundary("marking the folder"):
            if not stat.S_ISDIR(self.folder.stat().st_mode):
                raise RemoteAway(f"{self.folder} is not a folder")
            if read_small(self.folder / MARKER_NAME) is None:
                durable.replace(self.folder / MARKER_NAME, self._new_marker(), PUBLIC_MODE)
            with self._marker() as found:  # as it stands there: another appliance may have been faster
                self.folder_id = found
        return self.folder_id

    def _new_marker(self) -> bytes:
        return _json_line({
            "format": _MARKER_FORMAT, "version": _VERSION, "kind": "folder", "folder_id": secrets.token_hex(16),
            "appliance_id": self._appliance_id, "connection_id": self._connection_id,
        })  # fmt: skip

    def prepare(self) -> None:
        """README.txt, our folder, owner.json. Safe to repeat. Raises RemoteForeign, RemoteAway."""
        with self.boundary("preparing the folder"), self._marker() as found:
            # The open marker keeps the disk from being unmounted before the folder is made on it.
            self._compare(found)
            with self._owning:
                word = self._refuse_foreign_owner()
                self._write_readme()
                self.make_folder(self.home)
                if word is None or not self._epoch.is_fresh:
                    self._own(word)

    def take_over(self) -> None:
        """Our word into owner.json, whoever's stands there. Raises RemoteAway, RemoteReadOnly."""
        with self.boundary("taking the folder over"), self._marker() as found:
            self._compare(found)
            with self._owning:
                self.make_folder(self.home)
                self._own(_word_in(read_small(self.home / OWNER_NAME)))

    @property
    def _epoch(self) -> Epoch:
        if self.folder_id is None:
            raise RemoteForeign(f"{self.folder} was not marked yet; add it as a connection")
        return self._epoch_of(f"{self.folder_id}/{self._appliance_id}")

    def _own(self, found: str | None) -> None:
        word = self._epoch.next(found)
        owner = {"format": _OWNER_FORMAT, "version": _VERSION, "appliance_id": self._appliance_id, "epoch": word}
        durable.replace(self.home / OWNER_NAME, _json_line(owner), FILE_MODE)
        self._epoch.written(word)

    def _write_readme(self) -> None:
        path = self.folder / README_NAME
        standing = read_small(path)
        if standing is None or (standing != readme() and standing.startswith(README_TITLE.encode())):
            durable.replace(path, readme(), PUBLIC_MODE)

    def require(self, *, from_disk: bool = False) -> None:
        """It is mounted and the one that was connected. ``from_disk``: the disk itself has to say so, not the page cache."""
        with self.boundary("looking for the marker"), self._marker(from_disk=from_disk) as found:
            self._compare(found)

    def require_ours(self) -> None:
        """As before, and no other appliance has taken it over. Before every change."""
        self.require()
        with self.boundary("looking whose folder it is"):
            word = self._refuse_foreign_owner()
        if word is None or not self._epoch.is_fresh:
            self.prepare()

    def require_writable(self) -> None:
        self.require()
        with self.boundary("looking whose folder it is"):
            lowest = self.folder if self._refuse_foreign_owner() is None else self.home
        if not os.access(lowest, os.W_OK):
            raise RemoteReadOnly(f"{lowest} may not be written to; mount it writable for the appliance's user")

    def make_folder(self, path: Path) -> None:
        """Below a folder that exists; its name is synced. Raises RemoteError where something else has that name."""
        with self._making:  # who finds the folder that another slot has just made must not go on before its name is synced
            self._make_or_sync(path)

    def _make_or_sync(self, path: Path) -> None:
        try:
            is_folder = stat.S_ISDIR(path.lstat().st_mode)
        except FileNotFoundError:
            durable.make_dir(path, FOLDER_MODE)
        else:
            if not is_folder:
                raise RemoteError(f"{path} is in the way: it is not a folder; move it elsewhere")
            if path not in self._synced:
                durable.sync_dir(path.parent)  # it may have been made just before a crash
        if len(self._synced) >= _REMEMBERED:  # forgotten costs a sync, and kept for ever costs memory
            self._synced.clear()
        self._synced.add(path)

    @contextlib.contextmanager
    def boundary(self, doing: str, needed_bytes: int = 0) -> Iterator[None]:
        """What the file system raises inside comes out in our words."""
        try:
            yield
        except OSError as error:
            raise translated(error, self.folder, doing, needed_bytes) from error

    @contextlib.contextmanager
    def _marker(self, *, from_disk: bool = False) -> Iterator[str]:
        """The folder's id; the marker is held open inside."""
        try:
            fd = os.open(self.folder / MARKER_NAME, READ_FLAGS)
        except OSError as error:
            if error.errno in GONE:
                raise RemoteAway(f"the disk at {self.folder} is not mounted (there is no {MARKER_NAME}); connect it") from error
            raise
        try:
            if from_disk:
                drop_cache(fd)
            yield _folder_id(os.read(fd, _NO_MORE_THAN_BYTES), self.folder)
        finally:
            os.close(fd)

    def _compare(self, found: str) -> None:
        if found != self.folder_id:
            raise RemoteForeign(f"another disk or folder is mounted at {self.folder}; mount the one that was connected")

    def _refuse_foreign_owner(self) -> str | None:
        """The word in owner.json; None where nobody has written himself down yet."""
        refused = None
        while (content := read_small(self.home / OWNER_NAME)) is not None:
            word = _word_in(content)
            if word is not None and self._epoch.accepts(word):
                return word
            if content == refused:
                raise RemoteForeign(
                    f"{self.home} was taken over by another appliance ({OWNER_NAME} has another epoch); nothing is written there. "
                    "Use another folder, or run `pyarchive recover` if this appliance is to own it"
                )
            refused = content  # read again: another slot may have written our next word since
        return None


def translated(error: OSError, folder: Path, doing: str, needed_bytes: int = 0) -> RemoteError:
    """Our word for what the file system said: the one place where that is decided."""
    said = f"{doing}: {error.strerror or error}"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            free_bytes = _free_bytes(folder)
            return RemoteFull(f"{said} ({needed_bytes:,} bytes needed, {free_bytes:,} free at {folder}); make room there", free_bytes)
        case errno.EROFS | errno.EACCES | errno.EPERM:
            return RemoteReadOnly(f"{said} ({folder}); mount it writable for the appliance's user")
        case errno.EFBIG:
            return RemoteError(f"{said}; the file system at {folder} cannot hold files of {needed_bytes:,} bytes")
        case _:
            # ENOENT of the folder, EIO, ESTALE, ENOTCONN, ENODEV, ETIMEDOUT, EHOSTDOWN; what we do not know is unknown as well.
            return RemoteAway(f"{said}; look whether the disk at {folder} is connected and well")


def _free_bytes(folder: Path) -> int:
    try:
        space = os.statvfs(folder)
    except OSError:
        return 0
    return space.f_bavail * space.f_frsize


def read_small(path: Path) -> bytes | None:
    """A file of at most 64 KiB; None where there is none."""
    try:
        fd = os.open(path, READ_FLAGS)
    except OSError as error:
        if error.errno in GONE:
            return None
        raise
    try:
        return os.read(fd, _NO_MORE_THAN_BYTES)
    finally:
        os.close(fd)


def _word_in(owner: bytes | None) -> str | None:
    word = _document(owner or b"").get("epoch")
    return word if isinstance(word, str) else None


def _json_line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1).encode() + b"\n"


def _document(content: bytes) -> dict[str, Any]:
    """Empty where it is no JSON object."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _folder_id(content: bytes, folder: Path) -> str:
    marker = _document(content)
    found = marker.get("folder_id")
    is_marker = marker.get("format") == _MARKER_FORMAT and marker.get("version") == _VERSION
    if not is_marker or not isinstance(found, str) or not _FOLDER_ID.fullmatch(found):
        raise RemoteForeign(f"the marker {folder / MARKER_NAME} is not one that this version understands; nothing is written there")
    return found
