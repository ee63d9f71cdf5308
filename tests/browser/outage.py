"""A remote that leaves, and stays away until the appliance looks for it only now and then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from tests.processes import House
from tests.waiting import wait_for
from ui.words import parsed

LONG_S = 3.0
"""So long it takes by itself until the next try; a button is quicker."""


@contextmanager
def outage(house: House) -> Iterator[None]:
    """Something must be on its way. At the end the remote is there again, and the next try is ``LONG_S`` away."""
    away = house.remote.with_name("away")
    house.remote.rename(away)
    try:
        yield
        wait_for(lambda: _next_try_in_s(house) > LONG_S, 90, "the appliance to wait for long")
    finally:
        away.rename(house.remote)


def _next_try_in_s(house: House) -> float:
    waiting = house.ask("transfer/list")["waiting"]
    times = [one["next_try_at"] for one in waiting if one["next_try_at"]]
    return min(((parsed(at) - datetime.now(UTC)).total_seconds() for at in times), default=0.0)
