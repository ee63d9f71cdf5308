"""Slots that move batches until nothing is pending. What is pending is derived; the engine keeps only who moves what and what waits."""

from __future__ import annotations

import contextlib
import logging
import random
import threading
from collections.abc import Callable

from appliance import clock
from appliance.archive import Archive
from appliance.connections import Connections
from appliance.errors import ApplianceError, Conflict, DiskFull, RemoteStalled, Stopped, StoreUnavailable
from appliance.intake.admission import Admission
from appliance.library import Library
from appliance.liveness import Liveness, Loop
from appliance.problems import Problems
from appliance.settings import SettingsStore
from appliance.transfer.choosing import Chooser, Job, Wait
from appliance.transfer.failures import Failures
from appliance.transfer.gates import Moving
from appliance.transfer.lines import Lines
from appliance.transfer.mover import Mover
from appliance.transfer.order import Order
from appliance.transfer.outlook import Outlook
from appliance.transfer.retry import Backoff
from appliance.transfer.spool import Spool
from appliance.transfer.throttle import RateMeter, Throttle
from appliance.transfer.window import Windows
from appliance.witness import clock_is_trusted
from mqtt.messages import Direction, EventName

log = logging.getLogger("transfer")
_STORE_WAIT_S = 5.0
_MAX_ABANDONED = 8
_IDLE_S, _JUST_DUE_S = 5.0, 0.1
_LOOK_S = 1.0
_WITHIN_S = 90.0


class Engine:
    """``tell(event, archive, index, connection_id)`` announces what was achieved; ``on_moving()`` that the first slot moves, or none."""

    def __init__(
        self,
        library: Library,
        connections: Connections,
        settings: SettingsStore,
        problems: Problems,
        admission: Admission,
        tell: Callable[[EventName, Archive, int | None, str], None],
        liveness: Liveness,
    ) -> None:
        self._library = library
        self._connections = connections
        self._settings = settings
        self._problems = problems
        self._tell = tell
        self._liveness = liveness
        self._signs: dict[int, Loop] = {}
        self._wake = threading.Condition(threading.RLock())
        self._stopping = False
        self._ended = threading.Event()
        self._paused = False
        self._store_closed_until_s = 0.0
        self._spool_closed_until_s = 0.0
        self._turn = 0
        self.order = Order(library.db)
        self.windows = Windows(settings, lambda: clock_is_trusted(library))
        self._abandoned: set[Moving] = set()
        self._random = random.Random()  # noqa: S311 (jitter is no secret)
        self.moving: dict[int, Moving] = {}
        self.on_moving: Callable[[], None] = lambda: None
        self.throttle = Throttle(self.windows.current.limit_bytes_per_s)
        self.up_meter, self.down_meter = RateMeter(), RateMeter()
        self.lines = Lines(lambda: settings.current.retry_cap_s, self._line_changed)
        self._spool = Spool(library.folder.spool)
        self._failures = Failures(library, connections, problems, self.lines, self._spool, self._wait, self._disk_failed)
        self._chooser = Chooser(library, self.lines, self._spool, self.order, self._failures.say_ledger_damaged)
        self.outlook = Outlook(self._wake, self._chooser, self.lines, connections, lambda: self._spool_closed_until_s)
        meters = {Direction.UP: self.up_meter, Direction.DOWN: self.down_meter}
        self._mover = Mover(
            library, connections, admission, self._spool, self.throttle, meters, self._chooser.is_wanted, self.may_go_on, self._leave
        )
        self._threads: list[threading.Thread] = []
        library.on_change(self._archive_changed)
        self.windows.on_change(self._window_changed)
        settings.on_change(self.wake)

    # Life

    def start(self, *, paused: bool) -> None:
        self._paused = paused
        with contextlib.suppress(OSError):  # a disk that cannot be read now is said elsewhere; what lies there stays
            self._spool.take_up(self._library)
        with self._wake:
            for archive_id in {*self._library.ids(), *self.order.ids()}:
                self._chooser.refresh(archive_id)
        for slot in range(self._settings.current.transfers):
            self._start_slot(slot)
        self._liveness.watch(self._late)
        watch = threading.Thread(target=self._watch, name="watch", daemon=True)
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
        self._ended.set()
        self.throttle.wake()
        deadline = clock.monotonic_s() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - clock.monotonic_s()))

    # Commands

    @property
    def paused(self) -> bool:
        return self._paused

    def holds(self, direction: Direction) -> bool:
        """Nothing moves that way: it is paused, or closed by timetable or metered mode."""
        return self._paused or not self.windows.current.lets(direction)

    def pause(self, paused: bool) -> None:
        with self._wake:
            self._paused = paused
            self._wake.notify_all()
        self.throttle.wake()

    def sync_now(self) -> None:
        """End every back-off, but not a pause, the timetable, metered mode or a Retry-After."""
        with self._wake:
            self._chooser.waits.clear()
            self._store_closed_until_s = 0.0
            self._spool_closed_until_s = min(self._spool_closed_until_s, clock.monotonic_s())
            self.lines.retry_now()
            self._wake.notify_all()

    def retry(self, archive_id: str) -> None:
        """The same for one archive and the connections that it needs."""
        with self._wake:
            for job in [job for job in self._chooser.waits if job.archive_id == archive_id]:
                del self._chooser.waits[job]
            self.lines.retry_now(self._chooser.needs(archive_id))
            self._wake.notify_all()

    def _window_changed(self) -> None:
        self.throttle.set_rate(self.windows.current.limit_bytes_per_s)
        self.wake()

    def put_first(self, archive_id: str, position: int) -> None:
        """At that place of the order made by hand. Raises Conflict where nothing of it is to be moved."""
        with self._wake:
            if not self._chooser.has_work(archive_id):
                raise Conflict("nothing of this archive is to be moved, so it needs no place in the order")
        self.order.put(archive_id, position)
        self.wake()

    def wake(self) -> None:
        with self._wake:
            self._wake.notify_all()

    # What is pending

    def _archive_changed(self, archive_id: str) -> None:
        with self._wake:
            self._chooser.refresh(archive_id)
            self._wake.notify_all()

    def pending(self) -> tuple[int, int]:
        """Archives with something to go up, and to come down."""
        with self._wake:
            return len(self._chooser.up), len(self._chooser.down)

    def all_pending(self) -> list[str]:
        """Archive ids with something to go up or to come down, in no order."""
        with self._wake:
            return [*self._chooser.up.ids(), *self._chooser.down.ids()]

    @property
    def store_waits(self) -> bool:
        return self._store_closed_until_s > clock.monotonic_s()

    # Choosing

    def _next_job(self, slot: int) -> Job | None:
        """A job that may start now; None when there is none."""
        if self._paused or self._stopping or self._store_closed_until_s > clock.monotonic_s():
            return None
        self._turn += 1
        down_first = slot % 2 == 1 or (self._settings.current.transfers == 1 and self._turn % 2 == 0)
        if down_first:
            return self._next_down() or self._next_up()
        return self._next_up() or self._next_down()

    def _next_up(self) -> Job | None:
        return self._chooser.next_up(self._room_in_spool()) if self.windows.current.lets(Direction.UP) else None

    def _next_down(self) -> Job | None:
        return self._chooser.next_down() if self.windows.current.lets(Direction.DOWN) else None

    def _room_in_spool(self) -> int:
        if self._spool_closed_until_s > clock.monotonic_s():
            return 0
        fetching = sum(moving.carried and moving.direction is Direction.DOWN for moving in self.moving.values())
        return self._chooser.room_in_spool(self._settings.current.transfers, fetching)

    def _tidy_spool(self) -> None:
        """Batches that were sent, or are not to be sent any more: their archive was restored, removed, or is stored there already."""
        for archive_id, index in self._chooser.useless_in_spool():
            with contextlib.suppress(OSError):  # the next start tries again
                self._spool.drop(archive_id, index)
        for archive_id in self._spool.places() - self._chooser.carried:
            if not self._spool.ready(archive_id):
                self._spool.close(archive_id)
        if self._spool_closed_until_s and not self._chooser.carried:
            self._spool_closed_until_s = 0.0
            self._problems.clear_about("spool")

    # Moving

    def _run_slot(self, slot: int) -> None:
        sign = self._signs[slot] = Loop(f"slot {slot}", _WITHIN_S)
        while True:
            sign.round()
            with self._wake:
                job = None
                while not self._stopping and (job := self._choose(slot)) is None:
                    self._wake.wait(self._idle_s())
                    sign.round()
                if job is None:
                    return
                moving = self._begin(slot, job)
            self._move(moving, job)
            if self._end(moving, job):
                return

    def _choose(self, slot: int) -> Job | None:
        try:
            self._tidy_spool()
            return self._next_job(slot)
        except StoreUnavailable as error:
            self._disk_failed(error, False)
            return None

    def _idle_s(self) -> float:
        """Until something that waits may be tried; changes wake the slot before. What was due a while ago waits for a change."""
        now = clock.monotonic_s()
        waits_s = [wait.until_s for wait in self._chooser.waits.values()]
        times_s = [self._store_closed_until_s, self._spool_closed_until_s, *waits_s, *self.lines.openings_s()]
        return min(_IDLE_S, max(0.02, min((time_s - now for time_s in times_s if time_s > now - _JUST_DUE_S), default=_IDLE_S)))

    def _begin(self, slot: int, job: Job) -> Moving:
        size = self._library.ledger(job.archive_id).range_of(job.index)[1] if job.index is not None else 0
        moving = Moving(slot, job.archive_id, job.index, job.connection_id, job.direction, job.carried, size, clock.now())
        if job.connection_id:
            moving.ticket = self.lines.enter(job.connection_id, job.direction)
        self._chooser.begin(job, size)
        self.moving[slot] = moving
        if len(self.moving) == 1:
            self.on_moving()
        return moving

    def _end(self, moving: Moving, job: Job) -> bool:
        """True when the slot was given to another thread meanwhile (this one had stalled)."""
        with self._wake:
            self._chooser.landed(job, moving.done_bytes)
            if self.moving.get(moving.slot) is moving:
                del self.moving[moving.slot]
            abandoned = moving in self._abandoned
            self._abandoned.discard(moving)
            self._wake.notify_all()
            if not self.moving:
                self.on_moving()
        return abandoned

    def may_go_on(self, moving: Moving) -> bool:
        if self._stopping or self._paused or not self.windows.current.lets(moving.direction, for_upload=moving.carried):
            return False
        return not self._library.locks.is_wanted(moving.archive_id)

    def _move(self, moving: Moving, job: Job) -> None:
        try:
            self._try(moving, job)
        except Exception as error:
            log.exception("transfer of %s failed", moving.archive_id)
            self._wait(job, f"internal error: {type(error).__name__}")
        self._leave(moving)

    def _try(self, moving: Moving, job: Job) -> None:
        try:
            self._mover.move(moving, job)
        except Stopped:
            return
        except (ApplianceError, OSError) as error:
            self._failed(moving, job, error)
        else:
            self._achieved(moving, job)

    def _leave(self, moving: Moving) -> None:
        if moving.connection_id:
            self.lines.leave(moving.connection_id, moving.direction, moving.ticket)

    def _achieved(self, moving: Moving, job: Job) -> None:
        if moving.connection_id:
            self.lines.succeeded(moving.connection_id, moving.direction, moving.ticket)
            self._connections.answered(moving.connection_id)
        self._failures.worked(job)
        self._problems.clear_about("spool" if job.carried and job.direction is Direction.DOWN else "transfer-store")
        with self._wake:
            self._chooser.waits.pop(job, None)
        self._library.changed(moving.archive_id)
        archive = self._library.archive(moving.archive_id)
        if not (job.carried and job.direction is Direction.DOWN):
            self._tell(job.event, archive, moving.index, moving.connection_id)
        if self._library.view(archive.id).is_whole:
            self._problems.clear("damaged", archive.id)

    def _failed(self, moving: Moving, job: Job, error: ApplianceError | OSError) -> None:
        try:
            self._failures.note(moving, job, error)
        except (DiskFull, StoreUnavailable) as worse:  # what was to be written down is found out again
            self._disk_failed(worse, False)

    def _disk_failed(self, error: DiskFull | StoreUnavailable, in_spool: bool) -> None:
        """The store waits, and with it all that moves; a spool without room only keeps batches from being carried over."""
        with self._wake:
            until_s = clock.monotonic_s() + _STORE_WAIT_S
            if in_spool:
                self._spool_closed_until_s = until_s
            else:
                self._store_closed_until_s = until_s
        about = "spool" if in_spool else "transfer-store"
        self._problems.raise_(error.code, about, str(error), "it goes on by itself once this is mended", needs_you=True)

    def _wait(self, job: Job, reason: str) -> None:
        with self._wake:
            before = self._chooser.waits.get(job)
            attempts = before.attempts + 1 if before else 1
            delay_s = Backoff(cap_s=self._settings.current.retry_cap_s).delay_s(attempts, self._random, None)
            self._chooser.waits[job] = Wait(attempts, clock.monotonic_s() + delay_s, reason)
        if before is None or before.reason != reason:
            with contextlib.suppress(ApplianceError):  # only for the history
                self._library.ledger(job.archive_id).failed(job.connection_id, job.index, job.direction, reason)

    def _line_changed(self, connection_id: str) -> None:
        self._failures.clear_of(connection_id)
        self._connections.tell(connection_id)
        self.wake()

    def _late(self) -> list[str]:
        """Slots that neither wait nor move. While one moves, its bytes are its sign, or that it waits for the limit."""
        return [words for slot, sign in list(self._signs.items()) for words in self._late_slot(slot, sign)]

    def _late_slot(self, slot: int, sign: Loop) -> list[str]:
        moving = self.moving.get(slot)
        if moving is None or sign.has_ended():
            return sign.late()
        still_s = 0.0 if moving.waits_for_limit else clock.monotonic_s() - moving.last_piece_s
        # Before that the watch leaves it behind, and gives the slot to another thread.
        is_late = still_s > self._settings.current.stall_timeout_s + _WITHIN_S
        return [f"slot {slot} has moved nothing for {still_s:.0f} s"] if is_late else []

    # From time to time

    def _watch(self) -> None:
        sign = self._liveness.loop("watch", _WITHIN_S)
        while not self._ended.wait(min(_LOOK_S, self.windows.due_s())):
            sign.round()
            try:
                self.windows.look()
                self._look_for_stalls()
                self.order.keep()
            except ApplianceError as error:  # a full disk is said elsewhere; tried again in a second
                log.debug("the order made by hand cannot be kept yet: %s", error)
            except Exception:
                log.exception("a look at what moves failed")

    # Stalls: a system call that does not return cannot be ended, but its slot can go on with something else

    def _look_for_stalls(self) -> None:
        with self._wake:
            limit_s, now = self._settings.current.stall_timeout_s, clock.monotonic_s()
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
        self._failures.line_failed(
            moving, RemoteStalled(f"nothing moved for {self._settings.current.stall_timeout_s:.0f} s; the remote does not answer")
        )
        self._start_slot(moving.slot)
