"""The state of the ways to each connection: open, or closed until a time and for a reason, tried by one slot at a time.

A connection has three lines: one that all use, one for uploads, one for downloads. A remote that is full, or may only be read,
closes the way up and leaves the way down open; one that is away closes both.
"""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from appliance import clock
from appliance.errors import (
    Adopting,
    ClockWrong,
    DailyLimit,
    RemoteAway,
    RemoteBusy,
    RemoteError,
    RemoteFull,
    RemoteReadOnly,
    RemoteRefused,
)
from appliance.transfer.retry import Backoff
from mqtt.messages import Direction

_QUICK_CAP_S = 15.0
_OF_ONE_DIRECTION = (RemoteFull, RemoteReadOnly, RemoteRefused, DailyLimit, Adopting)
Key = tuple[str, Direction | None]
Trouble = tuple[str | None, datetime | None, str | None]


@dataclass(slots=True)
class Line:
    """``closed_until_s`` is monotonic. ``told_to_wait``: by a Retry-After, which no button ends. ``stays``: nor does a success that
    was on its way before. ``codes``: of all failures since the line worked last; ``failure`` is the number of the last one.
    """

    attempts: int = 0
    closed_until_s: float = 0.0
    reason: str | None = None
    code: str | None = None
    codes: set[str] = field(default_factory=set)
    told_to_wait: bool = False
    stays: bool = False
    trying: bool = False
    failure: int = 0


class Lines:
    """Thread-safe. ``on_change(connection_id)`` is called when a line closes or opens.

    Who enters gets a ticket and hands it back. What was begun before a line closed and fails after it is the same failure
    once more, not another one: three slots that are cut off together wait as long as one.
    """

    def __init__(self, cap_s: Callable[[], float], on_change: Callable[[str], None]) -> None:
        self._lines: defaultdict[Key, Line] = defaultdict(Line)
        self._lock = threading.Lock()
        self._cap_s = cap_s
        self._on_change = on_change
        self._failures = 0
        self._random = random.Random()  # noqa: S311 (jitter is no secret)

    def is_open(self, connection_id: str, direction: Direction) -> bool:
        """May a slot use the way now? After a failure only one may, until it has proved itself."""
        now = clock.monotonic_s()
        with self._lock:
            return not any(
                line.closed_until_s > now or (line.attempts and line.trying) for line in self._of(connection_id, direction)
            )  # fmt: skip

    def enter(self, connection_id: str, direction: Direction) -> int:
        """The ticket of a slot that begins now; ask ``is_open`` before."""
        with self._lock:
            for line in self._of(connection_id, direction):
                line.trying = True
            return self._failures

    def leave(self, connection_id: str, direction: Direction, ticket: int) -> None:
        """The slot learned nothing (it was stopped), or enough for others to follow: bytes move again."""
        with self._lock:
            for line in self._of(connection_id, direction):
                if line.failure <= ticket:
                    line.trying = False

    def succeeded(self, connection_id: str, direction: Direction | None = None, ticket: int | None = None) -> None:
        """Open the way. Without a direction (a sign-in, a validation): all of them, whatever they were told.

        A success that was on its way when the remote said "later" or "no" (``ticket``) does not take that back.
        """
        with self._lock:
            keys = self._keys(connection_id) if direction is None else [(connection_id, None), (connection_id, direction)]
            opened = [key for key in keys if not self._outlives(self._lines[key], ticket)]
            is_news = any(self._lines[key].attempts for key in opened)
            for key in opened:
                self._lines[key] = Line(failure=self._lines[key].failure)
        if is_news:
            self._on_change(connection_id)

    def _outlives(self, line: Line, ticket: int | None) -> bool:
        return line.stays and ticket is not None and line.failure > ticket

    def failed(self, connection_id: str, error: RemoteError, direction: Direction, ticket: int, *, is_local: bool) -> int:
        """Close the way: full jitter, a Retry-After kept; what needs a person is tried seldom. How many failures it were in a row.

        A disk (``is_local``) is looked for at least every 15 s, and so is a network: they come back all of a sudden.
        """
        told_s = error.retry_after_s if isinstance(error, RemoteBusy) else None
        with self._lock:
            line = self._lines[connection_id, direction if isinstance(error, _OF_ONE_DIRECTION) else None]
            line.codes.add(error.code)
            again = line.failure > ticket and line.attempts > 0
            closed_until_s = clock.monotonic_s() + self._delay_s(error, 0 if again else line.attempts, told_s, is_local=is_local)
            if again and not (told_s and closed_until_s > line.closed_until_s):
                return line.attempts
            self._close(line, error, closed_until_s, told_s)
            line.attempts += not again
            attempts = line.attempts
        self._on_change(connection_id)
        return attempts

    def _delay_s(self, error: RemoteError, attempts: int, told_s: float | None, *, is_local: bool) -> float:
        is_quick = is_local or isinstance(error, RemoteAway | ClockWrong)
        cap_s = min(self._cap_s(), _QUICK_CAP_S) if is_quick else self._cap_s()
        if not error.retriable:
            return self._random.uniform(cap_s / 2, cap_s)
        return Backoff(cap_s=cap_s).delay_s(attempts, self._random, told_s)

    def _close(self, line: Line, error: RemoteError, until_s: float, told_s: float | None) -> None:
        self._failures += 1
        line.failure = self._failures
        line.closed_until_s, line.reason, line.code, line.trying = until_s, str(error), error.code, False
        line.told_to_wait = told_s is not None
        line.stays = line.told_to_wait or not error.retriable

    def retry_now(self, connection_ids: Collection[str] | None = None) -> None:
        """End every back-off (of these connections), but not a Retry-After."""
        with self._lock:
            for (connection_id, _), line in self._lines.items():
                if not line.told_to_wait and (connection_ids is None or connection_id in connection_ids):
                    line.closed_until_s = 0.0

    def openings_s(self) -> list[float]:
        """When (monotonic) each closed line may be tried; some may be past."""
        with self._lock:
            return [line.closed_until_s for line in self._lines.values() if line.attempts and not line.trying]

    def trouble(self, connection_id: str, direction: Direction | None = None) -> Trouble:
        """Why the way is closed (without a direction: any of them), the time of the next try (None: it is due), and the error's code."""
        with self._lock:
            lines = self._of(connection_id, direction) if direction else [self._lines.get(key) for key in self._keys(connection_id)]
            line = max((line for line in lines if line and line.attempts), key=lambda line: line.closed_until_s, default=None)
            if line is None:
                return None, None, None
            is_to_come = line.closed_until_s > clock.monotonic_s()
            return line.reason, clock.date_of(line.closed_until_s) if is_to_come else None, line.code

    def codes(self, connection_id: str) -> frozenset[str]:
        """Of all errors since each of its lines worked last."""
        with self._lock:
            return frozenset(code for key in self._keys(connection_id) for code in self._lines[key].codes)

    def unreachable(self) -> frozenset[str]:
        """Connections from which nothing can be fetched at the moment."""
        with self._lock:
            return frozenset(connection for (connection, way), line in self._lines.items() if line.attempts and way is not Direction.UP)

    def _of(self, connection_id: str, direction: Direction) -> Iterator[Line]:
        yield self._lines[connection_id, None]
        yield self._lines[connection_id, direction]

    def _keys(self, connection_id: str) -> list[Key]:
        return [(connection_id, way) for way in (None, *Direction)]
