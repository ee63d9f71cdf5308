"""What the appliance publishes, on the event loop: pages look at it and are told of changes."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from mqtt.client import Broker
from mqtt.matching import matches
from mqtt.topics import Topics

log = logging.getLogger("panel.live")
ALWAYS = (
    "availability", "appliance/state", "appliance/hardware", "appliance/settings", "connection/+/state", "transfer/+/state",
    "frontpanel/state", "event",
)  # fmt: skip
_STREAMS = frozenset({"event", "log"})
_LOOK_EVERY_S = 0.5
_PAUSE_S = 0.25
_LONGEST_STREAM = 1000

Told = Callable[[], None]
Took = Callable[[list[Any]], None]


class Live:
    """All but ``took`` from the network is on the event loop. ``away``: why what is known may be old; none while all is well.

    A follower is told at most every quarter of a second, so that a burst of messages costs a page one update.
    """

    def __init__(self, broker: Broker, topics: Topics) -> None:
        self._broker = broker
        self._topics = topics
        self._messages: dict[str, Any] = {}
        self._arrived: deque[tuple[str, Any]] = deque()
        self._followers: set[Following] = set()
        self._wanted: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scheduled = False
        self._watching: asyncio.Task[None] | None = None
        self.away: str | None = "starting"

    def start(self) -> None:
        """On the event loop; before the broker is started."""
        self._loop = asyncio.get_running_loop()
        for name in ALWAYS:
            self._broker.subscribe(self._topics(name), self._take)
        self._watching = self._loop.create_task(self._watch())

    def stop(self) -> None:
        if self._watching:
            self._watching.cancel()

    # For pages

    @property
    def online(self) -> bool:
        return self.away is None

    @property
    def upgrading(self) -> str | None:
        """In words: an upgrade is being tested, and meanwhile nothing may be acknowledged; None: there is none."""
        state = self.get("appliance/state")
        tested = isinstance(state, dict) and state.get("status") == "starting"
        return str(state.get("status_reason")) if tested else None

    @property
    def in_safe_mode(self) -> bool:
        """After repeated crashes nothing is taken in or moved until an admin ends that."""
        state = self.get("appliance/state")
        return isinstance(state, dict) and any(problem["code"] == "safe_mode" for problem in state.get("problems", []))

    def get(self, name: str) -> Any:
        """The last payload of the topic below the base; None where nothing is known."""
        return self._messages.get(name)

    def below(self, prefix: str) -> dict[str, Any]:
        """All payloads whose names begin so."""
        return {name: payload for name, payload in self._messages.items() if name.startswith(prefix)}

    def follow(self, names: Iterable[str], told: Told) -> Following:
        """``told()`` after a change of any of these; ``+`` as in MQTT. ``away`` is the name for what the property of that name says."""
        return self._add(Following(self, names, told=told))

    def stream(self, name: str, took: Took) -> Following:
        """``took(payloads)`` with what came since the last time, the newest 1,000 at the most."""
        return self._add(Following(self, [name], took=took))

    def _add(self, following: Following) -> Following:
        self._followers.add(following)
        for name in following.names:
            self._want(name)
        return following

    def drop(self, following: Following) -> None:
        """Safe to repeat."""
        if following in self._followers:
            self._followers.remove(following)
            for name in following.names:
                self._unwant(name)

    def _want(self, name: str) -> None:
        if name in ALWAYS or name == "away" or any(matches(one.split("/"), name.split("/")) for one in ALWAYS):
            return
        self._wanted[name] = self._wanted.get(name, 0) + 1
        if self._wanted[name] == 1:
            self._broker.subscribe(self._topics(name), self._take)

    def _unwant(self, name: str) -> None:
        left = self._wanted.get(name, 0) - 1
        if left > 0:
            self._wanted[name] = left
        elif self._wanted.pop(name, None):
            self._broker.unsubscribe(self._topics(name), self._take)
            self._forget(name)

    def _forget(self, name: str) -> None:
        """What nobody is told of any more is not known any more."""
        for known in [one for one in self._messages if matches(name.split("/"), one.split("/"))]:
            if not any(matches(other.split("/"), known.split("/")) for other in self._wanted):
                self._messages.pop(known)

    # From the network's thread to the loop

    def _take(self, topic: str, payload: bytes, _retained: bool) -> None:
        name = self._topics.below(topic)
        if name is None or self._loop is None:
            return
        self._arrived.append((name, _parsed(payload)))
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon_threadsafe(self._hand_over)

    def _hand_over(self) -> None:
        self._scheduled = False
        while self._arrived:
            name, content = self._arrived.popleft()
            if name not in _STREAMS:
                self._keep(name, content)
            self._tell(name, content)
        self._look()

    def _keep(self, name: str, content: Any) -> None:
        """What was still on its way when the last page that showed it was closed is nobody's."""
        self._messages.pop(name, None)
        if content is not None and self._is_wanted(name):
            self._messages[name] = content

    def _is_wanted(self, name: str) -> bool:
        return name in self._wanted or any(matches(one.split("/"), name.split("/")) for one in (*ALWAYS, *self._wanted))

    def _tell(self, name: str, content: Any) -> None:
        for following in self._followers:
            following.heard(name, content)

    async def _watch(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(_LOOK_EVERY_S)

    def _look(self) -> None:
        away = self._why_away()
        if away != self.away:
            self.away = away
            log.info("%s", f"away: {away}" if away else "the appliance is online")
            self._tell("away", away)

    def _why_away(self) -> str | None:
        if not self._broker.connected:
            return "broker"
        return None if self._messages.get("availability") == "online" else "appliance"


class Following:
    """One listener. It lives until ``end``; who shows something ends it with the page."""

    def __init__(self, live: Live, names: Iterable[str], *, told: Told | None = None, took: Took | None = None) -> None:
        self.names = tuple(names)
        self._levels = [name.split("/") for name in self.names]
        self._live = live
        self._told = told
        self._took = took
        self._waiting: deque[Any] = deque(maxlen=_LONGEST_STREAM)
        self._timer: asyncio.TimerHandle | None = None
        self._next_s = 0.0
        self._ended = False

    def heard(self, name: str, content: Any) -> None:
        parts = name.split("/")
        if not any(matches(levels, parts) for levels in self._levels):
            return
        if self._took:
            self._waiting.append(content)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._next_s), self._call)

    def _call(self) -> None:
        self._timer = None
        if self._ended:
            return
        self._next_s = asyncio.get_running_loop().time() + _PAUSE_S
        taken = list(self._waiting)
        self._waiting.clear()
        try:
            if self._took:
                self._took(taken)
            elif self._told:
                self._told()
        except Exception:
            log.exception("a page could not show a change of %s", ", ".join(self.names)[:200])

    def end(self) -> None:
        self._ended = True
        if self._timer:
            self._timer.cancel()
        self._live.drop(self)


def _parsed(payload: bytes) -> Any:
    if not payload:
        return None
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload.decode(errors="replace")
