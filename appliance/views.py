"""What is derived from catalog and ledgers: rung, health, bytes at risk, totals. Computed, never stored."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from appliance.archive import Archive
from appliance.catalog.ledger import Ledger
from appliance.extremes import Largest
from mqtt.messages import Health, Rung

_ORDER = {Rung.RECEIVED: 0, Rung.PARTIAL: 1, Rung.REMOTE: 2, Rung.PROVEN: 3}


@dataclass(frozen=True, slots=True)
class Standing:
    """One archive on one connection."""

    rung: Rung
    batches_stored: int
    stored_bytes: int
    manifest_stored: bool
    manifest_due: bool
    proven_at: datetime | None
    read_back_at: datetime | None = None
    """When a batch was last read back from there and found right."""


@dataclass(frozen=True, slots=True)
class View:
    """One archive, small enough to be kept for each of tens of thousands."""

    archive: Archive
    batches: int
    cached: int
    local: bool
    wanted_local: bool
    standings: dict[str, Standing] = field(default_factory=dict)
    lost_batches: int = 0

    @property
    def is_whole(self) -> bool:
        """No batch of it is known to be bad: all is here, or nothing is meant to be."""
        return not self.lost_batches and (self.cached == self.batches or not self.wanted_local)

    def differs_from(self, other: View) -> bool:
        """In more than the number of its batches that are here or there."""
        return self._essence() != other._essence()

    def _essence(self) -> tuple[object, ...]:
        rungs = [(connection_id, here.rung) for connection_id, here in self.standings.items()]
        return id(self.archive), self.local, self.wanted_local, self.lost_batches, rungs

    def best(self, valid: frozenset[str]) -> tuple[str | None, Rung]:
        """The valid connection on which the archive stands best, and its rung there."""
        best: tuple[str | None, Rung] = (None, Rung.RECEIVED)
        for connection_id in sorted(valid & self.standings.keys()):
            rung = self.standings[connection_id].rung
            if best[0] is None or _ORDER[rung] > _ORDER[best[1]]:
                best = (connection_id, rung)
        return best

    def proven_at(self, valid: frozenset[str]) -> datetime | None:
        """The date of its proof, where it is proven: on the valid connection where that is the freshest."""
        proofs = [self.standings[c] for c in valid & self.standings.keys()]
        return max((here.proven_at for here in proofs if here.proven_at and here.rung is Rung.PROVEN), default=None)

    def read_back_at(self) -> datetime | None:
        return max((here.read_back_at for here in self.standings.values() if here.read_back_at), default=None)

    def at_risk_bytes(self, valid: frozenset[str]) -> int:
        """Bytes on no valid connection; with several connections rather too many than too few. 0 once released: they are not here."""
        if not self.local and not self.cached:
            return 0
        stored = max((self.standings[c].stored_bytes for c in valid & self.standings.keys()), default=0)
        return self.archive.size_bytes - stored

    def health(self, valid: frozenset[str], unreachable: frozenset[str], checking: frozenset[str]) -> Health:
        """Whether good copies are known of all batches. ``unreachable`` connections answer nothing at the moment."""
        if self.lost_batches:
            return Health.LOST
        if self.archive.id in checking:
            return Health.CHECKING
        if self.wanted_local and self.cached < self.batches and self.local:
            return Health.DAMAGED
        _, rung = self.best(valid)
        if not self.local and rung not in {Rung.REMOTE, Rung.PROVEN}:
            return Health.DAMAGED if self.standings else Health.UNKNOWN
        if not self.local and not self.standings.keys() & (valid - unreachable):
            return Health.UNKNOWN
        return Health.OK


def standing(ledger: Ledger, connection_id: str) -> Standing:
    """How well the archive is protected on this connection."""
    stored = ledger.stored_count(connection_id)
    manifest = ledger.manifest(connection_id) is not None
    proven_at = ledger.read_back_oldest(connection_id)
    return Standing(
        rung=_rung(stored, ledger.batch_count, manifest=manifest, proven=proven_at is not None),
        batches_stored=stored,
        stored_bytes=_stored_bytes(ledger, connection_id, stored),
        manifest_stored=manifest,
        manifest_due=stored == ledger.batch_count and not ledger.manifest_is_current(connection_id),
        proven_at=proven_at,
        read_back_at=ledger.read_back_newest(connection_id),
    )


def _rung(stored: int, total: int, *, manifest: bool, proven: bool) -> Rung:
    if not stored:
        return Rung.RECEIVED
    if stored < total or not manifest:
        return Rung.PARTIAL
    return Rung.PROVEN if proven else Rung.REMOTE


def _stored_bytes(ledger: Ledger, connection_id: str, stored: int) -> int:
    last = ledger.batch_count - 1
    short = ledger.facts.batch_bytes - ledger.range_of(last)[1]
    return stored * ledger.facts.batch_bytes - (short if ledger.is_stored(connection_id, last) else 0)


def view(archive: Archive, ledger: Ledger) -> View:
    """O(number of connections), but for the first proof date after a change."""
    standings = {connection_id: standing(ledger, connection_id) for connection_id in ledger.connections()}
    return View(
        archive=archive,
        batches=ledger.batch_count,
        cached=ledger.cached_count,
        local=not ledger.is_released,
        wanted_local=ledger.wanted_local,
        standings=standings,
        lost_batches=_lost_batches(ledger, list(standings)),
    )


def _lost_batches(ledger: Ledger, connections: list[str]) -> int:
    """Batches that are good nowhere. Only damaged archives pay for the count."""
    if ledger.cached_count == ledger.batch_count:
        return 0
    if any(ledger.stored_count(connection) == ledger.batch_count for connection in connections):
        return 0
    return sum(
        not ledger.is_cached(index) and not any(ledger.is_stored(connection, index) for connection in connections)
        for index in range(ledger.batch_count)
    )


@dataclass(slots=True)
class Totals:
    """Sums over all archives, kept up to date by adding and taking away views."""

    rungs: Counter[Rung] = field(default_factory=Counter)
    archives: int = 0
    removed: int = 0
    local: int = 0
    damaged: int = 0
    lost: int = 0
    size_bytes: int = 0
    at_risk_bytes: int = 0
    remaining_up_bytes: int = 0
    remaining_up_batches: int = 0
    remaining_down_bytes: int = 0
    remaining_down_batches: int = 0
    _proofs: Largest = field(default_factory=Largest)  # negative times: the oldest is the largest
    _read_backs: Largest = field(default_factory=Largest)

    @property
    def last_proof_at(self) -> datetime | None:
        """When a batch of any archive was last read back and found right."""
        at_s = self._read_backs.get()
        return None if at_s is None else datetime.fromtimestamp(at_s, UTC)

    @property
    def oldest_proof_at(self) -> datetime | None:
        """When what was read back longest ago was; None unless every archive is proven."""
        at_s = self._proofs.get() if self.rungs[Rung.PROVEN] == self.archives else None
        return None if at_s is None else datetime.fromtimestamp(-at_s, UTC)

    def add(self, view: View, valid: frozenset[str], active: str | None, sign: int = 1) -> None:
        """Count the view in (sign 1) or out again (-1) under the same valid and active connections."""
        if view.archive.removed_at:
            self.removed += sign
            return
        self.archives += sign
        self.rungs[view.best(valid)[1]] += sign
        self.local += sign * view.local
        health = view.health(valid, frozenset(), frozenset())
        self.damaged += sign * (health is Health.DAMAGED)
        self.lost += sign * (health is Health.LOST)
        self.size_bytes += sign * view.archive.size_bytes
        self.at_risk_bytes += sign * view.at_risk_bytes(valid)
        self._add_proofs(view, valid, sign)
        self._add_remaining(view, active, sign)

    def _add_proofs(self, view: View, valid: frozenset[str], sign: int) -> None:
        proven_at, read_back_at = view.proven_at(valid), view.read_back_at()
        if proven_at is not None:
            self._proofs.add(-proven_at.timestamp(), sign)
        if read_back_at is not None:
            self._read_backs.add(read_back_at.timestamp(), sign)

    def _add_remaining(self, view: View, active: str | None, sign: int) -> None:
        if active is not None:
            here = view.standings.get(active)
            self.remaining_up_bytes += sign * (view.archive.size_bytes - (here.stored_bytes if here else 0))
            self.remaining_up_batches += sign * (view.batches - (here.batches_stored if here else 0))
        if view.wanted_local and view.cached < view.batches:
            missing = view.batches - view.cached
            self.remaining_down_batches += sign * missing
            self.remaining_down_bytes += sign * min(view.archive.size_bytes, missing * view.archive.batch_bytes)
