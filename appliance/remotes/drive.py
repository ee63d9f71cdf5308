"""A remote on Google Drive. The id of an object is its file id there, asked for before the object is made.

Nothing that a person may have done to names and places in Drive matters: objects are found by id, or by the marks that
they carry (``drive_objects.py``).
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator

from appliance.errors import RemoteDamaged, RemoteError, RemoteRefused
from appliance.remotes.drive_api import DriveApi
from appliance.remotes.drive_bytes import Bytes
from appliance.remotes.drive_objects import (
    ARCHIVE,
    FOLDER_TYPE,
    DriveFile,
    checked_archive,
    checked_id,
    checked_role,
    having,
    object_of,
    object_or_stranger,
)
from appliance.remotes.drive_place import DrivePlace
from appliance.remotes.drive_reasons import CalledAbusive, NotThere
from appliance.remotes.drive_storing import Quota, Storing, Target
from appliance.remotes.drive_tokens import Credentials, Tokens
from appliance.remotes.drive_web import Endpoints, Web
from appliance.remotes.folder_files import Unmetered
from appliance.remotes.layout import CATALOG
from appliance.remotes.remote import BatchReader, Confirm, Epoch, Gate, Object, Trashed, Usage

_NO_FOLDER = f"mimeType != '{FOLDER_TYPE}'"


class DriveRemote:
    """``Remote`` on Google Drive. ``folder_id`` is what ``create`` returned; None before that."""

    kind = "drive"
    is_local = False

    def __init__(self, api: DriveApi, appliance_id: str, epoch_of: Callable[[str], Epoch], *, folder_id: str | None) -> None:
        self._api = api
        self._place = DrivePlace(api, appliance_id, epoch_of, folder_id)
        self._line = Bytes(api.web, api.tokens)
        self._account: str | None = None

    def create(self) -> str:
        """Find the folder (that of ``folder_id``, else the one that our OAuth client made before), or make one; returns its id.

        Nothing else is made or changed yet. Raises RemoteRefused (the client cannot see that folder), SignInNeeded, RemoteAway.
        """
        return self._place.create()

    def prepare(self) -> None:
        self._place.prepare()

    def check(self) -> None:
        self._place.require()

    def probe(self) -> None:
        self._place.require_ours()
        (remote_id,) = self._api.new_ids(1)
        try:
            self._store(Target(remote_id, "probe", ".probe", None), _PROBE, None, lambda _session, _offset_bytes: None, Unmetered(None))
            found = b"".join(self._pieces(remote_id, 0, _PROBE.size_bytes, Unmetered(None)))
        finally:
            with contextlib.suppress(RemoteError):  # what went wrong before is what counts
                self._api.delete(remote_id, "deleting a probe")
        if hashlib.sha256(found).digest() != _PROBE.sha256:
            raise RemoteDamaged("what was written to Google Drive came back different; look at the network and the proxy")

    def new_ids(self, archive_id: str, names: list[str], *, is_new: bool = False) -> list[str]:
        for name in names:
            checked_role(archive_id, name)
        ids = self._api.new_ids(len(names))
        if is_new:
            self._place.expect_no_folder_of(archive_id)
        return ids

    def put(
        self, remote_id: str, archive_id: str, name: str, content: BatchReader,
        session: str | None, on_confirmed: Confirm, gate: Gate,
    ) -> Object:  # fmt: skip
        target = Target(checked_id(remote_id), checked_role(archive_id, name), name, archive_id)
        self._place.require_ours()
        file = self._store(target, content, session, on_confirmed, gate)
        return Object(file.id, archive_id, name, file.size_bytes, content.sha256, file.trashed)

    def _store(self, target: Target, content: BatchReader, session: str | None, on_confirmed: Confirm, gate: Gate) -> DriveFile:
        return Storing(self._api, self._line, self._place, target, content, on_confirmed, gate).run(session)

    def stat(self, remote_id: str, gate: Gate | None = None) -> Object | None:
        if gate is not None:
            gate(0)
        file = self._api.find(checked_id(remote_id), f"looking for {remote_id}")
        if file is None:
            self._place.require_shown()
            return None
        return object_or_stranger(file)

    def get(self, remote_id: str, offset_bytes: int, size_bytes: int, gate: Gate) -> Iterator[bytes]:
        return self._pieces(checked_id(remote_id), offset_bytes, size_bytes, gate)

    def _pieces(self, remote_id: str, offset_bytes: int, size_bytes: int, gate: Gate) -> Iterator[bytes]:
        what, came_bytes = f"reading {remote_id}", 0
        try:
            for piece in self._line.fetch(self._api.content_url(remote_id), offset_bytes, size_bytes, gate, what):
                came_bytes += len(piece)
                yield piece
        except CalledAbusive:  # it is our own: whatever Google takes it for, the owner wants it back
            url = self._api.content_url(remote_id, acknowledge_abuse=True)
            yield from self._line.fetch(url, offset_bytes + came_bytes, size_bytes - came_bytes, gate, what)
        except RemoteDamaged:
            self._place.require_shown()
            raise

    def list_all(self, gate: Gate) -> Iterator[Object]:
        for found in self._objects({}, _NO_FOLDER, "listing everything", gate):
            if found.archive_id != CATALOG:
                yield found

    def list_archives(self) -> Iterator[str]:
        self._place.require_shown()
        yield from self._place.archive_ids()

    def list_objects(self, archive_id: str, gate: Gate) -> Iterator[Object]:
        return self._in_order(checked_archive(archive_id), gate)

    def _in_order(self, archive_id: str, gate: Gate) -> Iterator[Object]:
        # Drive sorts only as long as an account has not very many files: all of them are fetched first.
        found = self._objects({ARCHIVE: archive_id}, _NO_FOLDER, f"listing {archive_id}", gate)
        yield from sorted(found, key=lambda each: (each.name, each.remote_id))

    def _objects(self, marks: dict[str, str], condition: str, doing: str, gate: Gate) -> Iterator[Object]:
        self._place.require_shown()
        for file in self._api.list(having({**self._place.sought(), **marks}, condition), doing, gate):
            found = object_of(file) if self._place.is_here(file) else None
            if found is not None:
                yield found

    def trash(self, remote_id: str) -> None:
        file = self._ours(remote_id, "trashing")
        if file is not None and not file.trashed:
            self._changed(file, {"trashed": True}, f"trashing {remote_id}")

    def untrash(self, remote_id: str) -> None:
        file = self._ours(remote_id, "taking out of the trash")
        if file is not None:
            self._place.untrash(file)

    def _ours(self, remote_id: str, doing: str) -> DriveFile | None:
        """What is to be changed: a file below our appliance's id. None: it is not there."""
        checked_id(remote_id)
        self._place.require_ours()
        file = self._api.find(remote_id, f"{doing} {remote_id}")
        if file is None:
            self._place.require_shown()
        elif file.is_folder or not self._place.is_ours(file):
            raise RemoteRefused(f"{doing} {remote_id}: it is no object of this appliance, and is left alone; look at it in Google Drive")
        return file

    def _changed(self, file: DriveFile, change: dict[str, bool], doing: str) -> None:
        with contextlib.suppress(NotThere):  # gone in this very moment
            self._api.change(file.id, change, doing)

    def list_trash(self, gate: Gate) -> Iterator[Trashed]:
        for each in self._objects({}, f"{_NO_FOLDER} and trashed = true", "listing the trash", gate):
            yield Trashed(each.remote_id, each.remote_id, each.archive_id, each.name, each.size_bytes)

    def purge(self, trash_id: str) -> None:
        file = self._ours(trash_id, "deleting for ever")
        if file is not None and file.trashed:
            self._api.delete(file.id, f"deleting {trash_id} for ever")

    def list_appliances(self) -> list[str]:
        self._place.require_shown()
        return self._place.appliance_ids()

    def take_over(self) -> None:
        self._place.take_over()

    def keep_signed_in(self) -> None:
        self._api.tokens.keep_fresh()

    def account(self) -> str | None:
        return self._account

    def usage(self) -> Usage:
        about = self._api.about("asking for space")
        user = about.get("user")
        address = user.get("emailAddress") if isinstance(user, dict) else None
        self._account = address if isinstance(address, str) else None
        quota = Quota.of(about)
        return Usage(quota.limit_bytes, quota.used_bytes, quota.free_bytes)


class _Held:
    """A small content in memory (``BatchReader``)."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size_bytes = len(content)
        self.sha256 = hashlib.sha256(content).digest()

    def read_at(self, offset_bytes: int, size_bytes: int) -> bytes:
        return self._content[offset_bytes : offset_bytes + size_bytes]


_PROBE = _Held(b"PyArchive was here: this file may be deleted.\n" * 100)


def open_drive(
    credentials: Credentials, endpoint_root: str | None, appliance_id: str, epoch_of: Callable[[str], Epoch], folder_id: str | None
) -> DriveRemote:
    """A remote with all that it needs; asks nothing yet. Raises BadRequest where the endpoint is no test server's."""
    endpoints, web = Endpoints.of(endpoint_root), Web()
    return DriveRemote(DriveApi(web, Tokens(credentials, endpoints, web), endpoints), appliance_id, epoch_of, folder_id=folder_id)
