"""Problems that need a person and stand in the way of what a command waits for."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from ui.errors import Failed
from ui.mirror import Mirror
from ui.words import clean

# A problem that was just mended may still be in the last message.
_STANDS_AFTER_S = 2.0
# What the appliance's problems with its own disk are about, besides a file on its way in.
STORE = ("store", "transfer-store")
_NO_CONNECTION = {
    "code": "no_connection",
    "about": "",
    "message": "no connection is active",
    "next_step": "`pyarchive connection add`, then validate and activate it",
    "needs_you": True,
}


class Hindrance:
    """Looks at ``appliance/state``, while the appliance is online."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._since: dict[tuple[str, str], float] = {}
        mirror.follow("availability", "appliance/state")

    def check(self, what_waits: str, about: Collection[str], connections: Collection[str] = ()) -> None:
        """Raises Failed where a problem about one of ``about``, or problems about all of ``connections``, need a person.

        Only what goes on standing for two seconds counts.
        """
        state = self._state()
        if state is None:
            self._since.clear()
        else:
            self._judge(what_waits, _in_the_way(_for_a_person(state), about, connections))

    def check_upload(self, what_waits: str, archive_id: str) -> None:
        """Like check, for an archive on its way to the active connection; that there is none is a hindrance too."""
        state = self._state()
        active = state.get("active_connection") if state else None
        if state is not None and not active:
            self._judge(what_waits, [*_in_the_way(_for_a_person(state), {archive_id}, ()), _NO_CONNECTION])
        else:
            self.check(what_waits, {archive_id, *STORE}, {active["id"]} if active else ())

    def _judge(self, what_waits: str, hindrances: list[dict[str, Any]]) -> None:
        now_s = time.monotonic()
        names = {(problem["code"], problem["about"]): problem for problem in hindrances}
        self._since = {name: self._since.get(name, now_s) for name in names}
        for name, problem in names.items():
            if now_s - self._since[name] >= _STANDS_AFTER_S:
                raise Failed(f"{what_waits}: {clean(problem['message'])}; {clean(problem['next_step'])}", str(problem["code"]))

    def _state(self) -> dict[str, Any] | None:
        state = self._mirror.get("appliance/state") if self._mirror.online else None
        return state if isinstance(state, dict) else None


def _for_a_person(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [problem for problem in state.get("problems", []) if problem["needs_you"]]


def _in_the_way(problems: list[dict[str, Any]], about: Collection[str], connections: Collection[str]) -> list[dict[str, Any]]:
    """Of connections, one that works suffices."""
    hindered = {problem["about"] for problem in problems}
    named = set(about) | (set(connections) if set(connections) <= hindered else set())
    return [problem for problem in problems if problem["about"] in named]
