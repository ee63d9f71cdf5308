"""From what is known to what is said: the retained messages of archives, transfers, connections and the appliance."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from appliance import clock
from appliance.connections import Connections
from appliance.integrity.freshness import freshness, listed_at
from appliance.integrity.rounds import Rounds
from appliance.library import Library
from appliance.problems import Problems
from appliance.settings import SettingsStore
from appliance.spaces import store_disk
from appliance.steady import Steady, coarse_s, three_digits
from appliance.transfer.engine import Engine
from appliance.transfer.gates import Moving
from appliance.transfer.queue import needs_carry, needs_download, needs_upload
from appliance.views import View
from mqtt.messages import (
    ActiveConnection,
    ApplianceState,
    ArchiveState,
    ConnectionState,
    Counts,
    Direction,
    Disk,
    Health,
    Placement,
    Queue,
    Rung,
    TransferState,
)

Status = Literal["starting", "idle", "transferring", "waiting", "paused", "needs_you"]
TURN = "waits for its turn"
_LONGEST_ETA_S = 10 * 365 * 86400.0
_MEASURED_S = 3.0
_BETWEEN_BATCHES_S = 2.0


@dataclass(slots=True)
class States:
    """Builds messages on demand; keeps the time of the last sync, and what values were said, so that they do not flicker."""

    library: Library
    connections: Connections
    settings: SettingsStore
    problems: Problems
    engine: Engine
    checking: set[str]
    version: str
    rounds: Rounds
    started_at: datetime
    last_sync_at: datetime | None = None
    on_trial: bool = False
    """An upgrade is being tested."""
    at_rest: str | None = None
    """Why nothing moves at all, in words; None: it may."""
    _steady: Steady = field(default_factory=Steady)
    _moved_s: dict[Direction, float] = field(default_factory=dict)  # when something was last seen to move

    # One archive

    def archive(self, view: View) -> ArchiveState:
        valid = self.library.valid
        best, rung = view.best(valid)
        stored = view.standings[best].batches_stored if best else 0
        waiting_for, until = self._waiting(view)
        archive = view.archive
        return ArchiveState(
            id=archive.id, title=archive.title, file_name=archive.file_name, owner=archive.owner, size_bytes=archive.size_bytes,
            sha256=archive.sha256, created_at=archive.created_at, batch_bytes=archive.batch_bytes, rung=rung,
            health=view.health(valid, self.engine.lines.unreachable(), frozenset(self.checking)), batches_total=view.batches,
            batches_stored=stored, batches_cached=view.cached, local=view.local, wanted_local=view.wanted_local,
            progress_ratio=_ratio(_progress(view, stored), 4), at_risk_bytes=view.at_risk_bytes(valid), placements=self._placements(view),
            pinned=archive.pinned, position=self.engine.order.position(archive.id), waiting_for=waiting_for, waiting_until_at=until,
            removed_at=archive.removed_at,
        )  # fmt: skip

    def is_safe(self, view: View) -> bool:
        """Nothing of it is at risk, and nothing is wrong with it."""
        valid = self.library.valid
        is_remote = view.best(valid)[1] in {Rung.REMOTE, Rung.PROVEN} and not view.archive.removed_at
        return is_remote and view.health(valid, frozenset(), frozenset(self.checking)) is Health.OK

    def _placements(self, view: View) -> list[Placement]:
        return [
            Placement(
                connection_id=connection.id, connection_name=connection.name, active=connection.active, rung=here.rung,
                batches_stored=here.batches_stored, manifest_stored=here.manifest_stored, proven_at=here.proven_at,
            )
            for connection in self.connections.all()
            if (here := view.standings.get(connection.id)) is not None
        ]  # fmt: skip

    def _waiting(self, view: View) -> tuple[str | None, datetime | None]:
        """Why nothing of this archive moves, the most general reason first; nothing pending waits for nothing."""
        active = self.library.active
        down = needs_download(view)
        up = needs_upload(view, active) or needs_carry(view, active, self.library.valid)
        if view.archive.removed_at or not (up or down or (view.local and active is None)):
            return None, None
        general, until = self._waiting_in_general(down=down)
        if not general and not down and active:
            general, until, _ = self.engine.lines.trouble(active, Direction.UP)
        return (general, until) if general else self._waiting_by_itself(view.archive.id)

    def _waiting_in_general(self, *, down: bool) -> tuple[str | None, datetime | None]:
        """What holds up every archive."""
        if self.at_rest:
            return self.at_rest, None
        if self.engine.paused:
            return "transfers are paused", None
        if self.library.active is None and not down:
            return self._why_none_is_active(), None
        if self.engine.store_waits:
            return "the store's disk is away or full", None
        return self.engine.windows.current.why_closed(Direction.DOWN if down else Direction.UP)

    def _why_none_is_active(self) -> str:
        active = self.connections.active
        if active and active.adopting:
            return f"nothing on connection {active.name} is changed yet: {active.adopting}"
        return "no connection is active; add and activate one: `pyarchive connection add`"

    def _waiting_by_itself(self, archive_id: str) -> tuple[str | None, datetime | None]:
        wait = self.engine.outlook.first_wait(archive_id)
        if wait:
            return wait.reason, clock.date_of(wait.until_s) if wait.until_s > clock.monotonic_s() else None
        if self._moves(archive_id):
            return None, None
        held_up, until = self.engine.outlook.held_up(archive_id)
        return held_up or TURN, until

    def _moves(self, archive_id: str) -> bool:
        return any(moving.archive_id == archive_id for moving in list(self.engine.moving.values()))

    # Slots and connections

    def transfer(self, moving: Moving) -> TransferState | None:
        view = self.library.views.get(moving.archive_id)
        if view is None:
            return None
        return TransferState(
            slot=moving.slot, archive_id=moving.archive_id, owner=view.archive.owner, title=view.archive.title, batch_index=moving.index,
            batches_total=view.batches, connection_id=moving.connection_id, direction=moving.direction, done_bytes=moving.done_bytes,
            size_bytes=moving.size_bytes, rate_bytes_per_s=round(moving.meter.bytes_per_s()), started_at=moving.started_at,
        )  # fmt: skip

    def connection(self, connection_id: str) -> ConnectionState | None:
        connection = self.connections.get(connection_id)
        if connection is None:
            return None
        state = self._steadily(self.connections.state(connection, *self.engine.lines.trouble(connection_id)))
        return state.model_copy(update={"last_listing_at": listed_at(self.rounds, connection_id)})

    def _steadily(self, state: ConnectionState) -> ConnectionState:
        """Others write to the same disk or account: its space is told where it has changed by a thousandth."""
        of_bytes = state.limit_bytes or state.used_bytes or 0
        space = {"free_bytes": state.free_bytes, "used_bytes": state.used_bytes}
        return state.model_copy(
            update={
                name: None if value is None else self._steady.space(f"{state.id} {name}", value, of_bytes) for name, value in space.items()
            }
        )

    # The whole

    def appliance(self) -> ApplianceState:
        totals, active = self.library.totals, self._active()
        moving = self.ways_that_move()
        remaining = max(0, totals.remaining_up_bytes - self._in_flight_bytes())
        rate = self._foreseen_rate(moving)
        # Without an active connection nothing is queued, and yet nothing of it is protected.
        eta_s = None if totals.at_risk_bytes and self.library.active is None else _eta_s(remaining, rate)
        status, reason = self._status(moving)
        problems = self.problems.standing()
        fresh = freshness(self.rounds, self.library.valid)
        return ApplianceState(
            appliance_id=self.library.folder.appliance_id, status=status, status_reason=reason, version=self.version,
            started_at=self.started_at, counts=self._counts(), stored_bytes=totals.size_bytes, bytes_at_risk=totals.at_risk_bytes,
            protected_by_at=self._protected_by(totals.at_risk_bytes, rate), upload_rate_bytes_per_s=self._rate(Direction.UP, moving),
            download_rate_bytes_per_s=self._rate(Direction.DOWN, moving), eta_s=None if eta_s is None else coarse_s(eta_s),
            progress_ratio=self.progress_ratio(totals.size_bytes, remaining),
            queue=self._queue(remaining, active.id if active else None), paused=self.engine.paused,
            metered=self.settings.current.metered, upload_limit_kb_per_s=self.settings.current.upload_limit_kb_per_s,
            upload_window=self.engine.windows.current.message(), active_connection=active, disk=self._disk(),
            last_sync_at=self.last_sync_at, last_proof_at=totals.last_proof_at, oldest_proof_at=totals.oldest_proof_at,
            last_scrub_at=fresh.last_scrub_at, oldest_scrub_at=fresh.oldest_scrub_at, last_listing_at=fresh.last_listing_at,
            problems=problems[:50], last_problem=self.problems.last,
        )  # fmt: skip

    def _active(self) -> ActiveConnection | None:
        active = self.connections.active
        state = self.connection(active.id) if active else None
        return ActiveConnection.model_validate(state.model_dump()) if state else None

    def _disk(self) -> Disk:
        disk = store_disk(self.library.folder, self.settings.current.reserve_mib)
        return disk.model_copy(update={"free_bytes": self._steady.space("disk", disk.free_bytes, disk.total_bytes)})

    def _rate(self, way: Direction, moving: frozenset[Direction]) -> int:
        meter = self.engine.up_meter if way is Direction.UP else self.engine.down_meter
        return self._steady.rate(way, meter.bytes_per_s() if way in moving else 0.0)

    def _foreseen_rate(self, moving: frozenset[Direction]) -> float:
        """At which the queue goes up; 0 while nothing does, and while it was not measured for long enough to tell anything."""
        meter = self.engine.up_meter
        return meter.bytes_per_s() if Direction.UP in moving and meter.measured_s() >= _MEASURED_S else 0.0

    def _counts(self) -> Counts:
        t = self.library.totals
        return Counts(
            archives=t.archives, received=t.rungs[Rung.RECEIVED], partial=t.rungs[Rung.PARTIAL], remote=t.rungs[Rung.REMOTE],
            proven=t.rungs[Rung.PROVEN], local=t.local, damaged=t.healths[Health.DAMAGED], lost=t.healths[Health.LOST], removed=t.removed,
        )  # fmt: skip

    def _queue(self, remaining_bytes: int, active: str | None) -> Queue:
        t = self.library.totals
        return Queue(
            batches_up=t.remaining_up_batches, bytes_up=round(three_digits(remaining_bytes)), batches_down=t.remaining_down_batches,
            bytes_down=t.remaining_down_bytes, next_try_at=self._next_try_at(active),
        )  # fmt: skip

    def _next_try_at(self, active: str | None) -> datetime | None:
        closed, until = self.engine.windows.current.why_closed(Direction.UP)
        if closed or active is None:
            return until
        return self.engine.lines.trouble(active, Direction.UP)[1]

    def _in_flight_bytes(self) -> int:
        return sum(m.done_bytes for m in list(self.engine.moving.values()) if m.direction is Direction.UP and m.index is not None)

    def progress_ratio(self, size_bytes: int, remaining_bytes: int) -> float:
        if not size_bytes:
            return 1.0
        return _ratio(1 - remaining_bytes / size_bytes, 3) if self.library.active else 0.0

    def _protected_by(self, at_risk_bytes: int, rate_bytes_per_s: float) -> datetime | None:
        """At the measured rate; unknown while nothing moves. Coarse, and kept until it is a twentieth wrong: it is an estimate."""
        eta_s = _eta_s(at_risk_bytes, rate_bytes_per_s)
        if not at_risk_bytes or eta_s is None:
            self._steady.forget("protected by")
            return None
        return self._steady.at("protected by", clock.now() + timedelta(seconds=eta_s), eta_s)

    def ways_that_move(self) -> frozenset[Direction]:
        """Also between two batches: more is pending, and nothing holds it up."""
        if self.engine.paused:
            return frozenset()
        now_s, moving = clock.monotonic_s(), {moving.direction for moving in list(self.engine.moving.values())}
        self._moved_s.update(dict.fromkeys(moving, now_s))
        pending = dict(zip((Direction.UP, Direction.DOWN), self.engine.pending(), strict=True))
        just_moved = {way for way, at_s in list(self._moved_s.items()) if now_s - at_s < _BETWEEN_BATCHES_S and pending[way]}
        return frozenset(moving if just_moved <= moving or self._why_all_wait() else moving | just_moved)

    def status(self) -> tuple[Status, str]:
        """And why, in words."""
        return self._status(self.ways_that_move())

    def _status(self, moving: frozenset[Direction]) -> tuple[Status, str]:
        if self.on_trial:
            return "starting", str(self.at_rest)
        serious = [problem for problem in self.problems.standing() if problem.needs_you]
        if serious:
            return "needs_you", f"{serious[0].message}; {serious[0].next_step}"
        if self.engine.paused:
            return "paused", "transfers are paused; `pyarchive resume` goes on"
        if moving:
            return "transferring", " and ".join(_WAYS[way] for way in Direction if way in moving)
        return self._status_at_rest()

    def _status_at_rest(self) -> tuple[Status, str]:
        active = self.library.active
        if active is None:
            return "waiting", self._why_none_is_active()
        up, down = self.engine.pending()
        if up or down:
            return "waiting", self._why_all_wait() or "the next batches are about to start"
        if self.library.totals.at_risk_bytes:
            return "idle", "nothing can be moved now"
        left = self.library.totals.remaining_up_batches
        if left:
            return "waiting", f"{left} batches are neither here nor on a connection that is valid and could be asked for them"
        return "idle", "everything is remote"

    def _why_all_wait(self) -> str | None:
        """Timetable or metered mode, the way to the active connection, or what the first in the queue waits for."""
        up, down = self.engine.pending()
        closed, _ = self.engine.windows.current.why_closed(Direction.UP if up or not down else Direction.DOWN)
        active = self.library.active
        reason = closed or (self.engine.lines.trouble(active, Direction.UP)[0] if active else None)
        first = [archive_id for way in Direction for archive_id in self.engine.outlook.queue(way, 1)]
        return reason or next((why for archive_id in first if (why := self.engine.outlook.held_up(archive_id)[0])), None)


_WAYS = {Direction.UP: "files are on their way to the remote", Direction.DOWN: "files are on their way back"}


def _ratio(share: float, digits: int) -> float:
    """Rounded down: 1 is said of what is whole."""
    steps: int = 10**digits
    return math.floor(share * steps) / steps


def _progress(view: View, stored: int) -> float:
    if view.wanted_local and view.cached < view.batches:
        return view.cached / view.batches
    return stored / view.batches


def _eta_s(remaining_bytes: int, rate_bytes_per_s: float) -> float | None:
    if not remaining_bytes:
        return 0.0
    eta_s = remaining_bytes / rate_bytes_per_s if rate_bytes_per_s else math.inf
    return eta_s if eta_s < _LONGEST_ETA_S else None
