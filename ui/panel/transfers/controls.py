"""Pause, metered line, try now: what steers all transfers, and what is in force."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from ui.panel import here, parts
from ui.words import rate


def sync_button(kind: parts.Kind = "plain") -> None:
    """For everybody: it ends waits, not a pause."""
    parts.action("Sync now", lambda: here.ask("transfer/sync"), icon="refresh", kind=kind, done="Everything that waits is tried now.")


class PauseButton:
    """For admins. Its words follow what is so."""

    def __init__(self, kind: parts.Kind = "plain") -> None:
        self._button = parts.action("Pause", self._toggle, icon="pause", kind=kind).classes("pa-pause")
        self._paused = False

    async def _toggle(self) -> None:
        await here.ask("transfer/resume" if self._paused else "transfer/pause")

    def show(self, state: dict[str, Any]) -> None:
        if state["paused"] != self._paused:
            self._paused = state["paused"]
            self._button.set_text("Resume" if self._paused else "Pause")
            self._button.props(f"icon={'play_arrow' if self._paused else 'pause'}")


class MeteredSwitch:
    """For admins: the line costs money."""

    def __init__(self) -> None:
        self._switch = ui.switch("The line costs money (metered)", on_change=self._changed).classes("pa-switch")
        self._said = False

    async def _changed(self, event: ValueChangeEventArguments[Any]) -> None:
        if event.value == self._said:
            return
        if not await parts.said(lambda: here.ask("settings/set", name="metered", value=event.value)):
            self._switch.value = self._said

    def show(self, state: dict[str, Any]) -> None:
        if state["metered"] != self._said:
            self._said = state["metered"]
            self._switch.value = self._said


class InForce:
    """What timetable, limit, metered mode and pause allow now, and until when."""

    def __init__(self) -> None:
        with ui.element("div").classes("pa-in-force").props('role="status"'):
            self._pill = parts.pill("…", "mute")
            with ui.element("p").classes("pa-in-force-words"):
                self._words = parts.prose("", "span")
                self._until = parts.when(None, "by", none="")

    def show(self, state: dict[str, Any]) -> None:
        self._pill.show(*_pill(state))
        window = state["upload_window"]
        until = None if state["paused"] else window["until_at"]
        self._words.show(f"{_words(state).rstrip('.')}, until" if until else _words(state))
        self._until.show(until)


def _pill(state: dict[str, Any]) -> tuple[str, parts.Tone]:
    if state["paused"]:
        return "Paused", "wait"
    if not state["upload_window"]["allowed"]:
        return "Uploads wait", "wait"
    return ("Limited", "busy") if state["upload_window"]["limit_kb_per_s"] else ("Full speed", "ok")


def _words(state: dict[str, Any]) -> str:
    window = state["upload_window"]
    if state["paused"]:
        return "Nothing moves until somebody resumes."
    limit = window["limit_kb_per_s"]
    if limit and limit == state["upload_limit_kb_per_s"]:
        return f"The upload limit is {rate(limit * 1000)}."
    if window["reason"]:
        return parts.sentence_of(window["reason"].split(" until ")[0])  # when, is said in the reader's zone
    return "Uploads run as fast as the line allows."
