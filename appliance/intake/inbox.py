"""The watched folder: what is put into ``inbox/<owner>/`` becomes an archive of that owner, and then leaves the inbox.

A file has arrived when nobody has it open for writing and its size and times have not changed for the settling time.
Events of the kernel only make the look come sooner: network mounts send none, and events repeat and get lost.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import FileClosedEvent, FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from appliance import clock, durable
from appliance.archive import Archive
from appliance.batches import hash_file
from appliance.errors import ApplianceError, SourceChanged, Stopped
from appliance.intake.copying import copy_in
from appliance.intake.intake import Intake
from appliance.intake.leases import is_being_written
from appliance.intake.temporary import is_temporary
from appliance.library import Library
from appliance.names import checked_owner, clean_title, safe_file_name
from appliance.problems import Problems
from appliance.settings import SettingsStore

log = logging.getLogger("inbox")
_LOOK_EVERY_S = 5.0
_EMPTY_SETTLE_S = 60.0
_UNSURE_SETTLE_FACTOR = 6


@dataclass(frozen=True, slots=True)
class Identity:
    """Tells a file from another of the same name, and from its own later self."""

    inode: int
    size_bytes: int
    mtime_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Identity:
        return cls(found.st_ino, found.st_size, found.st_mtime_ns)


class _Wake(FileSystemEventHandler):
    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        if isinstance(event, FileClosedEvent | FileMovedEvent):
            self._wake.set()


class Inbox:
    """One thread looks, waits for files to settle, and takes them in one by one."""

    def __init__(self, library: Library, intake: Intake, settings: SettingsStore, problems: Problems) -> None:
        self._library = library
        self._intake = intake
        self._settings = settings
        self._problems = problems
        self._folder = library.folder.inbox
        self._seen: dict[Path, tuple[Identity, float]] = {}
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._observer = Observer()
        self._thread = threading.Thread(target=self._work, name="inbox", daemon=True)

    def start(self) -> None:
        try:
            durable.make_dir(self._folder / self._settings.current.default_owner, 0o770)
            self._observer.schedule(_Wake(self._wake), str(self._folder), recursive=True)
            self._observer.start()
        except OSError as error:  # no watches left, a read-only disk: the regular look finds everything
            log.warning("the inbox is looked at every %.0f s only: %s", _LOOK_EVERY_S, error)
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        self._stop.set()
        self._wake.set()
        if self._observer.is_alive():
            self._observer.stop()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _work(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                wait_s = self.look()
            except OSError as error:
                self._problems.raise_("inbox", "inbox", f"the inbox cannot be read: {error}", "check the disk", needs_you=True)
                wait_s = _LOOK_EVERY_S
            self._pause(wait_s)

    def _pause(self, wait_s: float) -> None:
        deadline = clock.monotonic_s() + wait_s
        while not self._stop.is_set() and clock.monotonic_s() < deadline:
            if self._wake.wait(min(0.2, wait_s)):
                self._stop.wait(min(0.2, self._settings.current.inbox_settle_s))  # a burst of events is one look
                return

    def look(self) -> float:
        """One look; takes in what has arrived. Seconds until the next look is worth it."""
        self._intake.discard_half_copies()
        present = dict(self._files())
        self._seen = {path: entry for path, entry in self._seen.items() if path in present}
        waits = [_LOOK_EVERY_S]
        for path, found in present.items():
            if self._stop.is_set():
                break
            rest_s = self._rest_s(path, found)
            if rest_s > 0:
                waits.append(rest_s)
            else:
                self._take(path, Identity.of(found))
        return min(waits)

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        for folder, subfolders, names in os.walk(self._folder):
            subfolders[:] = sorted(name for name in subfolders if not is_temporary(name))
            for name in sorted(names):
                path = Path(folder, name)
                with contextlib.suppress(FileNotFoundError):
                    found = path.lstat()
                    if stat.S_ISREG(found.st_mode) and not is_temporary(name):
                        yield path, found

    def _rest_s(self, path: Path, found: os.stat_result) -> float:
        """Seconds for which the file has to stay as it is; 0: it has arrived."""
        now, identity = clock.monotonic_s(), Identity.of(found)
        before = self._seen.get(path)
        if before is None or before[0] != identity:
            self._seen[path] = before = (identity, now)
        settle_s = self._settings.current.inbox_settle_s
        if not identity.size_bytes:
            settle_s = max(settle_s, _EMPTY_SETTLE_S)  # many programs make the name first and fill it later
        rest_s = settle_s - (now - before[1])
        return rest_s if rest_s > 0 else self._rest_while_open_s(path, now - before[1])

    def _rest_while_open_s(self, path: Path, unchanged_s: float) -> float:
        try:
            writing = is_being_written(path)
        except PermissionError:
            return 0.0  # said when it is taken
        except OSError:
            return 1.0
        if writing:
            return 1.0
        if writing is None:  # the kernel does not tell for another user's file: be patient, and copy
            return max(0.0, self._settings.current.inbox_settle_s * _UNSURE_SETTLE_FACTOR - unchanged_s)
        return 0.0

    def _take(self, path: Path, identity: Identity) -> None:
        about = f"inbox/{path.relative_to(self._folder)}"
        if _is_closed(path):
            step = f"let the group do both: `sudo chmod -R g+rwX {shlex.quote(str(path.parent))}`"
            self._problems.raise_("inbox", about, f"{about} may not be read, or not be removed afterwards", step, needs_you=True)
            return
        try:
            archive = self._already_taken(path, identity) or self._take_in(path, identity)
            self._leave(path, identity, archive)
            self._problems.clear_about(about)
        except Stopped:
            return
        except SourceChanged as error:
            log.info("%s: %s", about, error)
        except (ApplianceError, OSError) as error:
            code = error.code if isinstance(error, ApplianceError) else "inbox"
            self._problems.raise_(code, about, f"{about} was not taken in: {error}", "it is tried again by itself", needs_you=True)

    def _owner_and_title(self, path: Path) -> tuple[str, str]:
        parts = path.relative_to(self._folder).parts
        named = [part.encode(errors="surrogateescape").decode(errors="replace") for part in parts]
        if len(named) == 1:
            return self._settings.current.default_owner, clean_title(named[0])
        return checked_owner(named[0]), clean_title("/".join(named[1:]))

    def _already_taken(self, path: Path, identity: Identity) -> Archive | None:
        """The archive that was made of this very file, when the end came before the file could leave."""
        source = _source(path, identity)
        same = [view.archive for view in self._library.all_views() if view.archive.source == source]
        if not same:
            return None
        # An inode and a time can come again for another file: only the same bytes are the same file.
        sha256 = hash_file(path, identity.size_bytes, 1 << 30, on_progress=lambda _: None, stop=self._stop_if_told).sha256.hex()
        return next((archive for archive in same if archive.sha256 == sha256), None)

    def _stop_if_told(self) -> None:
        if self._stop.is_set():
            raise Stopped("stopped")

    def _take_in(self, path: Path, identity: Identity) -> Archive:
        owner, title = self._owner_and_title(path)
        self._library.folder.check_store()
        document = {
            "file_name": safe_file_name(path.name.encode(errors="surrogateescape").decode(errors="replace")),
            "title": title,
            "owner": owner,
            "size_bytes": identity.size_bytes,
            "state": "copying",
            "source": _source(path, identity),
        }
        upload_id = self._intake.announce(document)
        try:
            sha256 = copy_in(path, self._library.folder.uploads / upload_id, self._stop.is_set)
            self._check_unchanged(path, identity)
            document = self._library.db.table("uploads").get(doc_id=upload_id)
            hashes = self._intake.check(upload_id, document, sha256)
            self._check_unchanged(path, identity)
            return self._intake.admit(upload_id, document, hashes)
        except BaseException:
            self._intake.discard_half_copies()
            raise

    def _check_unchanged(self, path: Path, identity: Identity) -> None:
        try:
            found = path.lstat()
        except FileNotFoundError:
            raise SourceChanged("the file vanished while it was read; nothing was taken in") from None
        if Identity.of(found) != identity:
            raise SourceChanged("the file changed while it was read; it is taken in once it has settled")

    def _leave(self, path: Path, identity: Identity, archive: Archive) -> None:
        """The archive is safe: the file may leave the inbox, if it is still the one that was read."""
        self._check_unchanged(path, identity)
        durable.unlink(path)
        durable.sync_dir(path.parent)
        self._seen.pop(path, None)
        log.info("%s left the inbox as archive %s", path.name, archive.id, extra={"archive_id": archive.id})


def _is_closed(path: Path) -> bool:
    """Another user keeps it from us. Asked first: taken in again and again it would never leave."""
    return not (os.access(path, os.R_OK) and os.access(path.parent, os.W_OK | os.X_OK))


def _source(path: Path, identity: Identity) -> dict[str, object]:
    # Bytes that are no text are kept as surrogates in memory; JSON gets them escaped.
    return {"path": str(path).encode(errors="surrogateescape").hex(), "identity": [identity.inode, identity.size_bytes, identity.mtime_ns]}
