"""The order made by hand: archives that go before all others. Kept in the catalog, so it outlives the process."""

from __future__ import annotations

import threading
from collections.abc import Callable

from appliance.catalog.journal import CatalogDB
from appliance.errors import Conflict

_TABLE = "order"
_MOST = 100
_FINEST = 1e-6


class Order:
    """Thread-safe. Each archive has a rank, so that a change writes one short row. ``listener(ids)``: their positions may have changed."""

    def __init__(self, db: CatalogDB) -> None:
        self._db = db
        self._writing = threading.Lock()
        self._lock = threading.Lock()
        self._ranks = {archive_id: float(row["rank"]) for archive_id, row in db.table(_TABLE).items()}
        self._forgotten: set[str] = set()
        self._ids: tuple[str, ...] = ()
        self._positions: dict[str, int] = {}
        self._listener: Callable[[tuple[str, ...]], None] = lambda _: None
        self._renew()

    def on_change(self, listener: Callable[[tuple[str, ...]], None]) -> None:
        self._listener = listener

    def ids(self) -> tuple[str, ...]:
        """The first one first."""
        return self._ids

    def position(self, archive_id: str) -> int | None:
        return self._positions.get(archive_id)

    def put(self, archive_id: str, position: int) -> None:
        """At that place, or at the end; it may have had another one. Raises Conflict (too many), DiskFull, CatalogUnwritable."""
        with self._writing:
            others = [each for each in self._ids if each != archive_id]
            if len(others) >= _MOST:
                raise Conflict(f"the order made by hand holds {_MOST} archives at the most; `pyarchive usual` takes one out")
            rows = self._rows_to_put(others, archive_id, min(position, len(others)))
            self._db.apply({_TABLE: {each: {"rank": rank} for each, rank in rows.items()}})
            with self._lock:
                self._forgotten.discard(archive_id)
                self._ranks |= {each: rank for each, rank in rows.items() if each not in self._forgotten}
                self._renew()
        self._listener(self._ids)

    def _rows_to_put(self, others: list[str], archive_id: str, position: int) -> dict[str, float]:
        """The new rank, between those of its neighbours; all of them where there is no room between."""
        before = self._ranks[others[position - 1]] if position else None
        after = self._ranks[others[position]] if position < len(others) else None
        if before is None or after is None:
            rank = (before + 1) if before is not None else (after - 1) if after is not None else 0.0
            return {archive_id: rank}
        if after - before > _FINEST:
            return {archive_id: (before + after) / 2}
        ids = [*others[:position], archive_id, *others[position:]]
        return {each: float(rank) for rank, each in enumerate(ids)}

    def drop(self, archive_id: str) -> None:
        """Its turn comes by itself again. Raises DiskFull, CatalogUnwritable; then nothing has changed."""
        with self._writing:
            if archive_id not in self._ranks:
                return
            self._db.apply({_TABLE: {archive_id: None}})
            self.forget(archive_id)
            with self._lock:
                self._forgotten.discard(archive_id)

    def forget(self, archive_id: str) -> None:
        """It is done or removed. Waits for no disk: ``keep`` writes it down."""
        with self._lock:
            if self._ranks.pop(archive_id, None) is None:
                return
            before = self._ids
            self._forgotten.add(archive_id)
            self._renew()
        self._listener(before)

    def keep(self) -> None:
        """Write down what was forgotten. Raises DiskFull, CatalogUnwritable; it is tried again with the next call."""
        if not self._forgotten:
            return
        with self._writing:
            with self._lock:
                forgotten = self._forgotten.copy()
            self._db.apply({_TABLE: dict.fromkeys(forgotten)})
            with self._lock:
                self._forgotten -= forgotten

    def _renew(self) -> None:
        self._ids = tuple(sorted(self._ranks, key=lambda each: (self._ranks[each], each)))
        self._positions = {archive_id: position for position, archive_id in enumerate(self._ids)}
