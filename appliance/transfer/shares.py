"""How much each owner has had of the line lately, so that one owner's terabyte does not hold up another's small files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from appliance import clock

_HALF_LIFE_S = 600.0


class Shares:
    """Bytes moved, of which half are forgotten every ten minutes, and the bytes of what is moving now. Not thread-safe."""

    def __init__(self, monotonic_s: Callable[[], float] = clock.monotonic_s) -> None:
        self._monotonic_s = monotonic_s
        self._moved: dict[str, tuple[float, float]] = {}  # owner -> bytes, and when that was so
        self._moving: Counter[str] = Counter()

    def load_bytes(self, owner: str) -> float:
        """The owner with the least is next. Batches count from their beginning: slots that choose together choose different owners."""
        moved, at_s = self._moved.get(owner, (0.0, 0.0))
        return self._moving[owner] + (moved * 0.5 ** ((self._monotonic_s() - at_s) / _HALF_LIFE_S) if moved else 0.0)

    def started(self, owner: str, size_bytes: int) -> None:
        self._moving[owner] += size_bytes

    def ended(self, owner: str, size_bytes: int, moved_bytes: int) -> None:
        """``size_bytes`` as given to ``started``; ``moved_bytes`` of them went over the line."""
        self._moving[owner] -= size_bytes
        self._moved[owner] = (self.load_bytes(owner) - self._moving[owner] + moved_bytes, self._monotonic_s())
