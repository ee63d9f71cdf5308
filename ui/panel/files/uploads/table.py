"""What the panel has to remember of uploads over its own restarts: one small SQLite file in the panel's folder.

It holds no content and no secret. If it is lost, files that were not finished have to be sent again; nothing that was acknowledged.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sqlite3
import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

log = logging.getLogger("panel.uploads")

_COLUMNS = (
    "id, person, owner, archive_id, path, title, file_name, modified, size_bytes, synced_bytes, state, sha256, error, began_at, changed_at"
)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS uploads (
  id TEXT PRIMARY KEY, person TEXT NOT NULL, owner TEXT NOT NULL, archive_id TEXT NOT NULL, path TEXT NOT NULL, title TEXT NOT NULL,
  file_name TEXT NOT NULL, modified TEXT NOT NULL, size_bytes INTEGER NOT NULL, synced_bytes INTEGER NOT NULL, state TEXT NOT NULL,
  sha256 TEXT NOT NULL, error TEXT NOT NULL, began_at REAL NOT NULL, changed_at REAL NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS by_person ON uploads (person, state);
CREATE INDEX IF NOT EXISTS by_state ON uploads (state);
"""


class State(StrEnum):
    FILLING = "filling"
    COMPLETE = "complete"  # all bytes are here and hashed; the appliance has yet to say that it has them
    RECEIVED = "received"  # it said so
    FAILED = "failed"
    EXPIRED = "expired"


UNFINISHED = (State.FILLING, State.COMPLETE, State.FAILED, State.EXPIRED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """``person`` began it, ``owner`` gets the archive. ``synced_bytes``: so much was on the disk for certain when this was written.

    ``modified`` is the source's time as the client told it: the same name, size and time is the same file.
    """

    id: str
    person: str
    owner: str
    archive_id: str
    path: str
    title: str
    file_name: str
    modified: str
    size_bytes: int
    synced_bytes: int = 0
    state: State = State.FILLING
    sha256: str = ""
    error: str = ""
    began_at: float
    changed_at: float


class Table:
    """Every change is on the disk when the call returns, so calls belong on a thread. Made with its folder, 0700.

    Raises OSError: the disk is full, or refuses; at the start also where another process has it.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._path = folder / "uploads.sqlite"
        self._lock = threading.Lock()
        try:
            self._db = self._open()
        except sqlite3.OperationalError as error:
            raise OSError(f"{self._path} cannot be opened ({error}); does another panel use that folder?") from error
        except sqlite3.DatabaseError as error:
            aside = self._path.with_name(f"uploads.damaged-{int(time.time())}")
            log.error(  # noqa: TRY400 - where it was found says nothing to whoever reads it
                "%s is damaged (%s) and is kept as %s; files that were not finished have to be sent again", self._path, error, aside.name
            )
            self._put_aside(aside)
            self._db = self._open()

    def _open(self) -> sqlite3.Connection:
        """For one process alone: two would write into the same files."""
        db = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        try:
            db.executescript("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + _SCHEMA)
            _check(db)
        except sqlite3.DatabaseError:
            db.close()
            raise
        return db

    def _put_aside(self, aside: Path) -> None:
        self._path.replace(aside)
        for ending in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self._path}{ending}")  # noqa: PTH108 - no path of its own, but a name made of one

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def add(self, entry: Entry) -> None:
        values = [getattr(entry, name) for name in _COLUMNS.split(", ")]
        self._do(f"INSERT INTO uploads ({_COLUMNS}) VALUES ({', '.join('?' * len(values))})", *values)  # noqa: S608 - no value is part of it

    def get(self, upload_id: str) -> Entry | None:
        return next(iter(self._all("WHERE id = ?", upload_id)), None)

    def again(self, entry: Entry) -> Entry:
        """As it is now; as it was where it is gone."""
        return self.get(entry.id) or entry

    def unfinished_of(self, person: str, most: int) -> list[Entry]:
        """Newest first."""
        marks = ", ".join("?" * len(UNFINISHED))
        return self._all(f"WHERE person = ? AND state IN ({marks}) ORDER BY began_at DESC LIMIT ?", person, *UNFINISHED, most)

    def in_state(self, *states: State) -> list[Entry]:
        return self._all(f"WHERE state IN ({', '.join('?' * len(states))})", *states)

    def archive_ids(self) -> set[str]:
        """Of all that is not received."""
        return {entry.archive_id for entry in self.in_state(*UNFINISHED)}

    def mark(self, upload_id: str, synced_bytes: int) -> None:
        """So much is on the disk; only after it is."""
        self._do("UPDATE uploads SET synced_bytes = ?, changed_at = ? WHERE id = ?", synced_bytes, time.time(), upload_id)

    def turn(self, upload_id: str, state: State, *, sha256: str | None = None, error: str = "") -> None:
        self._do(
            "UPDATE uploads SET state = ?, sha256 = coalesce(?, sha256), error = ?, changed_at = ? WHERE id = ?",
            state, sha256, error, time.time(), upload_id,
        )  # fmt: skip

    def forget(self, upload_id: str) -> None:
        self._do("DELETE FROM uploads WHERE id = ?", upload_id)

    def forget_ended(self, but: int) -> None:
        """What came to its end, but for so many that began last. By their number: a Pi's clock may be wrong."""
        ended = (State.RECEIVED, State.FAILED, State.EXPIRED)
        last = "SELECT rowid FROM uploads WHERE state IN (?, ?, ?) ORDER BY rowid DESC LIMIT ?"
        self._do(f"DELETE FROM uploads WHERE state IN (?, ?, ?) AND rowid NOT IN ({last})", *ended, *ended, but)  # noqa: S608 - as above

    def _do(self, sql: str, *values: object) -> None:
        try:
            with self._lock:
                self._db.execute(sql, values)
        except sqlite3.OperationalError as error:
            raise OSError(errno.ENOSPC if "full" in str(error) else errno.EIO, str(error)) from error

    def _all(self, where: str, *values: object) -> list[Entry]:
        with self._lock:
            rows = self._db.execute(f"SELECT {_COLUMNS} FROM uploads {where}", values).fetchall()  # noqa: S608 - no value is part of it
        names = _COLUMNS.split(", ")
        return [Entry(**({**dict(zip(names, row, strict=True))} | {"state": State(row[names.index("state")])})) for row in rows]


def _check(db: sqlite3.Connection) -> None:
    found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found)
