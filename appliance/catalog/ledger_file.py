"""The file behind a ledger: appending, syncing, cutting a torn end off, and putting a shorter file in its place."""

from __future__ import annotations

import errno
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from appliance import clock, durable
from appliance.catalog.ledger_compaction import HISTORY_RECORDS, Rewrite
from appliance.catalog.ledger_format import SETTLED, Header, Record, damaged, encode, feed, read_header, replay, settled_after
from appliance.catalog.ledger_history import recent
from appliance.catalog.ledger_state import State
from appliance.durable import DurableFile
from appliance.errors import Conflict, DiskFull, NotFound, StoreUnavailable

_MARK_EVERY_BYTES = 1 << 20
_NONSENSE = (KeyError, IndexError, ValueError, struct.error, zlib.error)
Change = tuple[int, bytes]
"""Kind and payload of a record to be written."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Our words for what the file system says."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound(f"there is no ledger {path.name}; the archive was removed, or has to be adopted again") from None
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise DiskFull(f"the disk is full: nothing can be written into the ledger {path.name}; free some space") from error
        raise StoreUnavailable(f"the ledger {path.name} cannot be used: {error.strerror}; check the disk of the data folder") from error


class LedgerFile:
    """Thread-safe. Keeps no descriptor: there are tens of thousands of ledgers.

    One lock guards file and state and is held for memory and page cache only; another is held while the disk syncs, so that
    whoever comes meanwhile is served by the next sync together. A change shows in ``state`` when it is written, and survives
    a power cut when ``change`` returned.
    """

    def __init__(self, path: Path, header: Header, state: State, marks: list[int], end: int, synced: int) -> None:
        self.path = path
        self.header = header
        self.state = state
        self._marks = marks or [header.size_bytes]
        self._end = self._synced_end = end
        self._written = 0
        self._synced = synced  # number of the change up to which all is; -1: not even what was there at the opening is known to be
        self._epoch = 0
        self._torn = self._stale = self._renamed = False
        self._lock = threading.RLock()
        self._sync_lock = threading.RLock()

    @classmethod
    def create(cls, path: Path, header: Header) -> LedgerFile:
        """Whole and synced, or not there. An existing one with the same content is returned. Raises Conflict, DiskFull."""
        if path.exists():
            return cls._existing(path, header)
        fresh = path.with_name(f".{path.name}.new")
        with translated(path):
            durable.unlink(fresh, missing_ok=True)
            with DurableFile.create(fresh) as file:
                file.write_at(0, header.raw_start)
                file.write_at(len(header.raw_start), header.table)
                file.sync()
            durable.rename(fresh, path)
            durable.sync_dir(path.parent)
        return cls(path, header, _first_state(header), [], header.size_bytes, synced=0)

    @classmethod
    def _existing(cls, path: Path, header: Header) -> LedgerFile:
        known = cls.open(path)
        mine, theirs = header.facts, known.header.facts
        if (mine.archive_id, mine.size_bytes, mine.sha256, mine.batch_bytes, header.table) != (
            theirs.archive_id, theirs.size_bytes, theirs.sha256, theirs.batch_bytes, known.header.table
        ):  # fmt: skip
            raise Conflict(f"there is a ledger {path.name} already, of another file")
        with translated(path), DurableFile.open(path) as file:  # its first writer may have been killed before this
            file.sync()
            durable.sync_dir(path.parent)
        return known

    @classmethod
    def open(cls, path: Path) -> LedgerFile:
        """Raises LedgerDamaged, NewerFormat, NotFound, StoreUnavailable."""
        with translated(path), _reading(path) as fd:
            size = os.fstat(fd).st_size
            header = read_header(fd, path.name)
            state, marks, end = _read(fd, header, size, path.name)
            if end < size and (later := settled_after(fd, end, size)) is not None:
                raise damaged(path.name, end, f"a record has a wrong checksum, and the one at byte {later} says that it was safe")
        ledger = cls(path, header, state, marks, end, synced=-1)
        if end < size:
            ledger._cut_off()
        return ledger

    def _cut_off(self) -> None:
        self._torn = True
        with suppress(OSError), DurableFile.open(self.path) as file:  # a disk that is read-only now may not be so at the next change
            self._mend(file)

    @contextmanager
    def change(self, *, sync: bool = True) -> Iterator[list[Change]]:
        """Yields a list to be filled with what to append, in one write; what is asked of ``state`` meanwhile stays true.

        Without anything to append it still waits, if ``sync``, until everything that shows is safe.
        Raises DiskFull, StoreUnavailable, NotFound; then nothing of it is in file or state.
        """
        with self._lock:
            changes: list[Change] = []
            yield changes
            if changes:
                with translated(self.path):
                    self._append(changes)
            ticket, epoch = self._written, self._epoch
        if sync:
            self._settle(ticket, epoch)

    def _append(self, changes: list[Change]) -> None:
        with DurableFile.open(self.path) as file:
            self._mend(file)
            if self._synced < 0:  # else the first change of each process could not vouch for the last of the one before
                file.sync(data_only=True)
                self._synced = 0
            content = self._encoded(changes)
            self._torn = True  # until all of it is there
            try:
                file.write_at(self._end, content)
            except OSError:
                with suppress(OSError):
                    self._mend(file)
                raise
        self._torn = False
        feed(content, self._end, self.state)
        self._end += len(content)
        self._written += 1
        if self._end - self._marks[-1] > _MARK_EVERY_BYTES:
            self._marks.append(self._end)

    def _encoded(self, changes: list[Change]) -> bytes:
        content, at_s = bytearray(), _now_s()
        settled = SETTLED if self._synced == self._written else 0
        for kind, payload in changes:
            content += encode(kind | settled, payload, self._end + len(content), at_s)
            settled = 0  # the one before it in the same write is not synced
        return bytes(content)

    def _mend(self, file: DurableFile) -> None:
        """Cut off what a failed write or a power cut left behind the end."""
        if self._torn:
            file.truncate(self._end)
            file.sync()
            self._torn = False
        if self._stale:
            version = self.state.version
            self.state, self._marks, end = _read(file.fd, self.header, self._end, self.path.name)
            self.state.version = version + 1
            self._stale = end != self._end
            if self._stale:
                raise damaged(self.path.name, end, "it cannot be read back any more")

    def _settle(self, ticket: int, epoch: int) -> None:
        with self._sync_lock, translated(self.path):
            with self._lock:
                if epoch != self._epoch:
                    raise StoreUnavailable(
                        f"the disk could not keep a change of the ledger {self.path.name}; check the disk of the data folder"
                    )
                if self._synced >= ticket and not self._renamed:
                    return
                ticket, end = self._written, self._end
                file = DurableFile.open(self.path)
            with file:
                self._sync(file)
            with self._lock:
                self._synced, self._synced_end = ticket, end

    def _sync(self, file: DurableFile) -> None:
        try:
            file.sync(data_only=True)
            if self._renamed:
                durable.sync_dir(self.path.parent)
                self._renamed = False
        except OSError:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        """The disk did not keep what was written last, and a second sync would not say so again: back to what it had."""
        with self._lock:
            self._epoch += 1
            self._end = self._synced_end
            self._torn = self._stale = True
            with suppress(OSError), DurableFile.open(self.path) as file:  # else the next change tries again
                self._mend(file)

    # Reading

    @contextmanager
    def reading(self) -> Iterator[int]:
        """A descriptor on the file that ``state`` is of. Raises NotFound, StoreUnavailable."""
        with self._lock, translated(self.path), _reading(self.path) as fd:
            yield fd

    def history(self, limit: int) -> list[Record]:
        """The last records that are history, oldest first."""
        with self.reading() as fd:
            return recent(fd, self._marks, self._end, limit)[-limit:] if limit > 0 else []

    # Compaction

    def record_bytes(self) -> int:
        return self._end - self.header.size_bytes

    def compact(self, is_worthwhile: Callable[[], bool]) -> bool:
        """Put a file with the same state in its place. Raises DiskFull, StoreUnavailable; then all is as before."""
        with self._sync_lock, self._lock, translated(self.path):
            if not is_worthwhile():
                return False
            fresh = self.path.with_name(f".{self.path.name}.new")
            try:
                state, marks, end = self._rewritten(fresh)
                durable.rename(fresh, self.path)
            except BaseException:
                with suppress(OSError):
                    durable.unlink(fresh, missing_ok=True)
                raise
            state.version = self.state.version + 1
            self.state, self._marks = state, marks
            self._end = self._synced_end = end
            self._renamed, self._torn = True, False
            self._settle(self._written, self._epoch)
            return True

    def _rewritten(self, fresh: Path) -> tuple[State, list[int], int]:
        durable.unlink(fresh, missing_ok=True)
        history = self.history(HISTORY_RECORDS)
        with DurableFile.create(fresh) as file, _reading(self.path) as old:
            at_s = _now_s()
            Rewrite(file, self.header, at_s).run(old, self.header.size_bytes, self._end, self.state, history)
            file.sync()
            size = file.size_bytes()
            header = read_header(file.fd, self.path.name)
            state, marks, end = _read(file.fd, header, size, self.path.name)
        if end != size or header != self.header or not state.is_like(self.state):
            raise damaged(self.path.name, end, "written anew it would not say the same; it was left as it is")
        return state, marks, end


def _now_s() -> int:
    """What a record has room for, whatever the clock says."""
    return min(max(0, int(clock.now().timestamp())), 2**32 - 1)


@contextmanager
def _reading(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def _first_state(header: Header) -> State:
    return State(header.facts.title, header.facts.owner, len(header.table) // 32, local=header.local)


def _read(fd: int, header: Header, size: int, name: str) -> tuple[State, list[int], int]:
    """The state, marks in the file, and where the right records end."""
    state, marks = _first_state(header), list[int]()
    try:
        end = replay(fd, header.size_bytes, size, state, marks)
    except _NONSENSE as error:
        raise damaged(name, marks[-1], f"a record says what cannot be ({error!r})") from error
    return state, marks or [header.size_bytes], end
