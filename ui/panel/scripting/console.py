"""The output of one run: what was written before, what comes as it is written, and how it ended. The drawing is ``static/scripts.js``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from nicegui import ui
from nicegui.element import Element

from ui.panel import here, parts
from ui.panel.live import Following
from ui.panel.refresh import Refresh
from ui.panel.scripting import words
from ui.panel.scripting.joining import Joining, Line
from ui.words import count

MOST_LINES = 2000
_PAGE_LINES, _MOST_PAGES = 1000, 12
_LONGEST_LINE = 4000
_CATCH_UP_S = 0.5
Run = dict[str, Any]


class Console:
    """``show(run_id)`` turns it to a run. ``ended()`` is called when a run that was watched has ended."""

    def __init__(self, ended: Callable[[], object] | None = None, *, nothing: str = "What you run shows its output here.") -> None:
        self._ended = ended
        self._run: Run | None = None
        self._joining = Joining()
        self._followed: list[Following] = []
        self._build(nothing)
        self._pull = Refresh(self._ask, self._take_page, _CATCH_UP_S)

    def _build(self, nothing: str) -> None:
        with ui.element("div").classes("pa-console") as self.element:
            with parts.row().classes("pa-between"):
                with parts.row().props('role="status"'):
                    self._title = parts.text("").classes("pa-strong")
                    self._state = parts.pill("", "mute")
                    self._ending = parts.text("").classes("pa-muted pa-small")
                self._stop = parts.action("Stop", self._kill, icon="stop", kind="danger")
            self._skipped = parts.text("", "p").classes("pa-muted pa-small")
            self._screen = Element("pa-console")
            self._nothing = parts.text(nothing, "p").classes("pa-muted")
        self._show_run()

    @property
    def run_id(self) -> str | None:
        return self._run["run_id"] if self._run else None

    @property
    def running(self) -> bool:
        return self._run is not None and self._run["state"] in words.UNFINISHED

    async def show(self, run_id: str) -> None:
        """Raises Failed where the run is not known."""
        self._leave()
        found = await here.ask("script/output", run_id=run_id, limit=1)
        self._joining = Joining()
        self._run = found["run"]
        self._screen_does("clear")
        self._show_run()
        if self.running:
            self._followed = [here.stream(f"script/{run_id}/output", self._live), here.follow([f"script/{run_id}/state"], self._changed)]
        await self._pull.now()

    def _leave(self) -> None:
        for following in self._followed:
            following.end()
        self._followed = []

    def _live(self, payloads: list[Any]) -> None:
        lines = [line for payload in payloads if isinstance(payload, dict) for line in payload["lines"]]
        fresh = self._joining.live(lines)
        if fresh is None:
            self._pull.soon()
        else:
            self._print(fresh)

    def _changed(self) -> None:
        state = here.live().get(f"script/{self.run_id}/state")
        if state and self._run and self.running:
            self._run |= {
                name: state[name] for name in ("state", "exit_status", "reason", "started_at", "ended_at", "lines", "dropped_lines")
            }
            self._show_run()
            if not self.running:
                self._over()

    def _over(self) -> None:
        self._pull.soon()
        if self._ended:
            self._ended()

    async def _ask(self) -> list[dict[str, Any]]:
        """What is missing, as pages of the answer: the newest lines where there are more than can be shown."""
        pages: list[dict[str, Any]] = []
        at = self._joining.next
        for _ in range(_MOST_PAGES):
            page = await here.ask("script/output", run_id=self.run_id, from_sequence=at, limit=_PAGE_LINES)
            ahead = page["run"]["lines"] - MOST_LINES
            if ahead > at + len(page["lines"]):  # it wrote more than is shown: the rest of these would be dropped at once
                pages, at = [], ahead
                continue
            pages.append(page)
            if not page["more"] or not page["lines"]:
                break
            at = page["lines"][-1]["sequence"] + 1
        return pages

    def _take_page(self, pages: list[dict[str, Any]]) -> None:
        for page in pages:
            if self._run is None or page["run"]["run_id"] != self.run_id:
                return
            was_running = self.running
            self._run = page["run"]
            self._print(self._joining.asked(page["lines"], page["first_kept"]))
            self._show_run()
            if was_running and not self.running and self._followed:
                self._over()
        if self._run and not self.running and self._joining.next >= self._run["lines"]:
            self._leave()

    def _print(self, lines: list[Line]) -> None:
        if lines:
            shown = lines[-MOST_LINES:]
            self._screen_does("print", [[line["stream"] == "stderr", _shortened(line["text"])] for line in shown])
        left_out = self._joining.skipped
        self._skipped.set(f"{left_out:,} lines before or between these are not shown here." if left_out else "")

    def _screen_does(self, what: str, given: object = None) -> None:
        ui.run_javascript(f"window.pyarchive.console({self._screen.html_id!r}, {what!r}, {json.dumps(given)})")

    def _show_run(self) -> None:
        run = self._run
        for element in (self._title, self._state, self._ending, self._screen):
            element.set_visibility(run is not None)
        self._nothing.set_visibility(run is None)
        self._stop.set_visibility(self.running)
        if run is not None:
            self._title.set(run["title"])
            self._state.show(*words.state(run))
            dropped = f"{count(run['dropped_lines'], 'line')} beyond the limit of output" if run["dropped_lines"] else ""
            self._ending.set(" · ".join(one for one in (words.ending(run), words.took(run), dropped) if one))

    async def _kill(self) -> None:
        self._state.show("is being stopped", "warn")
        await here.ask("script/kill", run_id=self.run_id)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}… ({len(text) - _LONGEST_LINE:,} more characters)"
