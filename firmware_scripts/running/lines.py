"""What a run writes: bytes become lines, lines become messages of a bounded size at a bounded rate."""

from __future__ import annotations

import json
import time
from collections import deque
from datetime import UTC, datetime

PIECE_BYTES = 8 * 1024
"""A line without an end is cut into pieces of that length."""
MESSAGE_BYTES = 64 * 1024
_A_SECOND = 5.0
_AT_ONCE = 10.0
_APART_S = 0.05
_CONTINUES = range(0x80, 0xC0)


class Cutter:
    """Bytes of one stream, as they come, into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines, or pieces of one, that are complete now."""
        *whole, rest = (self._rest + data).split(b"\n")
        lines = [text for line in whole for text in self._pieces(line, all_of_it=True)]
        lines += self._pieces(rest, all_of_it=False)
        return lines

    def end(self) -> list[str]:
        """What came last, without an end of line."""
        rest, self._rest = self._rest, b""
        return [_text(rest)] if rest else []

    def _pieces(self, line: bytes, *, all_of_it: bool) -> list[str]:
        pieces = []
        while len(line) > PIECE_BYTES:
            cut = _before_a_character(line)
            pieces.append(_text(line[:cut]))
            line = line[cut:]
        if all_of_it:
            pieces.append(_text(line.removesuffix(b"\r")))
            line = b""
        self._rest = line
        return pieces


def _before_a_character(line: bytes) -> int:
    """Where to cut so that no character of UTF-8 is torn."""
    for cut in range(PIECE_BYTES, PIECE_BYTES - 4, -1):
        if line[cut] not in _CONTINUES:
            return cut
    return PIECE_BYTES


def _text(line: bytes) -> str:
    return line.decode(errors="replace")


class Pending:
    """Lines that are not sent yet, each as JSON already: ScriptLine a million times would cost seconds."""

    def __init__(self, run_id: str) -> None:
        self._head = f'{{"run_id":{json.dumps(run_id)},"lines":['
        self._lines: deque[str] = deque()
        self._chars = 0
        self.sequence = 0

    def __bool__(self) -> bool:
        return bool(self._lines)

    @property
    def full(self) -> bool:
        """There is a whole message, so nothing more should be read."""
        return self._chars >= MESSAGE_BYTES

    def add(self, stream: str, texts: list[str]) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for text in texts:
            line = f'{{"sequence":{self.sequence},"at":"{at}","stream":"{stream}","text":{json.dumps(text)}}}'
            self._lines.append(line)
            self._chars += len(line) + 1
            self.sequence += 1

    def take(self) -> bytes:
        """The payload of the next message, a ScriptOutput: as many lines as fit, one at the least."""
        taken = [self._lines.popleft()]
        chars = len(taken[0]) + 1
        while self._lines and chars + len(self._lines[0]) < MESSAGE_BYTES:
            taken.append(self._lines.popleft())
            chars += len(taken[-1]) + 1
        self._chars -= chars
        return f"{self._head}{','.join(taken)}]}}".encode()


class Rate:
    """When the next message may go: a few at once, then 5 a second, and never two within 50 ms."""

    def __init__(self) -> None:
        self._tokens = _AT_ONCE
        self._last_s = self._filled_s = time.monotonic() - 1

    def wait_s(self) -> float:
        """0: now."""
        now_s = time.monotonic()
        self._tokens = min(_AT_ONCE, self._tokens + (now_s - self._filled_s) * _A_SECOND)
        self._filled_s = now_s
        return max(0.0, self._last_s + _APART_S - now_s, (1 - self._tokens) / _A_SECOND)

    def sent(self) -> None:
        self._tokens -= 1
        self._last_s = time.monotonic()
