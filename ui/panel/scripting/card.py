"""One saved script among the others."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from nicegui.element import Element

from ui.panel import parts
from ui.panel.scripting import words
from ui.panel.scripting.running import Stage


class ScriptCard(Element):
    """``show`` puts another state of the same script into it."""

    def __init__(self, stage: Stage) -> None:
        super().__init__("section")
        self.classes("pa-card pa-script")
        self._id = ""
        with self:
            with ui.element("h2").classes("pa-card-title"):
                self._title = parts.link("", "")
            with parts.row() as self._marks:
                self._shipped = parts.pill("comes with PyArchive", "mute")
                self._permission = parts.pill("may change things", "warn")
            self._description = parts.text("", "p").classes("pa-muted")
            with ui.element("dl").classes("pa-facts"):
                parts.text("Last run", "dt").classes("pa-muted pa-small")
                with ui.element("dd"), parts.row():
                    self._state = parts.pill("", "mute")
                    self._last = parts.when(None)
                parts.text("Next run", "dt").classes("pa-muted pa-small")
                with ui.element("dd"):
                    self._next = parts.when(None, "by", none="not planned")
            self._run = parts.action("Run", lambda: stage.run(self._id), icon="play_arrow")

    def show(self, script: dict[str, Any]) -> None:
        self._id = script["id"]
        self._title.set(script["title"])
        self._title.lead_to(f"/scripts/{script['id']}")
        self._run.props["aria-label"] = f"Run {script['title']}"
        self._shipped.set_visibility(script["shipped"])
        self._permission.set_visibility(script["permission"] == "change")
        self._marks.set_visibility(script["shipped"] or script["permission"] == "change")
        self._description.set(script["description"])
        self._show_times(script["last_run"], script["next_run_at"])

    def _show_times(self, last: dict[str, Any] | None, next_at: str | None) -> None:
        self._state.set_visibility(last is not None)
        if last:
            self._state.show(*words.state(last))
        self._last.show(last["ended_at"] or last["asked_at"] if last else None)
        self._next.show(next_at)
