"""When the next message of a topic may go: at once for news, calmly for progress, never more than two within a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mqtt.messages import Message

_TWO_WITHIN_S = 1.0
_BETWEEN_COUNTS_S = 0.5
Fields = Mapping[str, Any]
"""Names of fields, as pydantic's ``exclude`` takes them."""


@dataclass(frozen=True)
class Report:
    """The value of a topic; without a message, that it is cleared. What is in no list of fields is news.

    ``progress``: fields that may wait until ``progress_gap_s`` have passed since the topic's last message; ``counts``: half a second.
    ``turn``: what is news when it changes, though the fields that tell it are counts or progress.
    """

    message: Message | None
    progress: Fields = field(default_factory=dict)
    counts: Fields = field(default_factory=dict)
    progress_gap_s: float = 0.0
    turn: bool | None = None

    @cached_property
    def payload(self) -> bytes:
        return self.message.payload() if self.message else b""

    @cached_property
    def news(self) -> int:
        """The same as long as only counts and progress change."""
        return self._without({**self.progress, **self.counts})

    @cached_property
    def news_and_counts(self) -> int:
        return self._without(self.progress)

    def _without(self, fields: Fields) -> int:
        return hash((self.message.model_dump_json(exclude=dict(fields)) if self.message else "", self.turn))


@dataclass(frozen=True, slots=True)
class _Sent:
    payload: int
    news: int
    news_and_counts: int
    at_s: float
    before_s: float  # when the one before it was sent


class Pacer:
    """Remembers what was sent last on each topic, and when; times are monotonic. For one thread."""

    def __init__(self) -> None:
        self._sent: dict[str, _Sent] = {}

    def __contains__(self, topic: str) -> bool:
        return topic in self._sent

    def due_s(self, topic: str, report: Report) -> float | None:
        """When it may be sent (what is past: now); None: the topic has it already."""
        last = self._sent.get(topic)
        if last is None:
            return 0.0
        if last.payload == hash(report.payload):
            return None
        return max(last.before_s + _TWO_WITHIN_S, last.at_s + _gap_s(last, report))

    def is_news(self, topic: str, report: Report) -> bool:
        last = self._sent.get(topic)
        return last is None or last.news != report.news

    def sent(self, topic: str, report: Report, now_s: float) -> None:
        last = self._sent.get(topic)
        before_s = last.at_s if last else now_s - _TWO_WITHIN_S
        self._sent[topic] = _Sent(hash(report.payload), report.news, report.news_and_counts, now_s, before_s)

    def forget(self, topic: str | None = None) -> None:
        """The broker may have nothing any more: all, or that topic, goes again, at once."""
        if topic is None:
            self._sent.clear()
        else:
            self._sent.pop(topic, None)


def _gap_s(last: _Sent, report: Report) -> float:
    if last.news != report.news:
        return 0.0
    return _BETWEEN_COUNTS_S if last.news_and_counts != report.news_and_counts else report.progress_gap_s


class Budget:
    """So many at once, and so many a second from then on. Times are monotonic. For one thread."""

    def __init__(self, at_once: int, per_s: float) -> None:
        self._at_once = at_once
        self._per_s = per_s
        self._left = float(at_once)
        self._at_s = 0.0

    def left(self, now_s: float) -> int:
        self._left = min(self._at_once, self._left + max(0.0, now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        return int(self._left + 1e-6)

    def spend(self, now_s: float) -> bool:
        """False where nothing is left."""
        if not self.left(now_s):
            return False
        self._left -= 1
        return True

    def next_s(self, now_s: float) -> float:
        """When there is one (again)."""
        return now_s if self.left(now_s) else now_s + (1 - self._left) / self._per_s
