"""Whether something is old enough to be over: never judged before the clock is known to be right."""

from __future__ import annotations

from datetime import datetime, timedelta

from appliance import clock
from appliance.library import Library
from appliance.witness import Witness, clock_is_trusted

_LOOK_EVERY_S = 30.0


class Ages:
    """Thread-safe. A look at all archives' dates is too dear for each request: it is made now and then."""

    def __init__(self, library: Library, witness: Witness) -> None:
        self._library = library
        self._witness = witness
        self._trusted = False
        self._looked_s = -_LOOK_EVERY_S

    def trusted(self) -> bool:
        """The date can be believed as far as we know."""
        now_s = clock.monotonic_s()
        if not self._trusted or now_s - self._looked_s >= _LOOK_EVERY_S:
            self._trusted, self._looked_s = clock_is_trusted(self._library), now_s
        return self._trusted

    def is_over(self, at: datetime, age: timedelta) -> bool:
        """That much time has passed since, by all that we can know."""
        return self.trusted() and self._witness.is_older(at, age)
