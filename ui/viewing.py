"""Shows the live state until told to stop: drawn on a terminal, in calm lines elsewhere."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from ui import output
from ui.headline import event_line, plain_line, problem_line
from ui.mirror import Mirror
from ui.words import clean

FOLLOWED = ("availability", "appliance/state", "transfer/+/state", "frontpanel/state", "event")
_LINE_EVERY_S = 10.0
_REDRAW_S = 1.0
_STARTING_S = 5.0
_SHOWN_EVENTS = frozenset({"archive_created", "archive_remote", "archive_restored", "archive_released", "archive_removed"})


class Viewing:
    """``say`` puts a line beside the view from any thread; ``run`` blocks until ``stop`` is set or ``tick`` wants to end."""

    def __init__(self, mirror: Mirror, stop: threading.Event) -> None:
        self._mirror = mirror
        self._stop = stop
        self._lines: queue.Queue[str] = queue.Queue()
        mirror.on_message(self._take)
        mirror.follow(*FOLLOWED)

    def say(self, line: str) -> None:
        self._lines.put(line)

    def run(self, timeout_s: float | None = None) -> None:
        """Until stopped, or for timeout_s."""
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        view = _drawn if output.is_terminal(sys.stdout) else _plain
        view(self._mirror, self._pending, lambda: self._stop.is_set() or (deadline_s is not None and time.monotonic() >= deadline_s))

    def _take(self, name: str, payload: Any) -> None:
        if name == "event" and isinstance(payload, dict) and payload.get("event") in _SHOWN_EVENTS:
            self.say(event_line(payload))

    def _pending(self) -> list[str]:
        lines = []
        while not self._lines.empty():
            lines.append(self._lines.get())
        return lines


Pending = Callable[[], list[str]]
Over = Callable[[], bool]


def _drawn(mirror: Mirror, pending: Pending, over: Over) -> None:
    from rich.console import Console  # noqa: PLC0415 - only on a terminal: importing it takes longer than all the rest
    from rich.live import Live  # noqa: PLC0415 - as above

    from ui.live import draw  # noqa: PLC0415 - as above

    console = Console(highlight=False)
    with Live(draw(mirror), console=console, auto_refresh=False) as live:
        while not over():
            seen = mirror.version
            for line in pending():
                console.print(f"{_clock()} {line}", markup=False)
            live.update(draw(mirror), refresh=True)
            mirror.wait_for_change(seen, _REDRAW_S)
            threading.Event().wait(0.1)  # several messages that come together are one drawing


def _plain(mirror: Mirror, pending: Pending, over: Over) -> None:
    lines = PlainLines(mirror)
    while not over():
        seen = mirror.version
        for line in [*pending(), *lines.news()]:
            output.say(f"{_clock()} {line}")
        mirror.wait_for_change(seen, _REDRAW_S)


class PlainLines:
    """What is worth a line: a change of status, a problem raised or mended; progress every ten seconds."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._said_line, self._said_key, self._said_s = "", "", 0.0
        self._began_s, self._was_online = time.monotonic(), False
        self._problems: dict[tuple[str, str], str] = {}

    def news(self) -> list[str]:
        state = self._mirror.get("appliance/state")
        self._was_online = self._was_online or self._mirror.online
        if not isinstance(state, dict) or self._is_starting():
            return []
        return [*self._status(state), *self._changed_problems(state)]

    def _is_starting(self) -> bool:
        """What an appliance said before it is online is no news, unless it stays away."""
        return not self._was_online and time.monotonic() - self._began_s < _STARTING_S

    def _status(self, state: dict[str, Any]) -> list[str]:
        online = self._mirror.online
        line, key = plain_line(state, online=online), f"{online} {state['status']} {state['counts']}"
        due = time.monotonic() - self._said_s >= _LINE_EVERY_S
        if line == self._said_line or (key == self._said_key and not due):
            return []
        self._said_line, self._said_key, self._said_s = line, key, time.monotonic()
        return [line]

    def _changed_problems(self, state: dict[str, Any]) -> list[str]:
        standing = {(problem["code"], problem["about"]): problem_line(problem) for problem in state["problems"]}
        words = {(problem["code"], problem["about"]): problem["message"] for problem in state["problems"]}
        news = [line for name, line in standing.items() if self._problems.get(name) != words[name]]
        mended = [f"mended: {message}" for name, message in self._problems.items() if name not in words]
        self._problems = words
        return news + [clean(line) for line in mended]


def _clock() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")
