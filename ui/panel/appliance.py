"""Requests to the appliance, without blocking a page."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from mqtt.requests import NoAnswer, Requester, RequestFailed
from ui.errors import Failed, Silent
from ui.panel.live import Live
from ui.panel.person import Person

_AT_ONCE = 32
_AWAY = {
    "starting": "the panel is just starting; try again in a moment",
    "broker": "the message broker is not there; the panel connects again by itself, try again when the banner is gone",
    "appliance": "the appliance is not there; the panel goes on by itself when it is back, try again then",
}


class Appliance:
    """``ask`` is for the event loop; as many requests as there are threads are on their way at once, others wait for their turn."""

    def __init__(self, requester: Requester, live: Live) -> None:
        self._requester = requester
        self._live = live
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="ask")
        self._turn: Future[None] | None = None

    async def ask(self, verb: str, person: Person | None, *, timeout_s: float = 15.0, **parameters: Any) -> Any:
        """The answer's data; parameters that are None are left out.

        Raises Failed with the appliance's words and code; Silent at once while broker or appliance is away, or without an answer in time.
        """
        if self._live.away:
            raise Silent(_AWAY[self._live.away], "away")
        given = {name: value for name, value in parameters.items() if value is not None}
        if person:
            given["session"] = person.session
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, verb, given, timeout_s)

    def _ask(self, verb: str, given: dict[str, Any], timeout_s: float) -> Any:
        try:
            return self._requester.request(verb, given, timeout_s)
        except RequestFailed as error:
            if error.code == "upgrading":
                raise Silent(error.message, "away") from error
            raise Failed(error.message, error.code) from error
        except NoAnswer as error:
            raise Silent(str(error), "away") from error

    def answers(self) -> bool:
        """Whether what was asked for at the last call has had its turn by now: each request ends in time, so it must have."""
        if self._turn is not None and not self._turn.done():
            return False
        self._turn = self._threads.submit(lambda: None)
        return True

    def stop(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
