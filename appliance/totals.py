"""Sums over archives, of everybody and of each owner, kept up to date by counting views in and out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

from appliance.extremes import Largest
from appliance.views import View
from mqtt.messages import Health, Rung

_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Share:
    """What one view adds to all sums, under the valid and active connections of the moment."""

    is_removed: bool
    rung: Rung
    health: Health
    is_local: bool
    size_bytes: int
    at_risk_bytes: int
    proven_at: datetime | None
    read_back_at: datetime | None
    up_bytes: int
    up_batches: int
    down_bytes: int
    down_batches: int


def share(view: View, valid: frozenset[str], active: str | None) -> Share:
    """Whether connections answer at the moment, and what is being checked, does not count here."""
    size_bytes, missing = view.archive.size_bytes, view.batches - view.cached if view.wanted_local else 0
    here = view.standings.get(active) if active else None
    return Share(
        is_removed=view.archive.removed_at is not None,
        rung=view.best(valid)[1],
        health=view.health(valid, _NOBODY, _NOBODY),
        is_local=view.local,
        size_bytes=size_bytes,
        at_risk_bytes=view.at_risk_bytes(valid),
        proven_at=view.proven_at(valid),
        read_back_at=view.read_back_at(),
        up_bytes=(size_bytes - (here.stored_bytes if here else 0)) if active else 0,
        up_batches=(view.batches - (here.batches_stored if here else 0)) if active else 0,
        down_bytes=min(size_bytes, missing * view.archive.batch_bytes),
        down_batches=missing,
    )


@dataclass(slots=True)
class Totals:
    """Of what was counted in and not out again. What was removed is only counted."""

    rungs: Counter[Rung] = field(default_factory=Counter)
    healths: Counter[Health] = field(default_factory=Counter)
    archives: int = 0
    removed: int = 0
    local: int = 0
    size_bytes: int = 0
    released_bytes: int = 0
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

    def count(self, share: Share, sign: int) -> None:
        """In (sign 1), or out again (-1)."""
        if share.is_removed:
            self.removed += sign
            return
        self.archives += sign
        self.rungs[share.rung] += sign
        self.healths[share.health] += sign
        self.local += sign * share.is_local
        self.size_bytes += sign * share.size_bytes
        self.released_bytes += sign * share.size_bytes * (not share.is_local)
        self.at_risk_bytes += sign * share.at_risk_bytes
        self._count_proofs(share, sign)
        self._count_remaining(share, sign)

    def _count_proofs(self, share: Share, sign: int) -> None:
        if share.proven_at is not None:
            self._proofs.add(-share.proven_at.timestamp(), sign)
        if share.read_back_at is not None:
            self._read_backs.add(share.read_back_at.timestamp(), sign)

    def _count_remaining(self, share: Share, sign: int) -> None:
        self.remaining_up_bytes += sign * share.up_bytes
        self.remaining_up_batches += sign * share.up_batches
        self.remaining_down_bytes += sign * share.down_bytes
        self.remaining_down_batches += sign * share.down_batches
