"""The regular read-back: some bytes a day, of what was never read back first, then of what was longest ago."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from appliance import clock
from appliance.catalog.journal import CatalogDB
from appliance.integrity.checking import Checking
from appliance.integrity.read_back import Candidate, ReadBack
from appliance.integrity.rounds import TABLE
from appliance.library import Library
from appliance.witness import Witness
from mqtt.messages import Rung

_KEY = "drill"
_DAY_S = 86400.0
_FRESH_S = timedelta(days=20).total_seconds()
"""What was read back in these days is not read again: else a small household would fetch everything every week."""
_PARTS = 4
_ORDERED, _LOOK_AGAIN_S = 64, 600.0


class Allowance:
    """Bytes that may still be read today; a day is 24 hours in which the appliance was running.

    A quarter of the budget is written down before it is used, so that no restart makes a day's budget two. A batch that is
    larger than the budget uses up that of several days.
    """

    def __init__(self, db: CatalogDB, witness: Witness) -> None:
        self._db = db
        self._witness = witness
        kept = db.table(TABLE).get(doc_id=_KEY) or {"day_ran_s": witness.ran().total_seconds(), "used_bytes": 0}
        self._day_ran_s, self._used = float(kept["day_ran_s"]), int(kept["used_bytes"])
        self._kept = self._used

    def is_used_up(self, budget_bytes: int) -> bool:
        self._begin_day(budget_bytes)
        return self._used >= budget_bytes

    def take(self, size_bytes: int, budget_bytes: int) -> bool:
        """Whether that may be read; then it counts as used. Raises DiskFull, CatalogUnwritable."""
        self._begin_day(budget_bytes)
        if self._used and self._used + size_bytes > budget_bytes:
            return False
        self._used += size_bytes
        if self._used > self._kept:
            self._keep(max(self._used, min(budget_bytes, self._used + budget_bytes // _PARTS)))
        return True

    def give_back(self, size_bytes: int) -> None:
        """Taken and not read."""
        self._used = max(0, self._used - size_bytes)

    def keep(self) -> None:
        """What is used, no more: at the end."""
        if self._used != self._kept:
            self._keep(self._used)

    def _begin_day(self, budget_bytes: int) -> None:
        days = int((self._witness.ran().total_seconds() - self._day_ran_s) // _DAY_S)
        if days > 0:
            self._day_ran_s += days * _DAY_S
            self._used = self._kept = max(0, self._used - days * budget_bytes)

    def _keep(self, used_bytes: int) -> None:
        row: dict[str, Any] = {"day_ran_s": self._day_ran_s, "used_bytes": used_bytes}
        self._db.apply({TABLE: {_KEY: row}})
        self._kept = used_bytes


@dataclass(slots=True)
class Drill:
    """One chunk after another, each of one archive on one connection."""

    library: Library
    allowance: Allowance
    _order: list[tuple[str, str]] = field(default_factory=list)
    _looked_s: float = float("-inf")

    def look_again(self) -> None:
        """Something has changed: who is next is asked anew."""
        self._order, self._looked_s = [], float("-inf")

    def next(self, connection_ids: frozenset[str], budget_bytes: int) -> list[Candidate]:
        """What to read now: at most a quarter of the budget, at least a batch; nothing where nothing is due, or today's is used up."""
        if self.allowance.is_used_up(budget_bytes):
            return []
        if not self._order and clock.monotonic_s() - self._looked_s >= _LOOK_AGAIN_S:
            self._order, self._looked_s = self._first(connection_ids), clock.monotonic_s()
        while self._order:
            archive_id, connection_id = self._order[0]
            chunk = self._chunk(archive_id, connection_id, budget_bytes // _PARTS) if connection_id in connection_ids else []
            taken = list(self._taken(chunk, budget_bytes))
            if taken or chunk:
                return taken
            self._order.pop(0)
        return []

    def _first(self, connection_ids: frozenset[str]) -> list[tuple[str, str]]:
        """Never read back (the smallest first: soon proven), then longest ago."""
        first = heapq.nsmallest(_ORDERED, self._due(connection_ids))
        return [(archive_id, connection_id) for _, _, archive_id, connection_id in first]

    def _due(self, connection_ids: frozenset[str]) -> Iterator[tuple[bool, float, str, str]]:
        now_s = clock.now().timestamp()
        for view in self.library.all_views():
            for connection_id in connection_ids & view.standings.keys() if not view.archive.removed_at else ():
                here = view.standings[connection_id]
                read_at_s = here.proven_at.timestamp() if here.proven_at else None
                if here.rung is Rung.REMOTE:
                    yield False, here.stored_bytes, view.archive.id, connection_id
                elif read_at_s is not None and here.rung is Rung.PROVEN and not 0 <= now_s - read_at_s < _FRESH_S:
                    yield True, read_at_s, view.archive.id, connection_id

    def _chunk(self, archive_id: str, connection_id: str, most_bytes: int) -> list[Candidate]:
        view = self.library.views.get(archive_id)
        if view is None or view.archive.removed_at:
            return []
        ledger, now_s = self.library.ledger(archive_id), clock.now().timestamp()
        times = ((at_s, index) for index, at_s in enumerate(ledger.read_back_times(connection_id)) if at_s is not None)
        found, left = list[Candidate](), most_bytes
        for at_s, index in sorted(each for each in times if not 0 <= now_s - each[0] < _FRESH_S):
            size = ledger.range_of(index)[1]
            if found and size > left:
                break
            found.append(Candidate(at_s, archive_id, connection_id, index, size))
            left -= size
        return found

    def _taken(self, chunk: list[Candidate], budget_bytes: int) -> Iterator[Candidate]:
        for each in chunk:
            if not self.allowance.take(each.size_bytes, budget_bytes):
                return
            yield each

    def read(self, chunk: list[Candidate], checking: Checking) -> None:
        """Raises Stopped. What was not read is given back, what was read twice is used twice."""
        before = checking.job.done_bytes
        try:
            ReadBack(checking).run(sorted(chunk, key=lambda each: each.index))
        finally:
            read_bytes = checking.job.done_bytes - before
            self.allowance.give_back(sum(each.size_bytes for each in chunk) - read_bytes)
            if not read_bytes and self._order:  # it is being released or removed: others first
                self._order.pop(0)
