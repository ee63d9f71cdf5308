"""The last events, remembered by the panel: a page that is just opened has a past."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ui.panel.live import Live, Took

_MOST = 300
_STEPS = frozenset({"batch_stored", "batch_restored"})
"""Every few seconds while something moves: what moves is shown elsewhere."""


class Happened:
    """Newest last. ``since_at``: what is older is not in it."""

    def __init__(self, live: Live) -> None:
        self.since_at = datetime.now(UTC).isoformat()
        self._events: deque[Any] = deque(maxlen=_MOST)
        self._followers: list[Took] = []
        live.stream("event", self._take)

    def _take(self, payloads: list[Any]) -> None:
        self._events.extend(one for one in payloads if isinstance(one, dict) and one.get("event") not in _STEPS)
        for took in list(self._followers):
            took(payloads)

    def follow(self, took: Took) -> Callable[[], None]:
        """``took(payloads)`` with all that came, when it is remembered; what is answered ends that."""
        self._followers.append(took)
        return lambda: self._followers.remove(took)

    def events(self) -> list[Any]:
        return list(self._events)
