"""All that the fake Drive knows: what its requests and its controls work on."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fakes.drive_faults import Faults
from tests.fakes.drive_files import CHECKSUMS, ROOT_ID, File, Files
from tests.fakes.drive_line import Line
from tests.fakes.drive_oauth import Caller, OAuth
from tests.fakes.drive_uploads import Hashing, Meter, Session

_HASHERS = 3


class Lag:
    """Listings that do not know yet what is younger than so many seconds, or than so many creations."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.creations = 0

    def hides(self, files: Files, file: File) -> bool:
        return time.monotonic() - file.born_s < self.seconds or files.born - file.born_number < self.creations


class World:
    """One account of one fake Drive."""

    def __init__(self, folder: Path, checksums: Iterable[str] = CHECKSUMS) -> None:
        self.checksums = tuple(checksums)
        self.files = Files(folder / "contents")
        self.sessions_folder = folder / "sessions"
        self.sessions_folder.mkdir(parents=True, exist_ok=True)
        self.line = Line()
        self.lag = Lag()
        self.oauth = OAuth()
        self.faults = Faults()
        self.meter = Meter()
        self.hashers = ThreadPoolExecutor(_HASHERS, "fake-drive-hash")
        self.sessions: dict[str, Session] = {}
        self.expired_status = 404
        self.generated: set[str] = set()
        self.limit_bytes: int | None = None
        self.foreign_bytes = 0
        self.abusive: set[str] = set()
        self.requests: Counter[str] = Counter()
        self.sent_bytes = 0
        self.violations: list[str] = []
        self.lists: dict[str, tuple[str, list[str]]] = {}
        self.lock = threading.Lock()

    def close(self) -> None:
        self.hashers.shutdown(wait=False, cancel_futures=True)

    def violation(self, text: str) -> None:
        with self.lock:
            self.violations.append(text)

    def hashing(self) -> Hashing:
        return Hashing(self.checksums, self.hashers)

    def visible(self, caller: Caller, file_id: str) -> File | None:
        """A file that this client may know of: with drive.file its own alone. To be called under the lock of the files."""
        file = self.files.by_id.get(file_id)
        if file is None or not (caller.sees_all or file.client_id == caller.client_id):
            return None
        return file

    def root(self) -> File:
        return File(ROOT_ID, "My Drive", "", [], "application/vnd.google-apps.folder")

    def used_bytes(self) -> int:
        """What counts against the quota: the trash too."""
        return self.files.used_bytes() + self.foreign_bytes

    def has_room(self, more_bytes: int) -> bool:
        return self.limit_bytes is None or self.used_bytes() + more_bytes <= self.limit_bytes
