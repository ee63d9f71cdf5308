"""Messages on their way to their targets. What could not be sent waits, over restarts too, and goes out as one message later."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from appliance import clock
from appliance.catalog.journal import CatalogDB
from appliance.errors import ApplianceError
from appliance.notifications.desk import Pace
from appliance.notifications.words import Text, together
from appliance.transfer.retry import Backoff

_TABLE = "notifications"
_MOST = 50
_TOO_OLD = timedelta(days=7)


@dataclass(slots=True)
class Standing:
    """How a target does. Times of waits are monotonic."""

    sent_at: datetime | None = None
    error: str | None = None
    attempts: int = 0
    next_try_s: float = 0.0


@dataclass(slots=True)
class _Waiting:
    text: Text
    at: datetime
    targets: set[str] = field(default_factory=set)


class Outbox:
    """Not thread-safe. ``is_over(at, age)`` judges age."""

    def __init__(self, db: CatalogDB, is_over: Callable[[datetime, timedelta], bool], pace: Pace) -> None:
        self._db = db
        self._is_over = is_over
        self._pace = pace
        self._random = random.Random()  # noqa: S311 - spreads load, guards nothing
        self._waiting: dict[str, _Waiting] = {}
        for message_id, row in sorted(db.table(_TABLE).items()):
            self._waiting[message_id] = _Waiting(Text(row["title"], row["body"]), clock.from_iso(row["at"]), set(row["targets"]))
        self._number = max((int(message_id) for message_id in self._waiting), default=0)
        self.standings: dict[str, Standing] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, text: Text, targets: set[str]) -> None:
        self._number += 1
        message_id = f"{self._number:012d}"
        self._waiting[message_id] = _Waiting(text, clock.now(), set(targets))
        changes: dict[str, Any] = {message_id: self._row(message_id)}
        for oldest in list(self._waiting)[:-_MOST]:
            del self._waiting[oldest]
            changes[oldest] = None
        self._keep(changes)

    def due(self, target_ids: set[str]) -> str | None:
        """A target for which something waits and that may be tried now."""
        now_s = clock.monotonic_s()
        return next((target for target in self._with_mail(target_ids) if self.standing(target).next_try_s <= now_s), None)

    def next_s(self, target_ids: set[str]) -> float | None:
        return min((self.standing(target).next_try_s for target in self._with_mail(target_ids)), default=None)

    def _with_mail(self, target_ids: set[str]) -> list[str]:
        return sorted({target for waiting in self._waiting.values() for target in waiting.targets} & target_ids)

    def standing(self, target_id: str) -> Standing:
        return self.standings.setdefault(target_id, Standing())

    def mail_for(self, target_id: str) -> tuple[list[str], Text]:
        """All that waits for it, as one message, and the ids of what is in it."""
        ids = [message_id for message_id, waiting in self._waiting.items() if target_id in waiting.targets]
        return ids, together([self._waiting[message_id].text for message_id in ids])

    def sent(self, target_id: str, message_ids: list[str]) -> None:
        self.standings[target_id] = Standing(sent_at=clock.now())
        self._drop(target_id, message_ids)

    def failed(self, target_id: str, why: str) -> bool:
        """Whether that is news: it worked before, or another reason than before."""
        before = self.standing(target_id)
        delay_s = Backoff(first_s=self._pace.retry_s, cap_s=self._pace.retry_cap_s).delay_s(before.attempts, self._random, None)
        next_try_s = clock.monotonic_s() + max(delay_s, self._pace.retry_s / 2)
        self.standings[target_id] = Standing(before.sent_at, why, before.attempts + 1, next_try_s)
        return before.error != why

    def forget_target(self, target_id: str) -> None:
        self.standings.pop(target_id, None)
        self._drop(target_id, list(self._waiting))

    def forget_old(self) -> None:
        """What nobody took for a week is of no use any more."""
        for message_id in [message_id for message_id, waiting in self._waiting.items() if self._is_over(waiting.at, _TOO_OLD)]:
            del self._waiting[message_id]
            self._keep({message_id: None})

    def _drop(self, target_id: str, message_ids: list[str]) -> None:
        changes: dict[str, Any] = {}
        for message_id in message_ids:
            waiting = self._waiting.get(message_id)
            if waiting is None or target_id not in waiting.targets:
                continue
            waiting.targets.discard(target_id)
            if not waiting.targets:
                del self._waiting[message_id]
            changes[message_id] = self._row(message_id)
        if changes:
            self._keep(changes)

    def _row(self, message_id: str) -> dict[str, Any] | None:
        waiting = self._waiting.get(message_id)
        if waiting is None:
            return None
        return {"title": waiting.text.title, "body": waiting.text.body, "at": clock.iso(waiting.at), "targets": sorted(waiting.targets)}

    def _keep(self, changes: dict[str, Any]) -> None:
        with contextlib.suppress(ApplianceError):  # a full disk must not keep the message from being sent
            self._db.apply({_TABLE: changes})
