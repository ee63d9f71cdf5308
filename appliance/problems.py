"""What keeps files from being safe, until it is mended. Raised and cleared under the same (code, about)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from appliance import clock
from mqtt.messages import EventName, Problem

log = logging.getLogger("problems")
Listener = Callable[[EventName, Problem], None]


class Problems:
    """Thread-safe. ``listener(PROBLEM_RAISED | PROBLEM_CLEARED, problem)`` is called on each change, not on repeats."""

    def __init__(self) -> None:
        self._standing: dict[tuple[str, str], Problem] = {}
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []
        self._owner_of: Callable[[str], str | None] = lambda _: None
        self.last: Problem | None = None

    def ask_for_owners(self, owner_of: Callable[[str], str | None]) -> None:
        """``owner_of(about)``: whose archive that is; None: it is no archive's id."""
        self._owner_of = owner_of

    def on_change(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def raise_(self, code: str, about: str, message: str, next_step: str, *, needs_you: bool) -> None:
        """Say it once: the same problem with the same words is no news; with other words it replaces the older."""
        with self._lock:
            before = self._standing.get((code, about))
            if before and (before.message, before.needs_you) == (message, needs_you):
                return
            since = before.since_at if before else clock.now()
            problem = Problem(
                code=code, about=about, owner=self._owner_of(about), message=message, next_step=next_step, needs_you=needs_you,
                since_at=since,
            )  # fmt: skip
            self._standing[code, about] = self.last = problem
        if before is None:
            log.warning("%s; %s", message, next_step)
        self._tell(EventName.PROBLEM_RAISED, problem)

    def clear(self, code: str, about: str) -> None:
        with self._lock:
            problem = self._standing.pop((code, about), None)
        if problem:
            log.info("mended: %s", problem.message)
            self._tell(EventName.PROBLEM_CLEARED, problem)

    def clear_about(self, about: str, *, keep: frozenset[str] = frozenset()) -> None:
        """All problems of that thing but the codes to keep: it works again."""
        with self._lock:
            codes = [code for code, its in self._standing if its == about and code not in keep]
        for code in codes:
            self.clear(code, about)

    def standing(self) -> list[Problem]:
        """Those that need a person first, then in the order in which they were raised, whatever the clock did meanwhile."""
        with self._lock:
            return sorted(self._standing.values(), key=lambda problem: not problem.needs_you)

    def _tell(self, what: EventName, problem: Problem) -> None:
        for listener in self._listeners:
            listener(what, problem)
