"""Which batch is next. What is pending is derived from views and ledgers; kept is only who moves what, and what waits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from appliance import clock
from appliance.catalog.ledger import Ledger
from appliance.errors import ApplianceError, LedgerDamaged, NewerFormat, NotFound
from appliance.library import Library
from appliance.transfer.lines import Lines
from appliance.transfer.order import Order
from appliance.transfer.queue import Queue, lacks_manifest, needs_carry, needs_download, needs_manifest_only, needs_upload, remaining_bytes
from appliance.transfer.spool import Spool
from mqtt.messages import Direction, EventName

_MOST_TRIED = 1000
Lane = tuple[str, Direction, str]


@dataclass(frozen=True, slots=True)
class Job:
    """One batch to be moved; index None is the manifest, or the end of a restore.

    ``carried``, down: from a connection into the spool; up: from the spool.
    """

    archive_id: str
    index: int | None
    connection_id: str
    direction: Direction
    carried: bool = False

    @property
    def lane(self) -> Lane:
        """Where no batch may be moved twice at the same time: up to one connection, or down."""
        return self.archive_id, self.direction, self.connection_id if self.direction is Direction.UP else ""

    @property
    def event(self) -> EventName:
        """What is told when it is done."""
        if self.direction is Direction.UP:
            return EventName.ARCHIVE_REMOTE if self.index is None else EventName.BATCH_STORED
        return EventName.ARCHIVE_RESTORED if self.index is None else EventName.BATCH_RESTORED


@dataclass(slots=True)
class Wait:
    """Why one batch is not tried before a (monotonic) time."""

    attempts: int
    until_s: float
    reason: str


class Chooser:
    """Not thread-safe: the engine calls it under its lock. ``say_damaged(archive_id, error)`` tells of a ledger that cannot be read."""

    def __init__(
        self, library: Library, lines: Lines, spool: Spool, order: Order, say_damaged: Callable[[str, ApplianceError], None]
    ) -> None:  # fmt: skip
        self._library = library
        self._lines = lines
        self._spool = spool
        self._say_damaged = say_damaged
        self._carry_from: dict[str, int] = {}
        self.carried: set[str] = set()
        """Archives that have to go from one connection to another."""
        self._order = order
        self.up, self.down = Queue(order.ids), Queue(order.ids)
        self.waits: dict[Job, Wait] = {}
        self.in_flight: defaultdict[Lane, set[int | None]] = defaultdict(set)
        """A batch whose thread hangs stays in it: until the thread has ended, nobody else may write to the same session or file."""
        self._turns: dict[Job, tuple[str, int]] = {}

    def refresh(self, archive_id: str) -> None:
        """The archive, or the connections that count, have changed."""
        view, active, valid = self._library.views.get(archive_id), self._library.active, self._library.valid
        is_carried = view is not None and needs_carry(view, active, valid)
        (self.carried.add if is_carried else self.carried.discard)(archive_id)
        if view and (is_carried or needs_upload(view, active) or needs_manifest_only(view, active)):
            is_urgent = view.at_risk_bytes(valid) > 0 or lacks_manifest(view, active)
            self.up.put(view, remaining_bytes(view, active), at_risk=is_urgent)
        else:
            self.up.drop(archive_id)
            self._carry_from.pop(archive_id, None)
        if view and needs_download(view):
            self.down.put(view, view.archive.size_bytes)
        else:
            self.down.drop(archive_id)
        if not self.has_work(archive_id):
            self._order.forget(archive_id)

    def has_work(self, archive_id: str) -> bool:
        """Something of it is to be moved, or will be once a connection is active."""
        view = self._library.views.get(archive_id)
        if view is None or view.archive.removed_at:
            return False
        return self._library.active is None or archive_id in self.up or archive_id in self.down

    def needs(self, archive_id: str) -> set[str]:
        """The connections between which something of it has to be moved."""
        view, active = self._library.views.get(archive_id), self._library.active
        sources = set(view.standings) if view and (archive_id in self.down or archive_id in self.carried) else set()
        return sources | ({active} if active and archive_id in self.up else set())

    def begin(self, job: Job, size_bytes: int) -> None:
        """It is on its way, and a turn of the archive's owner."""
        self.in_flight[job.lane].add(job.index)
        view = self._library.views.get(job.archive_id)
        self._turns[job] = view.archive.owner if view else "", size_bytes
        self._queue_of(job).started(*self._turns[job])

    def _queue_of(self, job: Job) -> Queue:
        return self.up if job.carried or job.direction is Direction.UP else self.down

    def landed(self, job: Job, moved_bytes: int) -> None:
        """Its thread has ended."""
        self._queue_of(job).ended(*self._turns.pop(job), moved_bytes)
        indices = self.in_flight[job.lane]
        indices.discard(job.index)
        if not indices:
            del self.in_flight[job.lane]

    def is_wanted(self, job: Job) -> bool:
        """Asked again once the archive cannot change hands any more: since the job was chosen it may have."""
        view = self._library.views.get(job.archive_id)
        if view is None or view.archive.removed_at:
            return False
        if job.index is None:
            return True
        ledger = self._library.ledger(job.archive_id)
        if job.direction is Direction.UP:
            return ledger.is_released == job.carried and not ledger.is_stored(job.connection_id, job.index)
        return ledger.is_released if job.carried else not ledger.is_cached(job.index)

    def next_up(self, room_in_spool: int) -> Job | None:
        """Something that brings the active connection further: a batch to be sent, or one to be fetched for it from another one."""
        active = self._library.active
        if active is None or not len(self.up) or not self._lines.is_open(active, Direction.UP):
            return None
        sources, spooled = self._open_sources(), {archive_id for archive_id, _ in self._spool.all_ready()}
        for archive_id in self.up.candidates():
            if archive_id in self.carried and archive_id not in spooled and not (room_in_spool > 0 and self._is_on(archive_id, sources)):
                continue
            job = self._next_upload(archive_id, active, room_in_spool) if self._is_free(archive_id) else None
            if job:
                return job
        return None

    def next_down(self) -> Job | None:
        """A batch that is missing here, or the end of a restore."""
        sources = self._open_sources() if len(self.down) else set()
        for archive_id in self.down.candidates():
            view = self._library.views.get(archive_id)
            if view and view.cached < view.batches and not self._is_on(archive_id, sources):
                continue
            job = self._next_download(archive_id) if self._is_free(archive_id) else None
            if job:
                return job
        return None

    def _open_sources(self) -> set[str]:
        return {connection for connection in self._library.valid if self._lines.is_open(connection, Direction.DOWN)}

    def _is_on(self, archive_id: str, sources: set[str]) -> bool:
        """Has one of these any of it? Told by the view: a disk in a drawer must not cost a look into thousands of ledgers."""
        view = self._library.views.get(archive_id)
        return view is not None and any(view.standings[c].batches_stored for c in sources & view.standings.keys())

    def _is_free(self, archive_id: str) -> bool:
        """Its ledger can be read, and nobody wants the archive alone. Raises StoreUnavailable: the disk of the ledgers is in trouble."""
        try:
            self._library.ledger(archive_id)
        except NotFound:  # removed just now
            return False
        except (LedgerDamaged, NewerFormat) as error:
            self.up.drop(archive_id)
            self.down.drop(archive_id)
            self._say_damaged(archive_id, error)
            return False
        return not self._library.locks.is_wanted(archive_id)

    # Up

    def _next_upload(self, archive_id: str, active: str, room_in_spool: int) -> Job | None:
        ledger = self._library.ledger(archive_id)
        busy = self._busy((archive_id, Direction.UP, active))
        job = self._next_carried(ledger, active, busy, room_in_spool) if ledger.is_released else self._next_local(ledger, active, busy)
        if job:
            return job
        due = ledger.stored_count(active) == ledger.batch_count and not ledger.manifest_is_current(active)
        return Job(archive_id, None, active, Direction.UP) if due and None not in busy else None

    def _next_local(self, ledger: Ledger, active: str, busy: set[Any]) -> Job | None:
        batches = busy - {None}
        index = ledger.next_unstored(active, 0, batches)
        while index is not None and not ledger.is_cached(index):
            index = ledger.next_unstored(active, index + 1, batches)
        return None if index is None else Job(ledger.facts.archive_id, index, active, Direction.UP)

    def _next_carried(self, ledger: Ledger, active: str, busy: set[Any], room_in_spool: int) -> Job | None:
        archive_id = ledger.facts.archive_id
        ready = self._spool.ready(archive_id)
        for index in sorted(ready - busy):
            if not ledger.is_stored(active, index):
                return Job(archive_id, index, active, Direction.UP, carried=True)
        if room_in_spool < 1:
            return None
        return self._next_fetch(ledger, active, busy | ready | self._busy((archive_id, Direction.DOWN, "")))

    def _next_fetch(self, ledger: Ledger, active: str, skip: set[Any]) -> Job | None:
        archive_id = ledger.facts.archive_id
        batches, first = skip - {None}, self._carry_from.pop(archive_id, 0)
        index = ledger.next_unstored(active, first, batches)
        for _ in range(_MOST_TRIED):  # a million batches that nobody has must not hold up the others
            if index is None:
                return None
            source = self.source(ledger, index)
            if source and self._lines.is_open(source, Direction.DOWN):
                return Job(archive_id, index, source, Direction.DOWN, carried=True)
            index = ledger.next_unstored(active, index + 1, batches)
        if index is not None:
            self._carry_from[archive_id] = index
        return None

    # Down

    def _next_download(self, archive_id: str) -> Job | None:
        ledger = self._library.ledger(archive_id)
        busy = self._busy((archive_id, Direction.DOWN, ""))
        if ledger.cached_count == ledger.batch_count:
            return None if busy else Job(archive_id, None, "", Direction.DOWN)
        batches = busy - {None}
        index = ledger.next_uncached(0, batches)
        for _ in range(_MOST_TRIED):  # a million batches that no open line can bring must not hold up the others
            if index is None:
                return None
            source = self.source(ledger, index)
            if source and self._lines.is_open(source, Direction.DOWN):
                return Job(archive_id, index, source, Direction.DOWN)
            index = ledger.next_uncached(index + 1, batches)
        return None

    def source(self, ledger: Ledger, index: int) -> str | None:
        """The connection to fetch a batch from: open ones before closed ones, the active one before others."""
        unreachable = self._lines.unreachable()
        holding = [c for c in self._library.valid if ledger.is_stored(c, index)]
        return min(holding, key=lambda c: (c in unreachable, c != self._library.active, c), default=None)

    def awaited(self, archive_id: str) -> str | None:
        """The connection, closed at the moment, from which the archive's next batch has to be fetched; "" where none has it.

        None: it waits for nothing but its turn. Only where views cannot tell is its ledger looked into. Thread-safe.
        """
        view, active, valid = self._library.views.get(archive_id), self._library.active, self._library.valid
        down, carried = view is not None and needs_download(view), archive_id in self.carried
        if view is None or not (down or carried):
            return None
        holding = {c: view.standings[c].batches_stored for c in valid & view.standings.keys() if down or c != active}
        closed = self._lines.unreachable() & holding.keys()
        if all(stored == view.batches for stored in holding.values()):
            return None if holding.keys() - closed else min(closed, default="")
        try:
            ledger = self._library.ledger(archive_id)
        except ApplianceError:  # said elsewhere
            return None
        index = ledger.next_uncached(0) if down else ledger.next_unstored(active or "", 0, self._spool.ready(archive_id))
        source = self.source(ledger, index) if index is not None else None
        return source if source in closed else None if source or index is None else ""

    def _busy(self, lane: Lane) -> set[Any]:
        """Indices (None: the manifest) in flight, or waiting for their time."""
        now = clock.monotonic_s()
        waiting = {job.index for job, wait in self.waits.items() if job.lane == lane and wait.until_s > now}
        return self.in_flight.get(lane, set()) | waiting

    # The spool

    def room_in_spool(self, slots: int, fetching: int) -> int:
        """How many more batches may be fetched into it. What waits there for a connection that is not active takes no room."""
        return slots - fetching - sum(archive_id in self.carried for archive_id, _ in self._spool.all_ready())

    def useless_in_spool(self) -> list[tuple[str, int]]:
        """Batches that are not in flight and will not be sent from there."""
        return [
            (archive_id, index) for archive_id, index in self._spool.all_ready()
            if not self._is_in_flight(archive_id, index) and not self._may_be_sent(archive_id, index)
        ]  # fmt: skip

    def _is_in_flight(self, archive_id: str, index: int) -> bool:
        return any(lane[0] == archive_id and index in indices for lane, indices in self.in_flight.items())

    def _may_be_sent(self, archive_id: str, index: int) -> bool:
        view, active = self._library.views.get(archive_id), self._library.active
        if view is None or view.archive.removed_at or view.local:
            return False
        try:
            return active is None or not self._library.ledger(archive_id).is_stored(active, index)
        except ApplianceError:  # a ledger that cannot be read is made again
            return True
