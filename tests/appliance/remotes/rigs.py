"""A remote together with what can happen to it: one rig for each kind, so that one suite of claims holds for all."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Protocol

from appliance import durable
from appliance.errors import LocalDamaged, Stopped
from appliance.remotes.folder import FolderRemote
from appliance.remotes.remote import PIECE_BYTES, Object, Remote

ARCHIVE = "archive-0001"


class Rig(Protocol):
    """The place behind a remote, in the hands of a test."""

    remote: Remote

    def restarted(self) -> Remote:
        """The same remote as another process would open it: it remembers nothing."""
        ...

    def moved_bytes(self) -> int:
        """Bytes of content that were written to the place since the rig was made."""
        ...

    def stored_bytes(self, remote_id: str) -> bytes: ...

    def flip(self, remote_id: str, at: int) -> None:
        """Change one byte behind the remote's back."""
        ...

    def shorten(self, remote_id: str, size_bytes: int) -> None: ...

    def lose(self, remote_id: str) -> None:
        """Delete behind the remote's back."""
        ...

    def take_away(self) -> None:
        """Unmounted, unplugged, offline: what is there is unknown."""
        ...

    def bring_back(self) -> None: ...

    def touched_while_away(self) -> bool:
        """Was anything written where the place should be?"""
        ...

    def become_foreign(self) -> None:
        """Another appliance takes the place over."""
        ...


class FolderRig:
    """An unmounted disk is played by an empty folder in its place: what was open stays open, as with a lazy unmount."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._elsewhere = folder.with_name("elsewhere")
        folder.mkdir()
        self._folder_id = self._open(None).create()
        self.remote: Remote = self.restarted()
        self._moved_bytes = 0

    def _open(self, folder_id: str | None) -> FolderRemote:
        return FolderRemote(self.folder, "appliance-1", "c0", "epoch-of-ours", folder_id=folder_id)

    def restarted(self) -> Remote:
        return self._open(self._folder_id)

    def observe(self, operation: durable.Operation) -> None:
        if operation.kind == "write" and ARCHIVE in operation.path.parts:
            self._moved_bytes += len(operation.data)

    def moved_bytes(self) -> int:
        return self._moved_bytes

    def path(self, remote_id: str) -> Path:
        return self.folder / "appliance-1" / remote_id

    def stored_bytes(self, remote_id: str) -> bytes:
        return self.path(remote_id).read_bytes()

    def flip(self, remote_id: str, at: int) -> None:
        content = bytearray(self.stored_bytes(remote_id))
        content[at] ^= 0x40
        self.path(remote_id).write_bytes(content)

    def shorten(self, remote_id: str, size_bytes: int) -> None:
        with self.path(remote_id).open("r+b") as file:
            file.truncate(size_bytes)

    def lose(self, remote_id: str) -> None:
        self.path(remote_id).unlink()

    def take_away(self) -> None:
        self.folder.rename(self._elsewhere)
        self.folder.mkdir()

    def bring_back(self) -> None:
        self.folder.rmdir()  # fails where something was written into it
        self._elsewhere.rename(self.folder)

    def touched_while_away(self) -> bool:
        return any(self.folder.iterdir())

    def become_foreign(self) -> None:
        owner = self.folder / "appliance-1" / "owner.json"
        owner.write_text(owner.read_text().replace("epoch-of-ours", "epoch-of-another"))


class Reader:
    """A batch in memory (``BatchReader``); ``claimed`` is what was ingested, where that differs from what is read now."""

    def __init__(self, content: bytes, claimed: bytes | None = None) -> None:
        self._content = content
        self.size_bytes = len(content)
        self.sha256 = hashlib.sha256(content if claimed is None else claimed).digest()

    def read_at(self, offset_bytes: int, size_bytes: int) -> bytes:
        piece = self._content[offset_bytes : offset_bytes + size_bytes]
        if len(piece) != size_bytes:
            raise LocalDamaged("short")
        return piece


class CountingGate:
    """Notes what passes; raises Stopped at the first piece that would bring the sum above ``until_bytes``."""

    def __init__(self, until_bytes: int | None = None, piece_bytes: int = PIECE_BYTES) -> None:
        self.passed: list[int] = []
        self._until_bytes = until_bytes
        self._piece_bytes = piece_bytes

    def piece_bytes(self) -> int:
        return self._piece_bytes

    def __call__(self, size_bytes: int) -> None:
        if self._until_bytes is not None and size_bytes and sum(self.passed) + size_bytes > self._until_bytes:
            raise Stopped("as the test wants it")
        self.passed.append(size_bytes)


class StopAfterCalls(CountingGate):
    """Raises Stopped at the n-th call, whatever it is for."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self._calls = calls

    def __call__(self, size_bytes: int) -> None:
        super().__call__(size_bytes)
        if len(self.passed) > self._calls:
            raise Stopped("as the test wants it")


class Sessions:
    """What a ledger would remember of an upload."""

    def __init__(self) -> None:
        self.session: str | None = None
        self.offset_bytes = 0

    def confirmed(self, session: str, offset_bytes: int) -> None:
        self.session, self.offset_bytes = session, offset_bytes


def put(remote: Remote, name: str, reader: Reader, gate: CountingGate | None = None, sessions: Sessions | None = None) -> Object:
    """As the engine does it."""
    sessions = sessions or Sessions()
    (remote_id,) = remote.new_ids(ARCHIVE, [name])
    return remote.put(remote_id, ARCHIVE, name, reader, sessions.session, sessions.confirmed, gate or CountingGate())
