"""The appliance's log: asked by text, level, source, archive and time; new lines arrive by themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from nicegui import ui
from nicegui.element import Element

from ui.panel import here, parts
from ui.panel.frame import page
from ui.panel.parts.basics import Tone

_LEVELS = {"debug": "Everything", "info": "Information and up", "warning": "Warnings and errors", "error": "Errors only"}
_RANK = {level: rank for rank, level in enumerate(_LEVELS)}
_TONES: dict[str, Tone] = {"debug": "mute", "info": "mute", "warning": "warn", "error": "bad"}
_WORDS = {"debug": "detail", "info": "info", "warning": "warning", "error": "error"}
_SPANS = {0: "Any time", 1: "Last hour", 24: "Last day", 168: "Last week"}
_COUNTS = (50, 100, 200, 500)
_MOST_ROWS = 1000


@dataclass(kw_only=True)
class Query:
    """What is asked for. ``hours``: since then; 0 for any time."""

    text: str = ""
    level: str = "info"
    source: str = ""
    archive_id: str = ""
    hours: int = 0
    lines: int = 100
    shown: int = field(default=0)

    def parameters(self) -> dict[str, Any]:
        since = (datetime.now(UTC) - timedelta(hours=self.hours)).isoformat() if self.hours else None
        return {
            "text": self.text or None, "level": self.level, "source": self.source or None, "archive_id": self.archive_id or None,
            "since_at": since, "limit": self.lines, "offset": self.shown or None,
        }  # fmt: skip

    @property
    def download(self) -> str:
        """The address of a text file with what is asked for."""
        asked = self.parameters() | {"limit": None, "offset": None, "lines": self.lines}
        return "/log/download?" + urlencode({name: value for name, value in asked.items() if value is not None})

    def means(self, line: dict[str, Any]) -> bool:
        """Whether a line that just came would be found by it."""
        return (
            _RANK[line["level"]] >= _RANK[self.level]
            and self.text.casefold() in line["message"].casefold()
            and (not self.source or line["source"] == self.source)
            and (not self.archive_id or line["archive_id"] == self.archive_id)
        )


@page("/log", title="Log", admin=True)
async def log_page() -> None:
    given = ui.context.client.request.query_params
    query = Query(text=given.get("text", ""), archive_id=given.get("archive", ""), source=given.get("source", ""))
    view = LogView(query)
    here.stream("log", view.arrived)  # first: a line between the answer and the stream would be missing
    await view.load()


class LogView:
    """Filters on top, lines below, the newest first."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._live = True
        self._newest_at = ""
        with parts.card():
            self._filters()
        with parts.card():
            with parts.row().classes("pa-between"):
                self._count = parts.text("").classes("pa-muted pa-small").props('role="status"')
                self._download = parts.link("Download these lines", query.download)
                ui.switch("New lines appear by themselves", value=True, on_change=lambda event: setattr(self, "_live", event.value))
            self._rows = ui.element("ol").classes("pa-log")
            self._older = parts.action("Older lines", self.load_older, kind="quiet")

    def _filters(self) -> None:
        query = self._query
        with ui.element("div").classes("pa-filters"):
            ui.input("Text", value=query.text, on_change=self._changed("text")).props("outlined dense clearable debounce=300")
            ui.select(_LEVELS, label="Level", value=query.level, on_change=self._changed("level")).props("outlined dense")
            ui.select(_SPANS, label="Time", value=query.hours, on_change=self._changed("hours")).props("outlined dense")
            ui.input("Source", value=query.source, on_change=self._changed("source")).props("outlined dense clearable debounce=300")
            ui.input("Archive id", value=query.archive_id, on_change=self._changed("archive_id")).props(
                "outlined dense clearable debounce=300"
            )
            ui.select(list(_COUNTS), label="Lines", value=query.lines, on_change=self._changed("lines")).props("outlined dense")

    def _changed(self, name: str) -> Any:
        async def changed(event: Any) -> None:
            setattr(self._query, name, event.value if event.value is not None else "")
            await parts.said(self.load)

        return changed

    async def load(self) -> None:
        """The newest that match. Raises Failed."""
        self._query.shown = 0
        self._download.lead_to(self._query.download)
        found = await here.ask("log/query", **self._query.parameters())
        self._newest_at = max((line["at"] for line in found["lines"]), default="")
        self._rows.clear()
        self._append(found)
        if not found["lines"]:
            with self._rows:
                parts.empty("article", "No line matches", "Ask for another text, a lower level or a longer time.")

    async def load_older(self) -> None:
        self._append(await here.ask("log/query", **self._query.parameters()))

    def _append(self, found: dict[str, Any]) -> None:
        with self._rows:
            for line in reversed(found["lines"]):
                _row(line)
        self._query.shown += len(found["lines"])
        self._older.set_visibility(bool(found["more"]) and self._query.shown < _MOST_ROWS)
        self._say_count()

    def arrived(self, lines: list[Any]) -> None:
        """From the live stream; what does not match is left out."""
        fresh = [line for line in lines if isinstance(line, dict) and self._is_new(line)]
        if not self._live or not fresh:
            return
        if not self._query.shown:
            self._rows.clear()
        for line in fresh:
            with self._rows:
                row = _row(line)
            row.move(self._rows, target_index=0)
        self._query.shown += len(fresh)
        self._drop_oldest()
        self._say_count()

    def _is_new(self, line: dict[str, Any]) -> bool:
        """Not among those that the appliance has just answered with."""
        return bool(line["at"] > self._newest_at) and self._query.means(line)

    def _drop_oldest(self) -> None:
        rows = list(self._rows.default_slot.children)
        for row in rows[_MOST_ROWS:]:
            row.delete()
        self._query.shown = min(self._query.shown, _MOST_ROWS)

    def _say_count(self) -> None:
        self._count.set(f"{self._query.shown} lines, the newest first")


def _row(line: dict[str, Any]) -> Element:
    with ui.element("li").classes("pa-log-line") as row:
        parts.when(line["at"], "moment").classes("pa-small pa-muted")
        parts.pill(_WORDS[line["level"]], _TONES[line["level"]])
        parts.text(line["source"]).classes("pa-small pa-muted")
        parts.text(line["message"]).classes("pa-log-message")
        if line.get("archive_id"):
            parts.link("archive", f"/archives/{line['archive_id']}").classes("pa-small")
    return row
