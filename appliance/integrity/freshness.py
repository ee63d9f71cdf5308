"""How fresh the regular checks are, as messages tell it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from appliance import clock
from appliance.integrity.rounds import LOCAL, Rounds, listing_key


@dataclass(frozen=True, slots=True)
class Freshness:
    """As in ``appliance/state``."""

    last_scrub_at: datetime | None
    oldest_scrub_at: datetime | None
    last_listing_at: datetime | None


def freshness(rounds: Rounds, valid: Iterable[str]) -> Freshness:
    """Of the connections, the one whose check is the oldest; none where one was never checked to the end."""
    local = rounds.known(LOCAL)
    listed = [listed_at(rounds, connection_id) for connection_id in valid]
    known = [at for at in listed if at]
    return Freshness(
        last_scrub_at=_date(local.ended_at) if local else None,
        oldest_scrub_at=_date(local.oldest_at) if local else None,
        last_listing_at=min(known) if known and len(known) == len(listed) else None,
    )


def listed_at(rounds: Rounds, connection_id: str) -> datetime | None:
    its = rounds.known(listing_key(connection_id))
    return _date(its.ended_at) if its else None


def _date(text: str | None) -> datetime | None:
    return clock.from_iso(text).replace(microsecond=0) if text else None
