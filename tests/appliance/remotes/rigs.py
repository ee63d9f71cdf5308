"""A remote together with what can happen to it: one rig for each kind, so that one suite of claims holds for all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Protocol

from appliance import durable
from appliance.epochs import Epochs
from appliance.errors import LocalDamaged, Stopped
from appliance.remotes.drive import DriveRemote, open_drive
from appliance.remotes.drive_tokens import Credentials
from appliance.remotes.folder import FolderRemote
from appliance.remotes.remote import PIECE_BYTES, Object, Remote
from tests.fakes.drive import FakeDrive

ARCHIVE = "archive-0001"


class Rig(Protocol):
    """The place behind a remote, in the hands of a test."""

    remote: Remote
    replaces_batches: bool
    """A batch that stands there with other bytes is replaced; elsewhere RemoteTaken is raised."""
    lists_at_once: bool
    """What is listed was all asked for before the first object came."""
    sent_again_bytes: int
    """So much of what was on its way may have to be sent again after the place went away in the middle."""

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

    replaces_batches = True
    lists_at_once = False
    sent_again_bytes = 0

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._elsewhere = folder.with_name("elsewhere")
        folder.mkdir()
        self.epochs = folder.with_name("epochs.json")
        self._folder_id = self._open(None).create()
        self.remote: Remote = self.restarted()
        self.remote.prepare()
        self._moved_bytes = 0

    def _open(self, folder_id: str | None) -> FolderRemote:
        return FolderRemote(self.folder, "appliance-1", "c0", Epochs(self.epochs).of, folder_id=folder_id)

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
        owner.write_text(json.dumps({**json.loads(owner.read_text()), "epoch": "epoch-of-another"}))


class DriveRig:
    """A fake Drive, and a minute gone by whenever it matters: so long a remote relies on its last look whose the place is."""

    replaces_batches = False
    lists_at_once = True
    sent_again_bytes = PIECE_BYTES - 1

    def __init__(self, folder: Path, fake: FakeDrive) -> None:
        self.fake = fake
        self.credentials = Credentials.from_text(json.dumps(fake.account()))
        self._epochs = folder / "epochs.json"
        self.folder_id = self.opened(None).create()
        self._small_bytes = 0
        self.drive = self.restarted()
        self.remote: Remote = self.drive

    def opened(self, folder_id: str | None, appliance_id: str = "appliance-1", epochs: Path | None = None) -> DriveRemote:
        return open_drive(self.credentials, self.fake.root, appliance_id, Epochs(epochs or self._epochs).of, folder_id)

    def restarted(self) -> DriveRemote:
        remote = self.opened(self.folder_id)
        before = self.fake.received_bytes
        remote.prepare()
        self._small_bytes += self.fake.received_bytes - before  # README.txt and owner.json
        return remote

    def moved_bytes(self) -> int:
        return self.fake.received_bytes - self._small_bytes

    def stored_bytes(self, remote_id: str) -> bytes:
        return self.fake.content(remote_id)

    def flip(self, remote_id: str, at: int) -> None:
        self.fake.flip(remote_id, at)

    def shorten(self, remote_id: str, size_bytes: int) -> None:
        self.fake.truncate(remote_id, size_bytes)

    def lose(self, remote_id: str) -> None:
        self.fake.delete(remote_id)

    def take_away(self) -> None:
        self._before = self.fake.files
        self.fake.fault("cut", times=None)
        for server in self.fake._servers:  # what is under way now as well
            for wire in list(server._wires):
                wire.close()
        self.minute_passes()

    def bring_back(self) -> None:
        self.fake.calm()

    def touched_while_away(self) -> bool:
        return self.fake.files != self._before

    def become_foreign(self) -> None:
        self.opened(self.folder_id, epochs=self._epochs.with_name("epochs-of-another.json")).take_over()
        self.minute_passes()

    def minute_passes(self) -> None:
        self.drive._place._looked_at_s -= 61


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


_PLANNED: dict[tuple[str | None, str], str] = {}


def planned(remote: Remote, name: str) -> str:
    """The id of an object of ``ARCHIVE``, the same whenever it is asked for, as a ledger remembers it."""
    if not isinstance(remote, DriveRemote):
        return remote.new_ids(ARCHIVE, [name])[0]
    key = remote._place.folder_id, name
    if key not in _PLANNED:
        (_PLANNED[key],) = remote.new_ids(ARCHIVE, [name])
    return _PLANNED[key]


def put(remote: Remote, name: str, reader: Reader, gate: CountingGate | None = None, sessions: Sessions | None = None) -> Object:
    """As the engine does it."""
    sessions = sessions or Sessions()
    return remote.put(planned(remote, name), ARCHIVE, name, reader, sessions.session, sessions.confirmed, gate or CountingGate())
