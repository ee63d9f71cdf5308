"""The file that changes are appended to: a header, then one line a change, each synced before it counts."""

from __future__ import annotations

import contextlib
from pathlib import Path

from appliance import durable
from appliance.catalog.lines import Place, header


def journal_path(folder: Path, generation: int) -> Path:
    return folder / f"journal-{generation}"


class JournalFile:
    """The open end of one journal. Not thread-safe."""

    def __init__(self, file: durable.DurableFile, generation: int, size_bytes: int) -> None:
        self._file = file
        self._place = Place(file.path.name)
        self.generation = generation
        self.size_bytes = size_bytes
        self.is_suspect = False
        """What the disk holds at the end of this file is not known; nothing may be appended to it any more."""

    @classmethod
    def create(cls, folder: Path, generation: int, previous_bytes: int | None) -> JournalFile:
        """A new journal, synced, name and all. ``previous_bytes``: how much of the journal before it counts; None: none of it.

        Raises OSError; what was begun is taken away then, and if not even that could be synced, FolderUncertain.
        """
        path = journal_path(folder, generation)
        durable.unlink(path, missing_ok=True)  # of a rotation that failed; it never carried a change
        try:
            return cls._create(path, generation, previous_bytes)
        except BaseException as error:
            cls._take_back(path, error)
            raise

    @classmethod
    def _create(cls, path: Path, generation: int, previous_bytes: int | None) -> JournalFile:
        file = durable.DurableFile.create(path)
        try:
            first = Place(path.name).line(0, header("journal", generation, previous_bytes=previous_bytes))
            file.write_at(0, first)
            file.sync()
            durable.sync_dir(path.parent)
        except BaseException:
            file.close()
            raise
        return cls(file, generation, len(first))

    @staticmethod
    def _take_back(path: Path, cause: BaseException) -> None:
        try:
            durable.unlink(path, missing_ok=True)
            durable.sync_dir(path.parent)
        except OSError as error:
            raise FolderUncertain(error.errno, f"{error.strerror} while taking {path.name} back") from cause

    @classmethod
    def resume(cls, folder: Path, generation: int, size_bytes: int) -> JournalFile:
        """Go on in a journal that was read; what is beyond size_bytes is cut off. Raises OSError."""
        file = durable.DurableFile.open(journal_path(folder, generation))
        try:
            if file.size_bytes() > size_bytes:
                file.truncate(size_bytes)
            # A process that was killed may have written what it never synced: it was read now, so it has to stay.
            file.sync()
            durable.sync_dir(folder)
        except BaseException:
            file.close()
            raise
        return cls(file, generation, size_bytes)

    def append(self, body: bytes) -> int:
        """Bytes written; the line is synced. After any error (OSError) the file is as it was, or ``is_suspect``."""
        line = self._place.line(self.size_bytes, body)
        syncing = False
        try:
            self._file.write_at(self.size_bytes, line)
            syncing = True
            self._file.sync(data_only=True)
        except BaseException:
            # After a failed fsync the kernel forgets what it could not write: the next fsync would lie about this file.
            self.is_suspect = not self._cut() or syncing
            raise
        self.size_bytes += len(line)
        return len(line)

    def _cut(self) -> bool:
        try:
            self._file.truncate(self.size_bytes)
        except OSError:
            return False
        return True

    def close(self) -> None:
        with contextlib.suppress(OSError):  # nothing is left to be written
            self._file.close()


class FolderUncertain(OSError):
    """A new journal may or may not be there after a power cut."""
