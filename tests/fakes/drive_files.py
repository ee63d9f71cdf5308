"""The files of the fake Drive: records in memory, indexed by what clients look for; contents in a folder."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = "application/vnd.google-apps.folder"
ROOT_ID = "0AFakeDriveRootPVA"
CHECKSUMS = ("md5", "sha1", "sha256")
_PIECE_BYTES = 1024 * 1024


def now_text() -> str:
    """RFC 3339 with milliseconds, as Drive writes times."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    """As those of Drive: 33 characters."""
    return "1" + secrets.token_urlsafe(24)


@dataclass
class File:
    """A file or folder. ``size_bytes`` and the checksums are None for a folder; ``checksums`` may lack what Drive did not compute."""

    id: str
    name: str
    client_id: str
    parents: list[str]
    mime_type: str = "application/octet-stream"
    app_properties: dict[str, str] = field(default_factory=dict)
    size_bytes: int | None = None
    checksums: dict[str, str] = field(default_factory=dict)
    trashed: bool = False
    content: Path | None = None
    created_time: str = field(default_factory=now_text)
    modified_time: str = field(default_factory=now_text)
    other: dict[str, Any] = field(default_factory=dict)
    revision: str = field(default_factory=new_id)
    born_s: float = field(default_factory=time.monotonic)
    born_number: int = 0

    @property
    def is_folder(self) -> bool:
        return self.mime_type == FOLDER


class Index:
    """Ids by a key. A file may have several keys."""

    def __init__(self) -> None:
        self._ids: dict[Any, dict[str, None]] = {}

    def add(self, key: Any, file_id: str) -> None:
        self._ids.setdefault(key, {})[file_id] = None

    def remove(self, key: Any, file_id: str) -> None:
        self._ids.get(key, {}).pop(file_id, None)

    def __getitem__(self, key: Any) -> dict[str, None]:
        return self._ids.get(key, {})


class Files:
    """All files of the account, whoever made them. Every method is to be called under ``lock``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self.by_id: dict[str, File] = {}
        self.children = Index()
        self.properties = Index()
        self.names = Index()
        self.born = 0
        self._trashed_folders = 0
        self._size_bytes = 0

    def add(self, file: File) -> None:
        self.born += 1
        file.born_number = self.born
        self.by_id[file.id] = file
        self._enter(file)

    def _enter(self, file: File) -> None:
        for index, key in self._keys(file):
            index.add(key, file.id)
        self._trashed_folders += file.is_folder and file.trashed
        self._size_bytes += file.size_bytes or 0

    def _leave(self, file: File) -> None:
        for index, key in self._keys(file):
            index.remove(key, file.id)
        self._trashed_folders -= file.is_folder and file.trashed
        self._size_bytes -= file.size_bytes or 0

    def _keys(self, file: File) -> Iterator[tuple[Index, Any]]:
        yield from ((self.children, parent) for parent in file.parents)
        yield from ((self.properties, item) for item in file.app_properties.items())
        yield self.names, file.name.lower()

    def change(self, file: File, **values: Any) -> None:
        """Sets attributes and keeps the indexes right."""
        self._leave(file)
        for name, value in values.items():
            setattr(file, name, value)
        self._enter(file)

    def remove(self, file_id: str) -> None:
        """For ever, with what is below it."""
        file = self.by_id.pop(file_id, None)
        if file is None:
            return
        self._leave(file)
        if file.content is not None:
            file.content.unlink(missing_ok=True)
        for child in list(self.children[file_id]):
            self.remove(child)

    def is_trashed(self, file: File) -> bool:
        """Itself, or a folder above it."""
        if file.trashed or not self._trashed_folders:
            return file.trashed
        above = (self.by_id.get(parent) for parent in file.parents)
        return any(self.is_trashed(parent) for parent in above if parent is not None)

    def used_bytes(self) -> int:
        return self._size_bytes

    def trashed_bytes(self) -> int:
        return sum(file.size_bytes or 0 for file in self.by_id.values() if self.is_trashed(file))

    def content_path(self, file_id: str) -> Path:
        """A new place for a content of that file."""
        return self.folder / f"{file_id}-{secrets.token_hex(4)}"

    def write(self, file: File, content: bytes, checksums: Iterable[str]) -> None:
        """The content of a file, in one piece, by name of the checksums that are to be known of it."""
        path = self.content_path(file.id)
        path.write_bytes(content)
        known = {name: hashlib.new(name, content).hexdigest() for name in checksums}
        self.replace_content(file, path, len(content), known)

    def replace_content(self, file: File, path: Path, size_bytes: int, checksums: dict[str, str]) -> None:
        if file.content is not None:
            file.content.unlink(missing_ok=True)
        self.change(file, content=path, size_bytes=size_bytes, checksums=checksums, revision=new_id())

    def summed(self, file: File, checksums: Iterable[str]) -> dict[str, str]:
        """The checksums of what really lies there."""
        assert file.content is not None, "a file that was made without content"
        hashes = {name: hashlib.new(name) for name in checksums}
        with file.content.open("rb") as content:
            while piece := content.read(_PIECE_BYTES):
                for one in hashes.values():
                    one.update(piece)
        return {name: one.hexdigest() for name, one in hashes.items()}
