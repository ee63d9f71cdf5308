"""One object on its way to Google Drive: from whatever is known of it to what Drive itself reports, proved right.

https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from appliance.errors import LocalDamaged, RemoteBusy, RemoteDamaged, RemoteError, RemoteFull, RemoteTaken
from appliance.remotes.drive_api import DriveApi
from appliance.remotes.drive_bytes import Bytes, SessionLost
from appliance.remotes.drive_objects import FILE_TYPE, DriveFile, Role
from appliance.remotes.drive_place import DrivePlace
from appliance.remotes.drive_reasons import NotThere
from appliance.remotes.remote import PIECE_BYTES, BatchReader, Confirm, Gate

T = TypeVar("T")

_FINGERPRINT_DIGITS = 16
_AT_ONCE_BYTES = PIECE_BYTES
"""Up to so much goes in one request, together with its description. After an interruption it is sent again as a whole, which is no
more than a session loses, too. Google allows 5 MB."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is stored, and where: in the folder of an archive, or, without one, in that of the appliance."""

    remote_id: str
    role: Role
    name: str
    archive_id: str | None

    @property
    def is_replaced(self) -> bool:
        """It is written again when it changes; a batch never changes."""
        return self.role != "batch"

    @property
    def doing(self) -> str:
        return f"storing {self.archive_id}/{self.name}" if self.archive_id else f"storing {self.name}"


class Storing:
    """Use it once, by one thread."""

    def __init__(
        self, api: DriveApi, line: Bytes, place: DrivePlace, target: Target, content: BatchReader, on_confirmed: Confirm, gate: Gate
    ) -> None:
        self._api = api
        self._line = line
        self._place = place
        self._target = target
        self._content = content
        self._on_confirmed = on_confirmed
        self._gate = gate

    def run(self, session: str | None) -> DriveFile:
        """See ``Remote.put``. ``session`` is what on_confirmed was last told, in this process or an earlier one."""
        try:
            return self._proved(self._stored(session))
        except RemoteFull as error:
            raise self._with_numbers(error) from None

    def _stored(self, session: str | None) -> DriveFile:
        try:
            if self._goes_at_once:
                return self._below_its_folder(self._made_at_once)
            return self._continued(session) or self._sent_anew(self._below_its_folder(self._opened))
        except RemoteTaken:
            return self._standing()

    def _below_its_folder(self, make: Callable[[str], T]) -> T:
        """``make(folder_id)``."""
        try:
            return make(self._parent())
        except NotThere:
            self._place.look_again()
            return make(self._parent())

    # In one request

    @property
    def _goes_at_once(self) -> bool:
        """A probe goes the way of a batch, to find out whether that is free."""
        return self._content.size_bytes <= _AT_ONCE_BYTES and self._target.role != "probe"

    def _made_at_once(self, folder_id: str) -> DriveFile:
        content = self._right_content()
        return self._api.store(self._new(folder_id), len(content), lambda: self._passed(content), self._target.doing)

    def _changed_at_once(self, file_id: str) -> DriveFile:
        content = self._right_content()
        return self._api.store(self._wanted(), len(content), lambda: self._passed(content), self._target.doing, changed_id=file_id)

    def _right_content(self) -> bytes:
        """What is not as it was taken in is not sent. Raises LocalDamaged."""
        content = self._content.read_at(0, self._content.size_bytes)
        if hashlib.sha256(content).digest() != self._content.sha256:
            raise LocalDamaged("the local copy of a batch does not match the checksum that it was taken in with; nothing was stored")
        return content

    def _passed(self, content: bytes) -> Iterator[bytes]:
        offset = 0
        while offset < len(content):
            piece = content[offset : offset + self._gate.piece_bytes()]
            self._gate(len(piece))
            yield piece
            offset += len(piece)

    # In a session

    def _continued(self, session: str | None) -> DriveFile | None:
        """None where there is nothing to go on with, or where something else came of it."""
        fingerprint, _, uri = (session or "").partition(" ")
        if fingerprint != self._fingerprint or not uri:
            return None
        file = self._sent(uri, begun=True)
        return file if file is not None and self._is_right(file) else None

    @property
    def _fingerprint(self) -> str:
        """A session goes on only with the content that it was opened for: a manifest may have changed meanwhile."""
        return self._content.sha256.hex()[:_FINGERPRINT_DIGITS]

    def _opened(self, folder_id: str) -> str:
        return self._api.open_session(self._new(folder_id), self._content.size_bytes, self._target.doing)

    def _new(self, folder_id: str) -> dict[str, Any]:
        return {"id": self._target.remote_id, **self._wanted(), "parents": [folder_id]}

    def _wanted(self) -> dict[str, Any]:
        marks = self._place.marks(self._target.role, self._target.archive_id)
        return {"name": self._target.name, "mimeType": FILE_TYPE, "appProperties": marks}

    def _parent(self) -> str:
        return self._place.folder_of(self._target.archive_id) if self._target.archive_id else self._place.home()

    def _sent_anew(self, uri: str) -> DriveFile:
        self._on_confirmed(f"{self._fingerprint} {uri}", 0)
        file = self._sent(uri, begun=False)
        if file is None:
            raise RemoteBusy(f"{self._target.doing}: Google Drive forgot the upload at once; it is tried again by itself")
        return file

    def _sent(self, uri: str, *, begun: bool) -> DriveFile | None:
        """None where the session is no more."""

        def confirmed(offset_bytes: int) -> None:
            self._on_confirmed(f"{self._fingerprint} {uri}", offset_bytes)

        try:
            resource = self._line.send(uri, self._content, confirmed, self._gate, begun=begun)
        except SessionLost:
            return None
        return DriveFile.of(resource) or self._looked_up()

    def _looked_up(self) -> DriveFile:
        file = self._api.find(self._target.remote_id, self._target.doing)
        if file is None:
            raise RemoteBusy(f"{self._target.doing}: Google Drive does not show it yet; it is tried again by itself")
        return file

    def _standing(self) -> DriveFile:
        """Something has this id already: what we stored before, most often."""
        file = self._api.find(self._target.remote_id, self._target.doing)
        if file is None:  # deleted for ever, or not ours to see: the id is of no use any more
            self._place.require_shown()
            raise RemoteTaken(f"{self._target.doing}: its id cannot be used; another one is planned for it")
        if self._is_right(file):
            return self._in_order(file)
        if not self._target.is_replaced or file.is_folder or not self._place.is_ours(file):
            raise RemoteTaken(f"{self._target.doing}: under its id stands something else; another id is planned for it")
        if self._goes_at_once:
            return self._changed_at_once(file.id)
        return self._sent_anew(self._api.open_session(self._wanted(), self._content.size_bytes, self._target.doing, changed_id=file.id))

    def _in_order(self, file: DriveFile) -> DriveFile:
        """Right content under a wrong name is found by nobody who restores by hand."""
        wanted = self._wanted()
        if file.name == wanted["name"] and wanted["appProperties"].items() <= file.marks.items():
            return file
        return self._api.change(file.id, wanted, self._target.doing)

    def _proved(self, file: DriveFile) -> DriveFile:
        """Only what Drive itself reports counts. Not every answer has a SHA-256, and a few files have none at all."""
        if file.sha256 is None:
            file = self._looked_up()
        if file.trashed:
            self._place.untrash(self._looked_up())
            file = self._looked_up()
        if file.sha256 is None and file.md5 is None:
            raise RemoteBusy(f"{self._target.doing}: Google Drive has no checksum of it yet; it is asked again by itself")
        if not self._is_right(file):
            raise RemoteDamaged(f"{self._target.doing}: Google Drive reports another size or checksum than was sent; it is sent again")
        return file

    def _is_right(self, file: DriveFile) -> bool:
        if file.is_folder or file.size_bytes != self._content.size_bytes:
            return False
        return file.sha256 == self._content.sha256 if file.sha256 is not None else file.md5 == self._md5()

    def _md5(self) -> bytes:
        digest = hashlib.md5(usedforsecurity=False)
        for offset in range(0, self._content.size_bytes, PIECE_BYTES):
            self._gate(0)
            digest.update(self._content.read_at(offset, min(PIECE_BYTES, self._content.size_bytes - offset)))
        return digest.digest()

    def _with_numbers(self, error: RemoteFull) -> RemoteFull:
        with contextlib.suppress(RemoteError):
            quota = Quota.of(self._api.about(self._target.doing))
            if quota.free_bytes is not None:
                numbers = f"{self._content.size_bytes:,} bytes needed, {quota.free_bytes:,} free{quota.in_trash}"
                return RemoteFull(f"{error} ({numbers})", quota.free_bytes)
        return error


@dataclass(frozen=True, slots=True)
class Quota:
    """Bytes of the account. No limit: it is unlimited (or that of an organisation). What is in the trash counts as used."""

    limit_bytes: int | None
    used_bytes: int | None
    trash_bytes: int

    @classmethod
    def of(cls, about: dict[str, Any]) -> Quota:
        """https://developers.google.com/workspace/drive/api/reference/rest/v3/about."""
        told = about.get("storageQuota")
        numbers = (
            {name: int(value) for name, value in told.items() if str(value).isascii() and str(value).isdigit()}
            if isinstance(told, dict)
            else {}
        )
        return cls(numbers.get("limit"), numbers.get("usage"), numbers.get("usageInDriveTrash", 0))

    @property
    def free_bytes(self) -> int | None:
        return None if self.limit_bytes is None or self.used_bytes is None else max(0, self.limit_bytes - self.used_bytes)

    @property
    def in_trash(self) -> str:
        return f"; emptying the trash of Google Drive frees {self.trash_bytes:,}" if self.trash_bytes else ""
