"""Wrong passwords and codes: after a few each costs a wait, which doubles; by account, and by address.

An account's wait does not hold for an address from which that account has signed in lately: whoever guesses from elsewhere
cannot keep the owner out. Nothing locks for ever: waits have an end, and count from the last wrong try. Failures are kept over
restarts; after one a wait begins anew, since nobody knows how much of it has passed.
"""

from __future__ import annotations

import contextlib
import ipaddress
import math
import threading
from collections import OrderedDict
from dataclasses import dataclass

from appliance import clock
from appliance.catalog.journal import CatalogDB
from appliance.errors import ApplianceError, TooManyTries

TRIES = "tries"
FREE, FIRST_WAIT_S = 4, 2.0
LONGEST_OF_ACCOUNT_S, LONGEST_OF_ADDRESS_S = 60.0, 900.0
FORGOTTEN_AFTER_S = 6 * 3600.0
MOST_KEPT = 1000
_OF_ACCOUNT, _OF_ADDRESS = "account:", "address:"
_V6_HOUSE_BITS = 64


@dataclass(slots=True)
class _Failures:
    count: int
    at_s: float

    def wait_s(self, longest_s: float) -> float:
        """From now."""
        if self.count < FREE:
            return 0.0
        wait_s = min(longest_s, FIRST_WAIT_S * 2.0 ** min(self.count - FREE, 30))
        return max(0.0, self.at_s + wait_s - clock.monotonic_s())


class Tries:
    """Thread-safe. At most MOST_KEPT accounts and addresses are remembered; those that failed longest ago are forgotten first."""

    def __init__(self, db: CatalogDB) -> None:
        self._db = db
        self._lock = threading.Lock()
        now_s = clock.monotonic_s()
        rows = sorted(db.table(TRIES).items(), key=lambda pair: str(pair[1].get("at", "")))
        self._failed = OrderedDict((key, _Failures(int(row["count"]), now_s)) for key, row in rows)

    def check(self, account: str | None, address: str | None, *, known: bool = False) -> None:
        """Raises TooManyTries, with how long to wait. ``known``: the account has signed in from there."""
        with self._lock:
            of_account = self._wait_s(_OF_ACCOUNT, account, LONGEST_OF_ACCOUNT_S) if not known else 0.0
            wait_s = max(of_account, self._wait_s(_OF_ADDRESS, house(address), LONGEST_OF_ADDRESS_S))
        if wait_s > 0:
            raise TooManyTries(f"too many wrong tries; try again in {_in_words(wait_s)}")

    def _wait_s(self, kind: str, name: str | None, longest_s: float) -> float:
        failures = self._failed.get(kind + name) if name else None
        return failures.wait_s(longest_s) if failures else 0.0

    def failed(self, account: str | None, address: str | None) -> None:
        """One more; written down, as far as the disk takes it."""
        with self._lock:
            keys = [kind + name for kind, name in ((_OF_ACCOUNT, account), (_OF_ADDRESS, house(address))) if name]
            rows: dict[str, dict[str, object] | None] = {key: self._count(key) for key in keys}
            rows |= dict.fromkeys(self._forgotten(), None)
            with contextlib.suppress(ApplianceError):
                self._db.apply({TRIES: rows})

    def _count(self, key: str) -> dict[str, object]:
        before = self._failed.pop(key, None)
        self._failed[key] = now = _Failures(before.count + 1 if before else 1, clock.monotonic_s())
        return {"count": now.count, "at": clock.iso(clock.now())}

    def _forgotten(self) -> list[str]:
        """The oldest first: those that are long ago, and those that are too many."""
        long_ago_s, gone = clock.monotonic_s() - FORGOTTEN_AFTER_S, []
        while self._failed and (len(self._failed) > MOST_KEPT or next(iter(self._failed.values())).at_s < long_ago_s):
            gone.append(self._failed.popitem(last=False)[0])
        return gone

    def succeeded(self, account: str | None, address: str | None = None) -> None:
        """Whoever knows the password may mistype it again."""
        with self._lock:
            keys = [kind + name for kind, name in ((_OF_ACCOUNT, account), (_OF_ADDRESS, house(address))) if name]
            gone = [key for key in keys if self._failed.pop(key, None)]
            if gone:
                with contextlib.suppress(ApplianceError):
                    self._db.apply({TRIES: dict.fromkeys(gone)})


def house(address: str | None) -> str | None:
    """What one guesser has of addresses: one of IPv4, a network of 2^64 of IPv6."""
    if address is None:
        return None
    try:
        parsed = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, _V6_HOUSE_BITS), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def _in_words(wait_s: float) -> str:
    seconds = math.ceil(wait_s)
    if seconds < 100:  # noqa: PLR2004 - where minutes become easier to read
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    return f"{math.ceil(seconds / 60)} minutes"
