"""The folder of a connection on Google Drive: found, made, and looked after that nobody else writes below our id.

Folders are found by id or by their marks, never by name alone. Each is made under an id that was asked for before, so that a
creation whose answer was lost is not made twice. A search may not know yet what is a moment old: where two folders turn up for
the same thing, the older one counts; of two owner.json the one that was written last. The epoch in it works as in a folder remote.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from appliance import clock
from appliance.errors import RemoteForeign, RemoteRefused, RemoteTaken
from appliance.names import ARCHIVE_ID
from appliance.remotes.drive_api import DriveApi
from appliance.remotes.drive_objects import APPLIANCE, ARCHIVE, FILE_TYPE, FOLDER_TYPE, PLACE, ROLE, DriveFile, Role, having
from appliance.remotes.drive_reasons import NotThere
from appliance.remotes.layout import OWNER_NAME, README_NAME, readme
from appliance.remotes.remote import Epoch
from mqtt.topics import APPLIANCE_ID

log = logging.getLogger("drive")

TOP_NAME = "PyArchive"
_OWNER_FORMAT, _VERSION = "pyarchive-owner", 1
_NO_MORE_THAN_BYTES = 64 * 1024
_LOOK_EVERY_S = 60.0
_LEVELS = 8
_IS_FOLDER, _NOT_TRASHED = f"mimeType = '{FOLDER_TYPE}'", "trashed = false"
_PREPARING = "preparing the folder on Google Drive"
_LOOKING = "looking whose folder it is on Google Drive"


class DrivePlace:
    """Thread-safe."""

    def __init__(self, api: DriveApi, appliance_id: str, epoch_of: Callable[[str], Epoch], folder_id: str | None) -> None:
        self._api = api
        self._appliance_id = appliance_id
        self._epoch_of = epoch_of
        self.folder_id = folder_id
        self._lock = threading.RLock()
        self._looked_at_s = float("-inf")
        self._owner: DriveFile | None = None
        self._word: str | None = None
        self._home: str | None = None
        self._archives: dict[str, str | None] | None = None
        self._new_archives: set[str] = set()
        self._making = [threading.Lock() for _ in range(16)]  # an archive's is chosen by its id
        self._has_readme = False
        self._planned: dict[tuple[str, str | None], str] = {}

    # The top folder

    def create(self) -> str:
        """Find the folder of that id, or the one that our OAuth client made, or make one. Returns its id."""
        with self._lock:
            top = self._oldest_folder({ROLE: "top"}) if self.folder_id is None else self._joined(self._top())
            if top is None:
                top = self._make("top", {"name": TOP_NAME, "mimeType": FOLDER_TYPE}, {ROLE: "top"})
            self.untrash(top)
            self.folder_id = top.id
            return top.id

    def _joined(self, top: DriveFile) -> DriveFile:
        if not top.is_folder or top.role not in {None, "top"}:
            raise RemoteRefused(
                f"{top.id} on Google Drive is no folder that a connection can use; leave the id out to get a folder of its own"
            )
        return top if top.role else self._api.change(top.id, {"appProperties": {ROLE: "top"}}, _PREPARING)

    def _top(self) -> DriveFile:
        top = self._api.find(self._id(), _LOOKING)
        if top is None:
            raise RemoteRefused(
                f"Google Drive shows no folder {self.folder_id}: it was deleted, or the sign-in is of another account or OAuth client "
                "(with the scope drive.file a client sees only what it made itself); sign in with the account and client that made it"
            )
        return top

    def require_shown(self) -> None:
        """Drive shows us the top folder, now. Before absence is believed: to another account or client nothing is there."""
        self._top()

    def _id(self) -> str:
        if self.folder_id is None:
            raise RemoteRefused("the connection has no folder on Google Drive yet; `pyarchive connection validate` finds or makes it")
        return self.folder_id

    # Whose it is

    def prepare(self) -> None:
        """README.txt, our folder, owner.json. Safe to repeat. Raises RemoteForeign, RemoteRefused (the top folder is not shown)."""
        with self._lock:
            self.untrash(self._top())
            word = self._accepted_word()
            self._write_readme()
            self.home()
            if word is None or not self._epoch.is_fresh:
                self._own(word)
            self._looked_at_s = clock.monotonic_s()

    def take_over(self) -> None:
        """Our word into owner.json, whoever's stands there."""
        with self._lock:
            self.untrash(self._top())
            self.home()
            self._own(self._found_word())
            self._looked_at_s = clock.monotonic_s()

    def require(self) -> None:
        """Nobody has taken it over, by a look that is at most a minute old. Raises RemoteForeign, RemoteRefused (it is gone)."""
        with self._lock:
            if clock.monotonic_s() - self._looked_at_s < _LOOK_EVERY_S:
                return
            if self._accepted_word() is None:
                self._top()
            self._looked_at_s = clock.monotonic_s()

    def require_ours(self) -> None:
        """As before, and it carries our word of this process. Before every change."""
        with self._lock:
            self.require()
            if self._word is None or not self._epoch.is_fresh:
                self.prepare()

    @property
    def _epoch(self) -> Epoch:
        return self._epoch_of(f"{self._id()}/{self._appliance_id}")

    def _accepted_word(self) -> str | None:
        """The word in owner.json; None where nobody has written himself down yet."""
        word = self._found_word()
        if word is not None and not self._epoch.accepts(word):
            raise RemoteForeign(
                f"the folder of {self._appliance_id} on Google Drive was taken over by another appliance ({OWNER_NAME} has another epoch); "
                "nothing is written there. Use another folder, or run `pyarchive recover` if this appliance is to own it"
            )
        return word

    def _found_word(self) -> str | None:
        before, self._owner = self._owner, self._newest_owner()
        if self._owner is None:
            self._word = None
        elif before is None or self._owner.sha256 is None or (self._owner.id, self._owner.sha256) != (before.id, before.sha256):
            self._word = self._read_word(self._owner)
        return self._word

    def _read_word(self, owner: DriveFile) -> str:
        """Empty, which nobody accepts, where it is no owner.json."""
        content = self._api.read_small(owner.id, _NO_MORE_THAN_BYTES, _LOOKING) if owner.size_bytes else b""
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            return ""
        word = document.get("epoch") if isinstance(document, dict) else None
        return word if isinstance(word, str) else ""

    def _newest_owner(self) -> DriveFile | None:
        """By a search, and by its id: a search may not know yet what we have just made."""
        found = {
            file.id: file for file in self._api.list(having(self.sought("owner")), _LOOKING) if not file.is_folder and self.is_here(file)
        }
        if self._owner is not None and self._owner.id not in found and (known := self._api.find(self._owner.id, _LOOKING)):
            found[known.id] = known
        return max(found.values(), key=lambda file: (file.modified, file.id), default=None)

    def _own(self, found: str | None) -> None:
        word = self._epoch.next(found)
        owner = {"format": _OWNER_FORMAT, "version": _VERSION, "appliance_id": self._appliance_id, "epoch": word}
        content = json.dumps(owner, indent=1).encode() + b"\n"
        if self._owner is None:
            self._owner = self._new_owner(content)
        else:
            self._owner = self._api.change(self._owner.id, {"trashed": False}, _PREPARING, content)
        self._word = word
        self._epoch.written(word)

    def _new_owner(self, content: bytes) -> DriveFile:
        try:
            return self._make("owner", self._file(OWNER_NAME, self.home()), self.marks("owner"), content)
        except NotThere:  # our folder went with it
            self._home = self._archives = None
            return self._make("owner", self._file(OWNER_NAME, self.home()), self.marks("owner"), content)

    def _write_readme(self) -> None:
        """Once a process: a search may not know yet the one that was just made."""
        if self._has_readme:
            return
        marks, content = {ROLE: "readme", PLACE: self._id()}, readme()
        standing = next(self._api.list(having(marks, _NOT_TRASHED), _PREPARING), None)
        if standing is None:
            self._make("readme", self._file(README_NAME, self._id()), marks, content)
        elif standing.sha256 != hashlib.sha256(content).digest():
            self._api.change(standing.id, {}, _PREPARING, content)
        self._has_readme = True

    @staticmethod
    def _file(name: str, parent: str) -> dict[str, Any]:
        return {"name": name, "mimeType": FILE_TYPE, "parents": [parent]}

    # Folders below

    def marks(self, role: Role, archive_id: str | None = None) -> dict[str, str]:
        """What a file or folder below our appliance's id carries."""
        return {PLACE: self._id(), **self.sought(role, archive_id)}

    def sought(self, role: Role | None = None, archive_id: str | None = None) -> dict[str, str]:
        """By what it is searched for; look whether it ``is_here`` as well."""
        wanted = {ROLE: role, APPLIANCE: self._appliance_id, ARCHIVE: archive_id}
        return {mark: value for mark, value in wanted.items() if value is not None}

    def is_here(self, file: DriveFile) -> bool:
        """It belongs to this connection's folder, not to another one of the same account and client."""
        return file.marks.get(PLACE, self.folder_id) == self.folder_id

    def is_ours(self, file: DriveFile) -> bool:
        return self.is_here(file) and file.marks.get(APPLIANCE) == self._appliance_id

    def home(self) -> str:
        """The folder of our appliance's id; made where it is not there."""
        with self._lock:
            if self._home is None:
                self._home = self._folder("appliance", self._appliance_id, self._id()).id
            return self._home

    def folder_of(self, archive_id: str) -> str:
        """The folder of an archive, made where it is not there. Different archives need not wait for each other."""
        found, _ = self._known_folder(archive_id)
        if found is not None:
            return found
        with self._making[hash(archive_id) % len(self._making)]:
            found, may_be_there = self._known_folder(archive_id)
            if found is None:
                found = self._folder("archive", archive_id, self.home(), archive_id, look=may_be_there).id
                self._note_folder(archive_id, found)
            return found

    def expect_no_folder_of(self, archive_id: str) -> None:
        """The archive's first ids were given out just now: no process before this one can have made a folder for it."""
        with self._lock:
            self._new_archives.add(archive_id)

    def _known_folder(self, archive_id: str) -> tuple[str | None, bool]:
        """Its id, where it is known; else whether there may be one all the same: in the trash, or too young to be listed."""
        with self._lock:
            if self._archives is None:
                self._archives = self._known_archives()
            return self._archives.get(archive_id), archive_id in self._archives or archive_id not in self._new_archives

    def _note_folder(self, archive_id: str, folder_id: str) -> None:
        with self._lock:
            self._new_archives.discard(archive_id)
            if self._archives is not None:
                self._archives[archive_id] = folder_id

    def look_again(self) -> None:
        """A folder turned out to be gone: all are looked for, and made where they are not there. Raises what ``require_ours`` raises."""
        with self._lock:
            self._home = self._archives = None
            self._looked_at_s = float("-inf")
            self.require_ours()

    def _known_archives(self) -> dict[str, str | None]:
        """All at once, the oldest of each. None: it is in the trash, which is left to a closer look."""
        found: dict[str, str | None] = {}
        for folder in self._folders(self.sought("archive"), _PREPARING):
            found.setdefault(folder.marks.get(ARCHIVE, ""), None if folder.trashed else folder.id)
        return found

    def _folder(self, role: Role, name: str, parent: str, archive_id: str | None = None, *, look: bool = True) -> DriveFile:
        """``look``: there may be one."""
        found = self._oldest_folder(self.sought(role, archive_id)) if look else None
        if found is not None:
            self.untrash(found)
            return found
        return self._make(role, {"name": name, "mimeType": FOLDER_TYPE, "parents": [parent]}, self.marks(role, archive_id))

    def _oldest_folder(self, marks: dict[str, str]) -> DriveFile | None:
        """One that is not in the trash before one that is."""
        found = self._folders(marks, _PREPARING)
        if len([each for each in found if not each.trashed]) > 1:
            log.warning(
                "Google Drive has several folders %r of ours; the oldest one is used, the others are read as well", found[0].name[:64]
            )
        return found[0] if found else None

    def _folders(self, marks: dict[str, str], doing: str, *conditions: str) -> list[DriveFile]:
        """What is not in the trash first, then by age."""
        found = [each for each in self._api.list(having(marks, _IS_FOLDER, *conditions), doing) if each.is_folder and self.is_here(each)]
        return sorted(found, key=lambda each: (each.trashed, each.created, each.id))

    def _make(self, role: Role, file: dict[str, Any], marks: dict[str, str], content: bytes | None = None) -> DriveFile:
        """Under an id that stays the same until it is known that it was made."""
        key = (role, marks.get(ARCHIVE))
        if key not in self._planned:
            (self._planned[key],) = self._api.new_ids(1)
        wanted = {**file, "appProperties": marks}
        try:
            made = self._api.make({**wanted, "id": self._planned[key]}, content, _PREPARING)
        except RemoteTaken:  # made before, most likely; but an id may also be one that cannot be used for this
            made = self._api.find(self._planned[key], _PREPARING) or self._api.make(wanted, content, _PREPARING)
        del self._planned[key]
        return made

    def untrash(self, file: DriveFile) -> None:
        """Out of the trash: itself, and the folders above it with which it went there."""
        for _ in range(_LEVELS):
            if file.trashed_itself:
                log.info("%r was in the trash of Google Drive; it is taken out again", file.name[:64])
                file = self._api.change(file.id, {"trashed": False}, "taking it out of the trash")
            above = self._api.find(file.parents[0], "taking it out of the trash") if file.trashed and file.parents else None
            if above is None:
                return
            file = above

    # Who else is there

    def archive_ids(self) -> list[str]:
        """Of all folders of archives, those in the trash too. Each once, sorted."""
        folders = self._folders(self.sought("archive"), "listing archives")
        return sorted({archive for each in folders if ARCHIVE_ID.fullmatch(archive := each.marks.get(ARCHIVE, ""))})

    def appliance_ids(self) -> list[str]:
        folders = self._folders({ROLE: "appliance"}, "listing appliances")
        return sorted({found for each in folders if APPLIANCE_ID.fullmatch(found := each.marks.get(APPLIANCE, ""))})
