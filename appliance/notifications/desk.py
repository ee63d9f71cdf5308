"""Which problems are to be told, and when: once each, and what comes and goes is told as that. Kept over restarts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance import clock
from appliance.catalog.journal import CatalogDB
from appliance.errors import ApplianceError
from mqtt.messages import Problem

_TABLE = "told_problems"
_FORGOTTEN_AFTER = timedelta(days=1)
_MOST = 200
Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """``settle_s``: what passes within that time is not told. ``collect_s``: what comes due within that time is told together.
    ``again_s``: how often at the most the same problem is told again. ``gap_s``: between two messages. ``quiet_s``: between two that all
    is safe. ``retry_s``, ``retry_cap_s``: of a target that fails. ``start_s``: by then all problems that stand were raised.
    """

    settle_s: float = 60.0
    collect_s: float = 10.0
    again_s: float = 6 * 3600.0
    gap_s: float = 300.0
    quiet_s: float = 3600.0
    retry_s: float = 60.0
    retry_cap_s: float = 3600.0
    look_s: float = 15.0
    start_s: float = 600.0


@dataclass(frozen=True, slots=True)
class News:
    """``returns``: how often it came back since it was told; 0: it is told for the first time."""

    problem: Problem
    returns: int
    is_standing: bool


@dataclass(slots=True)
class _Told:
    at: datetime
    is_standing: bool
    returns: int = 0
    told_s: float | None = None  # monotonic; None: before this process


class Desk:
    """Not thread-safe: the notifier calls it under its lock. ``is_over(at, age)`` judges age, and says no while the clock is not right."""

    def __init__(self, db: CatalogDB, is_over: Callable[[datetime, timedelta], bool], pace: Pace) -> None:
        self._db = db
        self._is_over = is_over
        self._pace = pace
        self._started_s = clock.monotonic_s()
        self._told: dict[Key, _Told] = {}
        for row in db.table(_TABLE).all():
            told = _Told(clock.from_iso(row["at"]), bool(row["standing"]), int(row["returns"]))
            self._told[row["code"], row["about"]] = told
        self._seen: set[Key] = set()
        self._due: dict[Key, tuple[float, Problem]] = {}

    def raised(self, problem: Problem) -> None:
        key, now_s = (problem.code, problem.about), clock.monotonic_s()
        told = self._told.get(key)
        self._seen.add(key)
        if key in self._due:
            self._due[key] = self._due[key][0], problem
        elif told is None or (not told.is_standing and self._is_over(told.at, _FORGOTTEN_AFTER)):
            self._told.pop(key, None)
            self._due[key] = now_s + self._pace.settle_s, problem
        elif not told.is_standing:
            told_s = now_s if told.told_s is None else told.told_s
            self._due[key] = max(now_s + self._pace.settle_s, told_s + self._pace.again_s), problem
        if told is not None and key in self._told and not told.is_standing:
            told.is_standing, told.returns = True, told.returns + 1
            self._keep(key)

    def cleared(self, problem: Problem) -> None:
        key = problem.code, problem.about
        told = self._told.get(key)
        if told is None:
            self._due.pop(key, None)
        elif told.is_standing:
            told.is_standing = False
            self._keep(key)

    def next_s(self) -> float | None:
        """When (monotonic) something is to be told."""
        return min((due_s + self._pace.collect_s for due_s, _ in self._due.values()), default=None)

    def take_due(self) -> list[News]:
        """What is due now, once the first of it has waited for the others; it counts as told."""
        now_s, first_s = clock.monotonic_s(), self.next_s()
        self._forget_what_was_mended_while_off(now_s)
        if first_s is None or first_s > now_s:
            return []
        keys = [key for key, (due_s, _) in self._due.items() if due_s <= now_s]
        return [self._take(key, self._due.pop(key)[1]) for key in keys]

    def _take(self, key: Key, problem: Problem) -> News:
        told = self._told.get(key)
        news = News(problem, told.returns if told else 0, told.is_standing if told else True)
        self._told[key] = _Told(clock.now(), news.is_standing, 0, clock.monotonic_s())
        self._keep(key)
        return news

    def _forget_what_was_mended_while_off(self, now_s: float) -> None:
        if now_s < self._started_s + self._pace.start_s:
            return
        for key, told in self._told.items():
            if told.is_standing and key not in self._seen:
                self._seen.add(key)
                told.is_standing = False
                self._keep(key)

    def _keep(self, key: Key) -> None:
        told = self._told[key]
        row = {"code": key[0], "about": key[1], "at": clock.iso(told.at), "standing": told.is_standing, "returns": told.returns}
        changes: dict[str, dict[str, object] | None] = {_row_id(key): row}
        past = sorted((each.at, other) for other, each in self._told.items() if not each.is_standing and other not in self._due)
        for _, other in past[: max(0, len(self._told) - _MOST)]:
            del self._told[other]
            changes[_row_id(other)] = None
        with contextlib.suppress(ApplianceError):  # a full disk is said elsewhere; at worst it is told once more
            self._db.apply({_TABLE: changes})


def _row_id(key: Key) -> str:
    return f"{key[0]} {key[1]}"[:200]
