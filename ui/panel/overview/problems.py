"""What stands in the way, on top: cause, next step, and the button that solves it."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from nicegui.element import Element

from ui.panel import here, parts, visible
from ui.panel.overview.remedies import Remedy, remedies
from ui.panel.parts.keyed import Keyed

_NO_CONNECTION: dict[str, Any] = {
    "code": "no_connection", "about": "connections", "message": "nothing is carried anywhere: no connection is active",
    "next_step": "connect Google Drive or a disk, then activate it", "needs_you": False, "since_at": None,
}  # fmt: skip
_CONNECT = Remedy(label="Add a connection", icon="add_link", target="/connections")


class Problems:
    """A list that is not there while there is none."""

    def __init__(self) -> None:
        self._area = ui.element("ul").classes("pa-problems").props('aria-label="Problems"')
        self._lines: Keyed[dict[str, Any]] = Keyed(self._area, _Line)

    def show(self, problems: list[dict[str, Any]]) -> None:
        self._lines.show({(one["code"], one["about"]): one for one in problems})
        self._area.set_visibility(bool(problems))


def those_of(state: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Of the person of this page; that nothing is connected is one, as soon as something is kept."""
    if not state:
        return []
    stand = visible.problems(here.person(), state)
    return [*stand, _NO_CONNECTION] if here.person().admin and _is_unconnected(state, stand) else stand


def _is_unconnected(state: dict[str, Any], stand: list[dict[str, Any]]) -> bool:
    return not state["active_connection"] and bool(state["counts"]["archives"]) and not any(one["code"] == "adopting" for one in stand)


class _Line(Element):
    def __init__(self) -> None:
        super().__init__("li")
        self.classes("pa-problem")
        self._shown: tuple[str, str] | None = None
        with self:
            self._icon = ui.icon("error").classes("pa-icon").props('aria-hidden="true"')
            with ui.element("div").classes("pa-problem-words"):
                self._message = parts.prose("").classes("pa-strong")
                self._step = parts.prose("").classes("pa-small")
                with ui.element("p").classes("pa-small pa-muted") as self._since:
                    parts.text("Since ")
                    self._at = parts.when(None)
            self._buttons = ui.element("div").classes("pa-problem-buttons")

    def show(self, problem: dict[str, Any]) -> None:
        serious = problem["needs_you"]
        tone = "bad" if serious else "warn"
        if self.props.get("data-tone") != tone:
            self.props["data-tone"] = tone
            self._icon.name = "error" if serious else "warning"
            self.update()
        self._message.show(parts.sentence_of(problem["message"]))
        self._step.show(parts.sentence_of(problem["next_step"]))
        self._at.show(problem["since_at"])
        self._since.set_visibility(bool(problem["since_at"]))
        self._offer(problem)

    def _offer(self, problem: dict[str, Any]) -> None:
        names = (problem["code"], problem["about"])
        if self._shown != names and here.person().admin:
            self._shown = names
            with self._buttons:
                for number, remedy in enumerate([_CONNECT] if problem is _NO_CONNECTION else remedies(problem)):
                    _button(remedy, "plain" if number else "main")


def _button(remedy: Remedy, kind: parts.Kind) -> None:
    if remedy.target:
        parts.go(remedy.label, remedy.target, icon=remedy.icon, kind=kind)
    else:
        parts.action(
            remedy.label, lambda: here.ask(remedy.verb, **remedy.parameters), icon=remedy.icon, kind=kind, done=remedy.done
        )  # fmt: skip
