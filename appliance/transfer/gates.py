"""What every piece of bytes passes on its way: stop, pause, the upload limit, progress, the stall watch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from appliance import clock
from appliance.errors import Stopped
from appliance.remotes.remote import PIECE_BYTES
from appliance.transfer.throttle import RateMeter, Throttle
from mqtt.messages import Direction

_PROOF_BYTES = 1 << 20


@dataclass(slots=True, eq=False)
class Moving:
    """The batch that a slot moves now; ``index`` None is the manifest, or the end of a restore.

    ``carried``: through the spool, on its way from one connection to another. ``ticket`` is that of the line.
    """

    slot: int
    archive_id: str
    index: int | None
    connection_id: str
    direction: Direction
    carried: bool
    size_bytes: int
    started_at: datetime
    ticket: int = 0
    done_bytes: int = 0
    last_piece_s: float = field(default_factory=clock.monotonic_s)
    waits_for_limit: bool = False
    cancelled: threading.Event = field(default_factory=threading.Event)
    meter: RateMeter = field(default_factory=RateMeter)


class FreeGate:
    """No limit, no progress: for a few bytes."""

    def piece_bytes(self) -> int:
        return PIECE_BYTES

    def __call__(self, size_bytes: int) -> None:
        """Let everything pass."""


FREE_GATE = FreeGate()


class CheckGate:
    """For checks: ends when told to, counts what was read."""

    def __init__(self, is_stopped: Callable[[], bool], count: Callable[[int], None]) -> None:
        self._is_stopped = is_stopped
        self._count = count

    def piece_bytes(self) -> int:
        return PIECE_BYTES

    def __call__(self, size_bytes: int) -> None:
        if self._is_stopped():
            raise Stopped("the check was stopped")
        self._count(size_bytes)


class TransferGate:
    """For one batch in one slot. ``may_go_on`` is the engine's word on pause, shutdown and the archive's lock.

    ``works()`` is called once, when the first MiB has moved: who waits to see whether the line works need not wait for the whole batch.
    """

    def __init__(
        self, moving: Moving, may_go_on: Callable[[Moving], bool], throttle: Throttle | None, total: RateMeter, works: Callable[[], None]
    ) -> None:
        self._moving = moving
        self._may_go_on = may_go_on
        self._throttle = throttle
        self._total = total
        self._works = works

    def piece_bytes(self) -> int:
        return self._throttle.piece_bytes() if self._throttle else PIECE_BYTES

    def __call__(self, size_bytes: int) -> None:
        """Raises Stopped. The bytes count as moved once the gate has let them pass."""
        if self._throttle is None:
            self._check()
        else:
            self._moving.waits_for_limit = True
            self._throttle.take(size_bytes, self._must_stop)
            self._moving.waits_for_limit = False
        before = self._moving.done_bytes
        self._moving.done_bytes = min(before + size_bytes, self._moving.size_bytes)
        if before < _PROOF_BYTES <= self._moving.done_bytes:
            self._works()
        self._moving.last_piece_s = clock.monotonic_s()
        self._moving.meter.add(size_bytes)
        self._total.add(size_bytes)

    def _must_stop(self) -> bool:
        return self._moving.cancelled.is_set() or not self._may_go_on(self._moving)

    def _check(self) -> None:
        if self._must_stop():
            raise Stopped("the transfer was told to stop; it goes on later where it was")
