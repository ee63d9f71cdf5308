"""Files on their way in: announced, filled by another program, checked, and then an archive.

An announced file is a document in the catalog's table ``uploads`` and a file of the same id in the folder ``uploads/``.
States: ``filling`` (the client writes), ``committed`` (the client is done; ours to check), ``copying`` (ours, from the
inbox), ``failed`` (with the reason, until it expires). There is no state for the end: then it is an archive.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from appliance import clock, durable
from appliance.access import nothing_announced
from appliance.archive import Archive
from appliance.batches import Hashes, drop_cache_of, hash_file
from appliance.catalog.ledger import ArchiveFacts
from appliance.errors import ApplianceError, BadRequest, Conflict, Damaged, Stopped
from appliance.intake.admission import Admission
from appliance.intake.leases import is_being_written
from appliance.library import Library
from appliance.liveness import Liveness, Loop
from appliance.names import checked_owner, clean_title, new_archive_id, safe_file_name
from appliance.problems import Problems
from appliance.settings import SettingsStore
from appliance.spaces import spaces
from appliance.store import bring_in, free_local, translated
from mqtt.messages import EventName

log = logging.getLogger("intake")
_TRY_AGAIN_S = 5.0
_WITHIN_S = 600.0  # of the syncing of one large file
_WRITER_PATIENCE_S = 10.0
_EXPIRING = {"filling", "failed"}
_SHOWN = {"committed": "hashing", "copying": "hashing"}
Announce = Callable[[EventName, Archive], None]


@dataclass(frozen=True, slots=True)
class UploadState:
    """What ``archive/upload`` answers."""

    state: str
    done_bytes: int
    size_bytes: int
    error: dict[str, str] | None = None
    expires_at: datetime | None = None


class Intake:
    """One worker thread checks what was committed, in order. ``announce(event, archive)`` tells of new archives."""

    def __init__(self, library: Library, settings: SettingsStore, problems: Problems, announce: Announce, liveness: Liveness) -> None:
        self._library = library
        self._folder = library.folder
        self._settings = settings
        self._problems = problems
        self._announce = announce
        self._table = library.db.table("uploads")
        self._queue: queue.Queue[str | None] = queue.Queue()
        self.is_busy = False
        """A file is being taken in: the disk is needed."""
        self._stop = threading.Event()
        self._done_bytes: dict[str, int] = {}
        self._held_up: dict[str, float] = {}
        self._announcing = threading.Lock()
        self.admission = Admission(
            lambda: spaces(self._folder, settings.current.reserve_mib), lambda: dict(self._table.items()), self._folder.uploads
        )
        self._liveness = liveness
        self._sign = Loop("intake", _WITHIN_S)
        self._thread = threading.Thread(target=self._work, name="intake", daemon=True)

    def batch_bytes(self) -> int:
        """What new archives are cut into."""
        return self._settings.current.batch_size_mib << 20

    # Called by requests

    def begin(self, file_name: str, size_bytes: int, title: str | None, owner: str | None) -> tuple[str, str]:
        """The archive id, and the path of the empty file to fill. Raises BadRequest, DiskFull, StoreUnavailable."""
        owner = checked_owner(owner or self._settings.current.default_owner)
        name = safe_file_name(file_name)
        document = {"file_name": name, "title": clean_title(title or name), "owner": owner, "size_bytes": size_bytes, "state": "filling"}
        self._folder.check_store()
        upload_id = self.announce(document)
        return upload_id, str(self._folder.uploads / upload_id)

    def announce(self, document: dict[str, Any]) -> str:
        """Admit, name and make the file. Raises DiskFull, StoreUnavailable."""
        with self._announcing:  # two files must not be promised the same space
            self.admission.check(document["size_bytes"], document["title"])
            upload_id = new_archive_id()
            self._library.db.apply({"uploads": {upload_id: {**document, "announced_at": clock.iso(clock.now())}}})
            try:
                durable.DurableFile.create(self._folder.uploads / upload_id, 0o660).close()
                durable.sync_dir(self._folder.uploads)
            except OSError as error:
                with contextlib.suppress(ApplianceError, OSError):
                    self.discard(upload_id)
                raise translated(error, f"taking in {document['title']}") from error
        return upload_id

    def commit(self, upload_id: str, sha256: str) -> None:
        """The client is done. Raises NotFound, Conflict. Safe to repeat."""
        if upload_id in self._library.views:
            return
        document = self._document(upload_id)
        if document["state"] == "failed":
            raise Conflict(f"upload {upload_id} failed: {document['error']['message']}")
        path = self._folder.uploads / upload_id
        if document["state"] == "filling":
            actual = path.stat().st_size if path.exists() else 0
            if actual != document["size_bytes"]:
                raise BadRequest(
                    f"{document['title']} was announced with {document['size_bytes']} bytes and has {actual}; hand it in again"
                )
            self._library.db.apply({"uploads": {upload_id: {**document, "state": "committed", "sha256": sha256}}})
            self._queue.put(upload_id)

    def abort(self, upload_id: str) -> None:
        """Forget an announced file. Raises Conflict once it was committed; unknown ones are forgotten already."""
        document = self._table.get(doc_id=upload_id)
        if document is None:
            return
        if document["state"] not in {"filling", "failed"}:
            raise Conflict(f"{document['title']} was handed over already; remove the archive instead")
        self.discard(upload_id)

    def discard(self, upload_id: str) -> None:
        """File and entry go, in this order: a file without an entry would be unclaimed."""
        self._sweep(upload_id)
        self._library.db.apply({"uploads": {upload_id: None}})
        self._done_bytes.pop(upload_id, None)

    def _sweep(self, upload_id: str) -> None:
        """Nothing of it was acknowledged: what it left on the disk goes."""
        if upload_id in self._library.views:
            return
        durable.unlink(self._folder.uploads / upload_id, missing_ok=True)
        durable.sync_dir(self._folder.uploads)
        self._library.drop_unacknowledged_ledger(upload_id)
        document = self._table.get(doc_id=upload_id) or {}
        if document.get("state") == "copying":  # the source is still in the inbox
            free_local(self._library.local_folder(upload_id), str(document.get("file_name")))

    def state(self, upload_id: str) -> UploadState:
        """Raises NotFound."""
        if upload_id in self._library.views:
            size = self._library.archive(upload_id).size_bytes
            return UploadState("received", size, size)
        # Between its entry in the catalog and its view an archive is received too; the upload's own row is gone by then.
        if (entry := self._library.db.table("archives").get(doc_id=upload_id)) is not None:
            return UploadState("received", entry["size_bytes"], entry["size_bytes"])
        document = self._document(upload_id)
        return UploadState(
            _SHOWN.get(document["state"], document["state"]), self._done_bytes.get(upload_id, 0), document["size_bytes"],
            document.get("error"), self.expires_at(upload_id, document),
        )  # fmt: skip

    def announced(self, owner: str | None) -> list[tuple[str, dict[str, Any]]]:
        """What is on its way in, the last that was announced first; of one owner, or of all."""
        found = [(key, dict(each)) for key, each in self._table.items() if owner is None or each["owner"] == owner]
        return sorted(found, key=lambda each: str(each[1]["announced_at"]), reverse=True)

    def filled_bytes(self, upload_id: str) -> int:
        """How long its file is by now."""
        found = self._file_of(upload_id)
        return found.st_size if found else 0

    def touched_at(self, upload_id: str, document: dict[str, Any]) -> datetime:
        """When it was announced or last written to."""
        announced_at, found = clock.from_iso(document["announced_at"]), self._file_of(upload_id)
        written_at = datetime.fromtimestamp(found.st_mtime, UTC) if found else announced_at
        return max(announced_at, min(written_at, clock.now()))  # a time to come is a wrong one

    def expires_at(self, upload_id: str, document: dict[str, Any]) -> datetime | None:
        """At the earliest, and where nothing more is written to it; None for what does not expire."""
        if document["state"] not in _EXPIRING:
            return None
        return self.touched_at(upload_id, document) + timedelta(days=self._settings.current.unfinished_days)

    def _file_of(self, upload_id: str) -> os.stat_result | None:
        try:
            return (self._folder.uploads / upload_id).stat()
        except OSError:
            return None

    def expire(self, is_older: Callable[[datetime, timedelta], bool]) -> None:
        """What nobody went on with goes."""
        unfinished = timedelta(days=self._settings.current.unfinished_days)
        for upload_id, document in list(self._table.items()):
            if document["state"] in _EXPIRING and is_older(self.touched_at(upload_id, document), unfinished):
                log.warning("%s was announced and never finished; it has expired", document["title"])
                self.discard(upload_id)

    def _document(self, upload_id: str) -> dict[str, Any]:
        document = self._table.get(doc_id=upload_id)
        if document is None:
            raise nothing_announced(upload_id)
        return dict(document)

    # The worker

    def start(self) -> None:
        """Go on with what was committed before the last end."""
        for upload_id, document in list(self._table.items()):
            if document["state"] == "committed":
                self._queue.put(upload_id)
        self._thread.start()

    def discard_half_copies(self) -> None:
        """What copies from the inbox left that came to no end; for the one thread that makes them. Tried again at its next look."""
        for upload_id, document in list(self._table.items()):
            if document["state"] == "copying":
                with contextlib.suppress(ApplianceError, OSError):
                    self.discard(upload_id)

    def stop(self, timeout_s: float) -> None:
        self._stop.set()
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _work(self) -> None:
        self._sign = self._liveness.loop("intake", _WITHIN_S)
        while not self._stop.is_set():
            self._sign.round()
            upload_id = self._next()
            if upload_id is not None:
                self.is_busy = True
                self._try(upload_id)
                self.is_busy = False

    def _next(self) -> str | None:
        """What was just committed before what is held up, so that one bad file holds up nobody; None after a while without either."""
        wait_s = max(0.0, min(self._held_up.values(), default=clock.monotonic_s() + _TRY_AGAIN_S) - clock.monotonic_s())
        try:
            return self._queue.get(timeout=wait_s) if wait_s else self._queue.get_nowait()
        except queue.Empty:
            due = min(self._held_up, key=lambda upload_id: self._held_up[upload_id], default=None)
            return due if due is not None and self._held_up[due] <= clock.monotonic_s() else None

    def _try(self, upload_id: str) -> None:
        """Once. What may pass is held up and tried again; what will not has failed for good."""
        try:
            self._take_in_or_fail(upload_id)
        except Stopped:
            return
        except ApplianceError as error:
            self._hold_up(upload_id, error.code, str(error), "it goes on by itself once this is mended")
        except Exception as error:
            log.exception("taking in %s failed", upload_id)
            about = f"taking in {upload_id} failed with an internal error: {type(error).__name__}"
            self._hold_up(upload_id, "internal", about, "it is tried again by itself; see the log")
        else:
            self._held_up.pop(upload_id, None)
            if not self._held_up:
                self._problems.clear_about("intake")

    def _hold_up(self, upload_id: str, code: str, message: str, next_step: str) -> None:
        self._held_up[upload_id] = clock.monotonic_s() + _TRY_AGAIN_S
        self._problems.raise_(code, "intake", message, next_step, needs_you=True)

    def _take_in_or_fail(self, upload_id: str) -> None:
        """Raises what may pass: a full disk, one that is away or read-only."""
        try:
            self._take_in(upload_id)
        except FileNotFoundError as error:
            self._fail(upload_id, error)
        except OSError as error:
            raise translated(error, f"taking in {upload_id}") from error
        except ApplianceError as error:
            if error.retriable:
                raise
            self._fail(upload_id, error)

    def _fail(self, upload_id: str, error: ApplianceError | OSError) -> None:
        code = error.code if isinstance(error, ApplianceError) else "failed"
        log.error("upload %s failed: %s", upload_id, error)
        document = self._table.get(doc_id=upload_id)
        if document is not None:
            failed = {**document, "state": "failed", "error": {"code": code, "message": str(error)}}
            self._library.db.apply({"uploads": {upload_id: failed}})
        durable.unlink(self._folder.uploads / upload_id, missing_ok=True)

    def _take_in(self, upload_id: str) -> None:
        document = self._document(upload_id)
        path = self._folder.uploads / upload_id
        self._folder.check_store()
        if not path.exists() and (self._folder.ledger / upload_id).exists():
            self.admit(upload_id, document, None)  # the end came between the move and the entry
            return
        path.chmod(0o640)  # from here on nobody new may write
        self._wait_for_writers(upload_id)
        hashes = self.check(upload_id, document, bytes.fromhex(document["sha256"]))
        self.admit(upload_id, document, hashes)

    def _wait_for_writers(self, upload_id: str) -> None:
        deadline = clock.monotonic_s() + _WRITER_PATIENCE_S
        while is_being_written(self._folder.uploads / upload_id):
            if clock.monotonic_s() > deadline:
                raise Conflict("the file is still open for writing; close it, and hand it in again")
            if self._stop.wait(0.05):
                raise Stopped("stopped")

    def check(self, upload_id: str, document: dict[str, Any], expected: bytes) -> Hashes:
        """Sync the file, read it back past the page cache, and compare with what the writer read. Raises Damaged, Stopped, OSError."""
        path = self._folder.uploads / upload_id
        try:
            durable.take(path)
            drop_cache_of(path)
            hashes = hash_file(
                path,
                document["size_bytes"],
                self.batch_bytes(),
                on_progress=lambda done: self._done_bytes.__setitem__(upload_id, done),
                stop=self._stop_if_told,
            )
        except OSError as error:
            raise translated(error, f"reading {document['title']} back") from error
        if hashes.sha256 != expected:
            raise Damaged(f"{document['title']}: what arrived on the disk is not what was sent; hand it in again, and check the disk")
        return hashes

    def _stop_if_told(self) -> None:
        self._sign.progress()
        if self._stop.is_set():
            raise Stopped("stopped")

    def admit(self, upload_id: str, document: dict[str, Any], hashes: Hashes | None) -> Archive:
        """Ledger, store, catalog, in this order, each synced; after the last the file is acknowledged. Repeatable at any point."""
        try:
            if hashes is not None:
                self._library.drop_unacknowledged_ledger(upload_id)
                self._library.create_ledger(self._facts(upload_id, document, hashes), hashes.batches)
            facts = self._library.ledger(upload_id).facts
            self._folder.check_store()  # hashing took its time: a file that is moved into an empty mount point is not in the store
            bring_in(self._folder.uploads / upload_id, self._library.local_folder(upload_id), facts.file_name)
            self._folder.check_store()
            archive = Archive.from_facts(facts, title=facts.title, owner=facts.owner, removed_at=None, source=document.get("source"))
            self._library.add(archive, {"uploads": {upload_id: None}})
        except OSError as error:
            raise translated(error, f"taking in {document['title']}") from error
        self._done_bytes.pop(upload_id, None)
        log.info("received %s (%s, %d bytes)", archive.title, archive.id, archive.size_bytes, extra={"archive_id": archive.id})
        self._announce(EventName.ARCHIVE_CREATED, archive)
        return archive

    def _facts(self, upload_id: str, document: dict[str, Any], hashes: Hashes) -> ArchiveFacts:
        return ArchiveFacts(
            archive_id=upload_id,
            title=document["title"],
            file_name=document["file_name"],
            owner=document["owner"],
            size_bytes=document["size_bytes"],
            sha256=hashes.sha256,
            batch_bytes=self.batch_bytes(),
            created_at=clock.from_iso(document["announced_at"]),
        )
