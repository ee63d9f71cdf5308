"""What is derived from catalog and ledgers: rung, health, bytes at risk. Computed, never stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from appliance.archive import Archive
from appliance.catalog.ledger import Ledger
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
        known = [connection_id for connection_id in self.standings if connection_id in valid]
        best = min(known, key=lambda connection_id: (-_ORDER[self.standings[connection_id].rung], connection_id), default=None)
        return best, self.standings[best].rung if best else Rung.RECEIVED

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
        if self.local:
            return Health.OK
        if self.best(valid)[1] not in {Rung.REMOTE, Rung.PROVEN}:
            return Health.DAMAGED if self.standings else Health.UNKNOWN
        return Health.OK if self.standings.keys() & (valid - unreachable) else Health.UNKNOWN


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
