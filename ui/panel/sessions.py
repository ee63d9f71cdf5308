"""From a cookie to a person. The appliance decides; what it said is remembered for a few seconds."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass

from ui.errors import Failed, Silent
from ui.panel.appliance import Appliance
from ui.panel.person import Person

COOKIE = "pyarchive_session"
_FRESH_S = 5.0
_AWAY_S = 600.0
_MOST = 1000
_LONGEST_TOKEN = 256


@dataclass(slots=True)
class _Known:
    person: Person
    asked_s: float


class Sessions:
    """While the appliance is away, who was known to it in the last ten minutes stays signed in: nothing can be changed meanwhile anyhow."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Person | None]] = {}

    async def of(self, token: str | None, *, fresh: bool = False) -> Person | None:
        """None: not signed in. ``fresh``: asked anew. Raises Silent where that cannot be known now."""
        if not token or len(token) > _LONGEST_TOKEN or not token.isascii():
            return None
        known = self._known.get(token)
        if known and not fresh and time.monotonic() - known.asked_s < _FRESH_S:
            return known.person
        if token not in self._asking:
            task = self._asking[token] = asyncio.create_task(self._ask(token))
            task.add_done_callback(lambda _: self._asking.pop(token, None))
        return await asyncio.shield(self._asking[token])

    async def _ask(self, token: str) -> Person | None:
        nobody = Person(name="", display_name="", role="", session=token)
        try:
            user = (await self._appliance.ask("user/me", nobody, timeout_s=5.0))["user"]
        except Silent:
            known = self._known.get(token)
            if known and time.monotonic() - known.asked_s < _AWAY_S:
                return known.person
            raise
        except Failed:
            self.forget(token)
            return None
        person = Person(name=user["name"], display_name=user["display_name"] or user["name"], role=user["role"], session=token)
        self._keep(token, person)
        return person

    def _keep(self, token: str, person: Person) -> None:
        self._known[token] = _Known(person, time.monotonic())
        self._known.move_to_end(token)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)

    def forget(self, token: str) -> None:
        self._known.pop(token, None)
