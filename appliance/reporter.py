"""Changes of state become messages: news at once, progress calmly, at most two a second on a topic, the last value always."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from itertools import islice
from typing import Protocol

from appliance import clock, news
from appliance.dirt import Dirt
from appliance.event_feed import EventFeed
from appliance.liveness import Liveness
from appliance.log_feed import LogFeed
from appliance.pacing import Budget, Pacer, Report
from appliance.states import States
from appliance.views import View
from mqtt.messages import OFFLINE, ONLINE, Event, FrontPanelState, HardwareState, LogLine
from mqtt.topics import Topics

log = logging.getLogger("reporter")
_TICK_S, _EVERY_S = 0.5, 10.0
_WITHIN_S = 120.0
_SLICE_S = 0.05
_BETWEEN_BATCHES_S = 1.0
_ARCHIVES_BUDGET = 10, 3.0
"""Of archives' progress, and of what they wait for: at once, and a second. A pause may concern ten thousand."""
_MOST_SLOTS = 16
_APPLIANCE, _SETTINGS, _FRONT_PANEL, _HARDWARE = "appliance/state", "appliance/settings", "frontpanel/state", "appliance/hardware"


class Outgoing(Protocol):
    """What the reporter needs of the broker's client."""

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None: ...
    def clear(self, topic: str) -> None: ...


class Reporter:
    """One thread. The ``…_changed`` methods only note what to look at."""

    def __init__(self, states: States, broker: Outgoing, topics: Topics, liveness: Liveness) -> None:
        self._states = states
        self._broker = broker
        self._topics = topics
        self._liveness = liveness
        self._dirt = Dirt()
        self._pacer = Pacer()
        self._budget = Budget(*_ARCHIVES_BUDGET)
        self._turns: dict[str, None] = {}  # archives that wait for the budget, in their order
        self._due: dict[str, float] = {}  # topics whose value may not go yet, and when it may (monotonic)
        self._seen: dict[str, View] = {}
        self._events = EventFeed(lambda event: self._broker.publish(self._topics("event"), event.payload(), retain=False))
        self._lines = LogFeed(lambda line: self._broker.publish(self._topics("log"), line.payload(), retain=False))
        self._busy_s: dict[int, float] = {}  # when a slot was last seen to move
        self._ticked_s = -_TICK_S
        self._stop = threading.Event()
        self._again = threading.Event()
        self._appliance_again = threading.Event()
        self._on_tick: list[Callable[[], None]] = []
        self._front_panel: Callable[[], FrontPanelState] | None = None
        self._hardware: Callable[[], HardwareState] | None = None
        self._thread = threading.Thread(target=self._work, name="reporter", daemon=True)

    def on_tick(self, look: Callable[[], None]) -> None:
        """``look()`` on the reporter's thread, at most twice a second, before values are published."""
        self._on_tick.append(look)

    def show_front_panel(self, state: Callable[[], FrontPanelState]) -> None:
        """``state()``: what lamp and button do now."""
        self._front_panel = state

    def show_hardware(self, state: Callable[[], HardwareState]) -> None:
        """``state()``: what the computer tells of itself."""
        self._hardware = state

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """The last values go out, then ``offline``."""
        self._stop.set()
        self._dirt.now()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._broker.publish(self._topics.availability, OFFLINE.encode(), retain=True)

    # What others call, from any thread

    def archive_changed(self, archive_id: str) -> None:
        self._dirt.note([_archive(archive_id)], hot=self._is_news(archive_id))

    def connection_changed(self, connection_id: str) -> None:
        self._dirt.note([f"connection/{connection_id}/state"], hot=True)

    def settings_changed(self) -> None:
        self._dirt.note([_SETTINGS], hot=True)

    def front_panel_changed(self) -> None:
        self._dirt.note([_FRONT_PANEL], hot=True)

    def hardware_changed(self) -> None:
        self._dirt.note([_HARDWARE], hot=False)

    def changed(self) -> None:
        """Something that concerns the whole appliance."""
        self._dirt.note(hot=True)

    def may_have_changed(self) -> None:
        """Worth a look, but no hurry."""
        self._dirt.note(hot=False)

    def say_again(self) -> None:
        """The appliance's state, although it has not changed: somebody may believe something else."""
        self._appliance_again.set()
        self._dirt.note(hot=True)

    def event(self, event: Event) -> None:
        if self._events.add(event):
            self.may_have_changed()

    def line(self, line: LogLine) -> None:
        """Of the log."""
        if self._lines.add(line):
            self.may_have_changed()

    def publish_all_again(self) -> None:
        """After a (re)connect the broker may have forgotten everything."""
        self._again.set()
        self._dirt.now()

    def _is_news(self, archive_id: str) -> bool:
        """Not that one batch more is stored. Asked for each batch, so it must cost nothing."""
        view, seen = self._states.library.views.get(archive_id), self._seen.get(archive_id)
        if view is None:
            self._seen.pop(archive_id, None)
            return True
        self._seen[archive_id] = view
        return seen is None or view.differs_from(seen)

    # The thread

    def _work(self) -> None:
        sign = self._liveness.loop("reporter", _WITHIN_S)
        while not self._stop.is_set():
            sign.round()
            try:
                self._round()
            except Exception:
                log.exception("a round of reports failed")
            self._dirt.wait(self._ticked_s + _TICK_S, self._next_look_s())
        self._due = dict.fromkeys(self._due, 0.0)
        self._events.flush_all()
        self._round()

    def _next_look_s(self) -> float:
        """Without anybody's word: while something moves or waits to be published often, else seldom."""
        feeds = [due_s for due_s in (self._events.flush(), self._lines.flush()) if due_s is not None]
        tick_s = self._ticked_s + (_TICK_S if self._states.ways_that_move() else _EVERY_S)
        turn = [self._budget.next_s(clock.monotonic_s())] if self._turns else []
        return min([tick_s, *feeds, *turn, *self._due.values()])

    def _round(self) -> None:
        topics = self._dirt.take()
        everything = self._again.is_set()
        if everything:
            self._again.clear()
            self._pacer.forget()
        try:
            self._publish_what_changed(topics, everything=everything)
        except Exception:
            self._dirt.note(topics, hot=False)
            if everything:  # else nobody would ever say that we are online
                self._again.set()
            raise
        if everything:
            self._broker.publish(self._topics.availability, ONLINE.encode(), retain=True)
            self._note_the_safe()

    def _publish_what_changed(self, topics: list[str], *, everything: bool) -> None:
        now_s, in_full = clock.monotonic_s(), everything or self._stop.is_set()
        if in_full or now_s >= self._ticked_s + _TICK_S:
            self._ticked_s = now_s
            for look in self._on_tick:
                look()
        if self._appliance_again.is_set():
            self._appliance_again.clear()
            self._pacer.forget(_APPLIANCE)
        self._publish(_APPLIANCE, news.of_appliance(self._states.appliance()))
        self._publish_slots(now_s)
        topics = [*(self._everything() if everything else ()), *topics, *self._take_due(now_s), *self._take_turns(now_s)]
        self._publish_topics(list(dict.fromkeys(topics)), math.inf if in_full else clock.monotonic_s() + _SLICE_S)

    def _take_due(self, now_s: float) -> list[str]:
        due = [topic for topic, due_s in self._due.items() if due_s <= now_s]
        for topic in due:
            del self._due[topic]
        return due

    def _take_turns(self, now_s: float) -> list[str]:
        taken = list(islice(self._turns, len(self._turns) if self._stop.is_set() else self._budget.left(now_s)))
        for topic in taken:
            del self._turns[topic]
        return taken

    def _publish_topics(self, topics: list[str], until_s: float) -> None:
        """Many archives at once must not keep the state of the appliance from being told: the rest is for the next round."""
        for number, topic in enumerate(topics):
            self._publish_topic(topic)
            if clock.monotonic_s() > until_s:
                self._dirt.note(topics[number + 1 :], hot=False)
                self._dirt.now()
                return

    def _publish_topic(self, topic: str) -> None:
        kind, _, rest = topic.partition("/")
        name = rest.removesuffix("/state")
        if kind == "archive":
            self._publish(topic, self._of_archive(name))
        elif kind == "connection":
            connection = self._states.connection(name)
            self._publish(topic, news.of_connection(connection) if connection else news.CLEARED)
        elif topic == _SETTINGS:
            self._publish(topic, news.of_settings(self._states.settings.state()))
        elif topic == _FRONT_PANEL and self._front_panel:
            self._publish(topic, news.of_front_panel(self._front_panel()))
        elif topic == _HARDWARE and self._hardware:
            self._publish(topic, news.of_hardware(self._hardware()))

    def _of_archive(self, archive_id: str) -> Report:
        view = self._states.library.views.get(archive_id)
        return news.CLEARED if view is None or view.archive.removed_at else news.of_archive(self._states.archive(view))

    def _everything(self) -> list[str]:
        """But for archives that are safe: ten thousand would hold up `online`, and what the broker still has of them can only say less."""
        states = self._states
        unsafe = [_archive(view.archive.id) for view in states.library.all_views() if not states.is_safe(view)]
        return [
            _SETTINGS,
            _HARDWARE,
            _FRONT_PANEL,
            *(f"connection/{connection.id}/state" for connection in states.connections.all()),
            *unsafe,
        ]

    def _note_the_safe(self) -> None:
        topics = [topic for topic in map(_archive, self._states.library.ids()) if topic not in self._pacer]
        self._dirt.note(topics, hot=False)
        self._dirt.note(hot=True)

    def _publish_slots(self, now_s: float) -> None:
        """What a killed process left of a slot is cleared too. Between two batches a slot is not idle."""
        moving, any_moves = dict(self._states.engine.moving), bool(self._states.ways_that_move())
        for slot in range(_MOST_SLOTS):
            if slot in moving:
                self._busy_s[slot] = now_s
                state = self._states.transfer(moving[slot])
                self._publish(_slot(slot), news.of_transfer(state, self._states.settings.current.transfers) if state else news.CLEARED)
            elif not any_moves or now_s >= self._busy_s.get(slot, -_BETWEEN_BATCHES_S) + _BETWEEN_BATCHES_S:
                self._publish(_slot(slot), news.CLEARED)

    def _publish(self, name: str, report: Report) -> None:
        now_s, due_s = clock.monotonic_s(), self._pacer.due_s(name, report)
        self._due.pop(name, None)
        if due_s is None or not (self._stop.is_set() or self._may_go(name, report, due_s, now_s)):
            return
        self._pacer.sent(name, report, now_s)
        if report.message:
            self._broker.publish(self._topics(name), report.payload, retain=True)
        else:
            self._broker.clear(self._topics(name))

    def _may_go(self, name: str, report: Report, due_s: float, now_s: float) -> bool:
        """Else it is noted when it may."""
        if due_s > now_s:
            self._due[name] = due_s
            return False
        if name.startswith("archive/") and not self._pacer.is_news(name, report) and not self._budget.spend(now_s):
            self._turns[name] = None
            return False
        return True


def _slot(slot: int) -> str:
    return f"transfer/{slot}/state"


def _archive(archive_id: str) -> str:
    return f"archive/{archive_id}/state"
