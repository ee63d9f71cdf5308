"""The batches of an archive at one glance: one letter each. Pure, and fast enough for a hundred thousand of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

HERE, BOTH, THERE, ELSEWHERE, DAMAGED, MISSING = b"cbsexm"
UP, DOWN, WAITS = b"udw"
"""See mqtt.view_answers.BatchMap for what each means."""

_RESTING = bytes([MISSING, HERE, THERE, BOTH, ELSEWHERE, HERE, THERE, BOTH])
_BROKEN_HERE = bytes([MISSING, HERE, DAMAGED, BOTH, DAMAGED, HERE, DAMAGED, BOTH])
"""By cached + 2 * stored there + 4 * stored elsewhere."""


def batch_map(cached: bytes, there: bytes, elsewhere: Iterable[bytes], *, is_complete: bool) -> bytearray:
    """All three have one byte a batch, 0 or 1. ``is_complete``: every batch should be here, so one that is not is damaged."""
    size, other = len(cached), 0
    for flags in elsewhere:
        other |= int.from_bytes(flags, "little")
    # Numbers of that many digits: no digit is larger than 1, so shifted ones do not meet.
    code = int.from_bytes(cached, "little") | int.from_bytes(there, "little") << 1 | other << 2
    letters = (_BROKEN_HERE if is_complete else _RESTING).ljust(256)
    return bytearray(code.to_bytes(size, "little").translate(letters))


def put(letters: bytearray, indices: Iterable[int | None], letter: int) -> None:
    """At these batches; None (the manifest) is no batch."""
    for index in indices:
        if index is not None and index < len(letters):
            letters[index] = letter


def counts(letters: bytearray) -> dict[str, int]:
    return {chr(letter): count for letter, count in sorted(Counter(letters).items())}
