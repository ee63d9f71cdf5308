"""Slots that move batches until nothing is pending. What is pending is derived; the engine keeps only who moves what and what waits."""

from __future__ import annotations

import contextlib
import logging
import random
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from appliance import clock
from appliance.archive import Archive
from appliance.connections import Connections
from appliance.errors import (
    ApplianceError,
    Damaged,
    DiskFull,
    LedgerDamaged,
    LocalDamaged,
    NewerFormat,
    NotFound,
    RemoteDamaged,
    RemoteError,
    RemoteForeign,
    RemoteFull,
    RemoteReadOnly,
    RemoteStalled,
    Stopped,
    StoreUnavailable,
)
from appliance.intake.admission import Admission
from appliance.library import Library
from appliance.problems import Problems
from appliance.settings import SettingsStore
from appliance.transfer import work
from appliance.transfer.gates import Moving, TransferGate
from appliance.transfer.lines import Lines
from appliance.transfer.queue import Queue, needs_download, needs_manifest_only, needs_upload, remaining_bytes
from appliance.transfer.retry import Backoff
from appliance.transfer.throttle import RateMeter, Throttle
from mqtt.messages import Direction

log = logging.getLogger("transfer")
_STORE_WAIT_S = 5.0
_MAX_ABANDONED = 8
_MOST_TRIED = 1000
_NOTHING = -1
_IDLE_S, _JUST_DUE_S = 5.0, 0.1
Job = tuple[str, int | None, str, Direction]


@dataclass(slots=True)
class Wait:
    """Why one batch is not tried before a (monotonic) time."""

    attempts: int
    until_s: float
    reason: str


class Engine:
    """``tell(event, archive, index, connection_id)`` announces what was achieved; ``on_change(slot)`` that a slot's state changed."""

    def __init__(
        self,
        library: Library,
        connections: Connections,
        settings: SettingsStore,
        problems: Problems,
        admission: Admission,
        tell: Callable[[str, Archive, int | None, str], None],
    ) -> None:
        self._library = library
        self._connections = connections
        self._settings = settings
        self._problems = problems
        self._admission = admission
        self._tell = tell
        self._wake = threading.Condition(threading.RLock())
        self._stopping = False
        self._paused = False
        self._up, self._down = Queue(), Queue()
        self._in_flight: defaultdict[tuple[str, Direction], set[int | None]] = defaultdict(set)
        self._waits: dict[Job, Wait] = {}
        self._store_closed_until_s = 0.0
        self._turn = 0
        self._abandoned: set[Moving] = set()
        self._random = random.Random()  # noqa: S311 (jitter is no secret)
        self.moving: dict[int, Moving] = {}
        self.throttle = Throttle(self._limit())
        self.up_meter, self.down_meter = RateMeter(), RateMeter()
        self.lines = Lines(lambda: settings.current.retry_cap_s, self._line_changed)
        self._threads: list[threading.Thread] = []
        library.on_change(self._archive_changed)
        settings.on_change(self._settings_changed)

    # Life

    def start(self, *, paused: bool) -> None:
        self._paused = paused
        for view in self._library.all_views():
            self._refresh(view.archive.id)
        for slot in range(self._settings.current.transfers):
            self._start_slot(slot)
        watch = threading.Thread(target=self._watch_for_stalls, name="stalls", daemon=True)
        watch.start()
        self._threads.append(watch)

    def _start_slot(self, slot: int) -> None:
        thread = threading.Thread(target=self._run_slot, args=(slot,), name=f"slot-{slot}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self, timeout_s: float) -> None:
        """Every slot ends at its next piece. What hangs in the system is left behind: it can be taken up again."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        self.throttle.wake()
        deadline = clock.monotonic_s() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - clock.monotonic_s()))

    # Commands

    @property
    def paused(self) -> bool:
        return self._paused

    def pause(self, paused: bool) -> None:
        with self._wake:
            self._paused = paused
            self._wake.notify_all()
        self.throttle.wake()

    def sync_now(self) -> None:
        """End every back-off, but not a pause or a Retry-After."""
        with self._wake:
            self._waits.clear()
            self._store_closed_until_s = 0.0
            self.lines.retry_now()
            self._wake.notify_all()

    def _limit(self) -> int:
        return self._settings.current.upload_limit_kb_per_s * 1000

    def _settings_changed(self) -> None:
        self.throttle.set_rate(self._limit())
        self.wake()

    def wake(self) -> None:
        with self._wake:
            self._wake.notify_all()

    # What is pending

    def _archive_changed(self, archive_id: str) -> None:
        with self._wake:
            self._refresh(archive_id)
            self._wake.notify_all()

    def _refresh(self, archive_id: str) -> None:
        view = self._library.views.get(archive_id)
        active = self._library.active
        if view is not None and (needs_upload(view, active) or needs_manifest_only(view, active)):
            self._up.put(view, remaining_bytes(view, active))
        else:
            self._up.drop(archive_id)
        if view is not None and needs_download(view):
            self._down.put(view, view.archive.size_bytes)
        else:
            self._down.drop(archive_id)

    def pending(self) -> tuple[int, int]:
        """Archives with something to go up, and to come down."""
        with self._wake:
            return len(self._up), len(self._down)

    def waiting(self, direction: Direction, limit: int) -> list[str]:
        """Archive ids with something pending, in order."""
        with self._wake:
            ids = list((self._up if direction is Direction.UP else self._down).candidates(0))
        return ids[:limit]

    def why_waiting(self, archive_id: str) -> Wait | None:
        """The wait of one of its batches, if any."""
        with self._wake:
            return next((wait for job, wait in self._waits.items() if job[0] == archive_id), None)

    @property
    def store_waits(self) -> bool:
        return self._store_closed_until_s > clock.monotonic_s()

    # Choosing

    def _next_job(self, slot: int) -> Job | None:
        """A job that may start now, marked as in flight; None when there is none."""
        if self._paused or self._stopping or self._store_closed_until_s > clock.monotonic_s():
            return None
        self._turn += 1
        down_first = slot % 2 == 1 or (self._settings.current.transfers == 1 and self._turn % 2 == 0)
        order = (Direction.DOWN, Direction.UP) if down_first else (Direction.UP, Direction.DOWN)
        for direction in order:
            job = self._pick_up() if direction is Direction.UP else self._pick_down()
            if job:
                self._in_flight[job[0], job[3]].add(job[1])
                return job
        return None

    def _pick_up(self) -> Job | None:
        active = self._library.active
        if active is None or not len(self._up) or not self.lines.enter(active):
            return None
        for archive_id in self._up.candidates(self._turn):
            if not self._is_free(archive_id):
                continue
            index = self._next_upload(archive_id, active)
            if index != _NOTHING:
                return archive_id, index, active, Direction.UP
        self.lines.leave(active)
        return None

    def _is_free(self, archive_id: str) -> bool:
        """Its ledger can be read, and nobody wants the archive alone. Raises StoreUnavailable: the disk of the ledgers is in trouble."""
        try:
            self._library.ledger(archive_id)
        except NotFound:  # removed just now
            return False
        except (LedgerDamaged, NewerFormat) as error:
            self._up.drop(archive_id)
            self._down.drop(archive_id)
            self._say_ledger_damaged(archive_id, error)
            return False
        return not self._library.locks.is_wanted(archive_id)

    def _next_upload(self, archive_id: str, active: str) -> int | None:
        ledger = self._library.ledger(archive_id)
        busy = self._busy(archive_id, active, Direction.UP)
        batches = busy - {None}
        index = ledger.next_unstored(active, 0, batches)
        while index is not None and not ledger.is_cached(index):
            index = ledger.next_unstored(active, index + 1, batches)
        if index is not None:
            return index
        due = ledger.stored_count(active) == ledger.batch_count and not ledger.manifest_is_current(active)
        return None if due and None not in busy else _NOTHING

    def _pick_down(self) -> Job | None:
        for archive_id in self._down.candidates(0):
            if not self._is_free(archive_id):
                continue
            job = self._next_download(archive_id)
            if job:
                return job
        return None

    def _next_download(self, archive_id: str) -> Job | None:
        ledger = self._library.ledger(archive_id)
        busy = self._busy(archive_id, "", Direction.DOWN)
        if ledger.cached_count == ledger.batch_count:
            return None if busy else (archive_id, None, "", Direction.DOWN)
        index = ledger.next_uncached(0, busy)
        for _ in range(_MOST_TRIED):  # a million batches that no open line can bring must not hold up the others
            if index is None:
                return None
            source = self._source(archive_id, index)
            if source and self.lines.enter(source):
                return archive_id, index, source, Direction.DOWN
            index = ledger.next_uncached(index + 1, busy)
        return None

    def _source(self, archive_id: str, index: int) -> str | None:
        """The connection to fetch a batch from: the active one before others, open ones before closed ones."""
        ledger, unreachable = self._library.ledger(archive_id), self.lines.unreachable()
        holding = [c for c in self._library.valid if ledger.is_stored(c, index)]
        return min(holding, key=lambda c: (c in unreachable, c != self._library.active, c), default=None)

    def _busy(self, archive_id: str, connection_id: str, direction: Direction) -> set[Any]:
        """Indices (None: the manifest) in flight, or waiting for their time."""
        now = clock.monotonic_s()
        waiting = {
            index for (each, index, connection, way), wait in self._waits.items()
            if each == archive_id and way is direction and connection_id in (connection, "") and wait.until_s > now
        }  # fmt: skip
        return self._in_flight[archive_id, direction] | waiting

    # Moving

    def _run_slot(self, slot: int) -> None:
        while True:
            with self._wake:
                job = None
                while not self._stopping and (job := self._choose(slot)) is None:
                    self._wake.wait(self._idle_s())
                if job is None:
                    return
                moving = self._begin(slot, job)
            self._move(moving, job)
            if self._end(moving, job):
                return

    def _choose(self, slot: int) -> Job | None:
        try:
            return self._next_job(slot)
        except StoreUnavailable as error:
            self._store_failed(error)
            return None

    def _idle_s(self) -> float:
        """Until something that waits may be tried; changes wake the slot before. What was due a while ago waits for a change."""
        now = clock.monotonic_s()
        times_s = [self._store_closed_until_s, *(wait.until_s for wait in self._waits.values()), *self.lines.openings_s()]
        return min(_IDLE_S, max(0.02, min((time_s - now for time_s in times_s if time_s > now - _JUST_DUE_S), default=_IDLE_S)))

    def _begin(self, slot: int, job: Job) -> Moving:
        archive_id, index, connection_id, direction = job
        ledger = self._library.ledger(archive_id)
        size = ledger.range_of(index)[1] if index is not None else 0
        moving = Moving(slot, archive_id, index, connection_id, direction, size, clock.now())
        self.moving[slot] = moving
        return moving

    def _end(self, moving: Moving, job: Job) -> bool:
        """True when the slot was given to another thread meanwhile (this one had stalled)."""
        with self._wake:
            self._in_flight[job[0], job[3]].discard(job[1])
            if self.moving.get(moving.slot) is moving:
                del self.moving[moving.slot]
            abandoned = moving in self._abandoned
            self._abandoned.discard(moving)
            self._wake.notify_all()
        return abandoned

    def may_go_on(self, moving: Moving) -> bool:
        return not (self._stopping or self._paused or self._library.locks.is_wanted(moving.archive_id))

    def _move(self, moving: Moving, job: Job) -> None:
        try:
            self._try(moving, job)
        except Exception as error:
            log.exception("transfer of %s failed", moving.archive_id)
            self._wait(job, f"internal error: {type(error).__name__}")
            self._leave(moving)

    def _try(self, moving: Moving, job: Job) -> None:
        try:
            self._do(moving)
        except Stopped:
            self._leave(moving)
        except (ApplianceError, OSError) as error:
            self._failed(moving, job, error)
        else:
            self._achieved(moving, job)

    def _do(self, moving: Moving) -> None:
        with self._library.locks.share(moving.archive_id) as shared:
            if not shared:
                raise Stopped("the archive is being released or removed")
            self._do_shared(moving)

    def _do_shared(self, moving: Moving) -> None:
        archive = self._library.archive(moving.archive_id)
        self._library.folder.check_store()
        if moving.direction is Direction.DOWN and moving.index is None:
            work.finish_restore(self._library, archive, lambda _: None, lambda: self._stop_if_told(moving))
            return
        remote = self._connections.remote(moving.connection_id)
        up = moving.direction is Direction.UP
        total = self.up_meter if up else self.down_meter
        if moving.index is None:
            total = RateMeter()  # a manifest's few bytes tell nothing of the line
        gate = TransferGate(moving, self.may_go_on, self.throttle if up else None, total)
        remote.check()
        if not up:
            assert moving.index is not None
            if self._library.ledger(archive.id).is_released:  # a repair writes over what is there
                work.check_room(self._admission, archive, self._library.folder)
            work.download_batch(self._library, archive, moving.index, moving.connection_id, remote, gate)
        elif moving.index is None:
            work.upload_manifest(self._library, archive, moving.connection_id, remote, gate)
        else:
            work.upload_batch(self._library, archive, moving.index, moving.connection_id, remote, gate)

    def _stop_if_told(self, moving: Moving) -> None:
        if not self.may_go_on(moving):
            raise Stopped("stopped")

    def _leave(self, moving: Moving) -> None:
        if moving.connection_id:
            self.lines.leave(moving.connection_id)

    def _achieved(self, moving: Moving, job: Job) -> None:
        if moving.connection_id:
            self.lines.succeeded(moving.connection_id)
            self._problems.clear_about(moving.connection_id)
        self._problems.clear_about("transfer-store")
        with self._wake:
            self._waits.pop(job, None)
        self._library.changed(moving.archive_id)
        archive = self._library.archive(moving.archive_id)
        up, is_end = moving.direction is Direction.UP, moving.index is None
        event = ("archive_remote" if is_end else "batch_stored") if up else ("archive_restored" if is_end else "batch_restored")
        self._tell(event, archive, moving.index, moving.connection_id)
        if self._library.view(archive.id).is_whole:
            self._problems.clear("damaged", archive.id)

    # Failures: each kind has one place where it waits, and one problem that says so

    def _failed(self, moving: Moving, job: Job, error: ApplianceError | OSError) -> None:
        try:
            self._note_failure(moving, job, error)
        except (DiskFull, StoreUnavailable) as worse:  # what was to be written down is found out again
            self._store_failed(worse)
            self._leave(moving)

    def _note_failure(self, moving: Moving, job: Job, error: ApplianceError | OSError) -> None:
        match error:
            case RemoteDamaged():
                self._remote_damaged(moving, job, error)
            case RemoteError():
                self._line_failed(moving, error)
                return
            case LocalDamaged():
                self._local_damaged(moving, str(error))
                if moving.direction is Direction.DOWN:
                    self._wait(job, str(error))
            case LedgerDamaged():
                self._say_ledger_damaged(moving.archive_id, error)
                self._wait(job, str(error))
            case DiskFull() | StoreUnavailable():
                self._store_failed(error)
            case Damaged():
                self._library.changed(moving.archive_id)
                self._wait(job, str(error))
            case _:
                log.error("transfer of %s failed: %s", moving.archive_id, error)
                self._wait(job, str(error))
        self._leave(moving)

    def _line_failed(self, moving: Moving, error: RemoteError) -> None:
        connection = self._connections.get(moving.connection_id)
        if connection is None:  # removed meanwhile
            return
        if isinstance(error, RemoteForeign):
            self._connections.change(connection.id, valid=False)
        self.lines.failed(connection.id, error, is_folder=connection.kind == "folder")
        needs_you = isinstance(error, RemoteFull | RemoteReadOnly | RemoteForeign)
        step = "mend it; it is tried again by itself" if needs_you else "it is tried again by itself; `pyarchive sync` tries now"
        self._problems.raise_(error.code, connection.id, f"connection {connection.name}: {error}", step, needs_you=needs_you)

    def _remote_damaged(self, moving: Moving, job: Job, error: RemoteDamaged) -> None:
        if moving.direction is Direction.DOWN and moving.index is not None:
            archive, remote = self._library.archive(moving.archive_id), self._connections.remote(moving.connection_id)
            if work.note_remote_damage(self._library, archive, moving.index, moving.connection_id, remote, str(error)):
                self._library.changed(archive.id)
                self._say_if_lost(archive)
        self._wait(job, str(error))

    def _local_damaged(self, moving: Moving, reason: str) -> None:
        if moving.index is None:
            return
        self._library.folder.check_store()  # a copy that cannot be read on a disk that is away is not damaged
        archive = self._library.archive(moving.archive_id)
        self._library.ledger(archive.id).uncached(moving.index, reason)
        self._library.changed(archive.id)
        self._problems.raise_(
            "damaged",
            archive.id,
            f"batch {moving.index} of {archive.title!r} is damaged on the appliance's disk",
            "it is mended from a remote where one has it; check the disk",
            needs_you=False,
        )
        self._say_if_lost(archive)

    def _say_if_lost(self, archive: Archive) -> None:
        lost = self._library.view(archive.id).lost_batches
        if lost:
            self._problems.raise_(
                "damaged",
                archive.id,
                f"{lost} batches of {archive.title!r} have no good copy, neither here nor on a remote",
                "hand the file in again, if you still have it",
                needs_you=True,
            )

    def _say_ledger_damaged(self, archive_id: str, error: ApplianceError) -> None:
        step = "check the disk of the data folder, then restart the appliance and run `pyarchive orphans`"
        self._problems.raise_("ledger", archive_id, f"archive {archive_id} cannot be moved: {error}", step, needs_you=True)

    def _store_failed(self, error: DiskFull | StoreUnavailable) -> None:
        with self._wake:
            self._store_closed_until_s = clock.monotonic_s() + _STORE_WAIT_S
        self._problems.raise_(error.code, "transfer-store", str(error), "it goes on by itself once this is mended", needs_you=True)

    def _wait(self, job: Job, reason: str) -> None:
        with self._wake:
            attempts = self._waits[job].attempts + 1 if job in self._waits else 1
            delay_s = Backoff(cap_s=self._settings.current.retry_cap_s).delay_s(attempts, self._random, None)
            said_before = job in self._waits and self._waits[job].reason == reason
            self._waits[job] = Wait(attempts, clock.monotonic_s() + delay_s, reason)
        if not said_before:
            with contextlib.suppress(ApplianceError):  # only for the history
                self._library.ledger(job[0]).failed(job[2], job[1], job[3], reason)

    def _line_changed(self, connection_id: str) -> None:
        self._connections.tell(connection_id)
        self.wake()

    # Stalls: a system call that does not return cannot be ended, but its slot can go on with something else

    def _watch_for_stalls(self) -> None:
        while not self._stopping:
            with self._wake:
                self._wake.wait(1.0)
                limit_s = self._settings.current.stall_timeout_s
                now = clock.monotonic_s()
                stalled = [m for m in self.moving.values() if now - m.last_piece_s > limit_s and not m.waits_for_limit and m.connection_id]
            for moving in stalled:
                self._abandon(moving)

    def _abandon(self, moving: Moving) -> None:
        with self._wake:
            if len(self._abandoned) >= _MAX_ABANDONED or self.moving.get(moving.slot) is not moving:
                return
            moving.cancelled.set()
            self._abandoned.add(moving)
            del self.moving[moving.slot]
        log.warning("slot %d stalled with batch %s of %s", moving.slot, moving.index, moving.archive_id)
        self._line_failed(
            moving, RemoteStalled(f"nothing moved for {self._settings.current.stall_timeout_s:.0f} s; the remote does not answer")
        )
        self._start_slot(moving.slot)
