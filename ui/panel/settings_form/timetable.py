"""The timetable: rules in a list, and the week that comes of them, drawn before it is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nicegui import ui
from nicegui.element import Element

from ui.panel import here, parts
from ui.panel.settings_form.rules import DAYS, NEW, Rule, join, parse

_DAY_WORDS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EFFECTS = {"limit": "Limit", "pause": "Pause", "free": "No limit"}
_DAY_MINUTES = 1440
_CHANGES_SHOWN = 3


class TimetableEditor:
    """Nothing is kept before Save; what cannot be shown as rules is edited as text."""

    def __init__(self, text: str, zone: str | None) -> None:
        self._zone = zone
        self._kept = text
        self._rules: list[Rule] = []
        self._as_text = False
        self._list = parts.stack()
        with parts.row():
            parts.action("Add a rule", self._add, icon="add")
            self._save_button = parts.action("Save timetable", self._save, kind="main", done="The timetable is in force.")
            parts.action("Undo changes", self._undo, kind="quiet")
        self._complaint = parts.text("", "p").classes("pa-bad-text").props('role="alert"')
        self._week = ui.element("div").classes("pa-week")
        self._next = parts.row().classes("pa-muted pa-small")

    async def load(self) -> None:
        """Draws what is kept."""
        await self.show(self._kept)

    async def show(self, text: str) -> None:
        self._kept = text
        try:
            self._rules, self._as_text = parse(text), False
        except (ValueError, KeyError):
            self._as_text = True
        self._draw()
        await self._preview()

    def _text(self) -> str:
        return self._kept if self._as_text else join(self._rules)

    def _draw(self) -> None:
        self._list.clear()
        with self._list:
            if self._as_text:
                field = ui.textarea("Rules", value=self._kept, on_change=lambda event: setattr(self, "_kept", event.value))
                field.props("outlined").classes("pa-field").on("blur", self._preview)
            elif not self._rules:
                parts.text("No rule: uploads may run at any time, as fast as the limit above allows.", "p").classes("pa-muted")
            else:
                for index, rule in enumerate(self._rules):
                    self._row(index, rule)

    def _row(self, index: int, rule: Rule) -> None:
        with ui.element("div").classes("pa-rule").props(f'role="group" aria-label="Rule {index + 1}"'):
            self._days(index, rule)
            self._times(index, rule)
            self._effect(index, rule)
            with parts.row().classes("pa-rule-buttons"):
                for icon, label, do in (
                    ("arrow_upward", "Earlier", lambda: self._move(index, -1)),
                    ("delete_outline", "Remove", lambda: self._drop(index)),
                ):
                    button = ui.button(icon=icon, on_click=do, color=None).props("flat round")
                    button.props(f'aria-label="{label}: rule {index + 1}"').classes("pa-button-icon").tooltip(label)

    def _days(self, index: int, rule: Rule) -> None:
        with ui.element("div").classes("pa-days"):
            for day, word in enumerate(_DAY_WORDS):
                pressed = day in rule.days
                button = ui.element("button").classes("pa-day").props(f'type="button" aria-pressed="{str(pressed).lower()}"')
                with button:
                    parts.text(word)
                button.on("click", lambda day=day, button=button: self._toggle(index, day, button))

    async def _toggle(self, index: int, day: int, button: Element) -> None:
        """The button stays, and with it the focus of who uses the keyboard."""
        if await self._change(index, days=self._rules[index].days ^ {day}):
            button.props["aria-pressed"] = str(day in self._rules[index].days).lower()

    def _times(self, index: int, rule: Rule) -> None:
        with parts.row().classes("pa-nowrap"):
            for name, label in (("begin", "From"), ("end", "To")):
                field = ui.input(label, value=getattr(rule, name)).props("outlined dense maxlength=5 inputmode=numeric").classes("pa-time")
                field.on("blur", lambda _, name=name, field=field: self._change(index, **{name: field.value.strip().zfill(5)}))

    def _effect(self, index: int, rule: Rule) -> None:
        effect = "pause" if rule.limit_kb_per_s is None else "limit" if rule.limit_kb_per_s else "free"
        with parts.row().classes("pa-nowrap"):
            chosen = ui.select(_EFFECTS, value=effect, label="Uploads").props("outlined dense").classes("pa-effect")
            field = ui.input("kB/s", value=str(rule.limit_kb_per_s or NEW.limit_kb_per_s)).props("outlined dense inputmode=numeric")
            field.classes("pa-time").set_visibility(effect == "limit")
            field.on("blur", lambda: self._take_limit(index, field.value))
            chosen.on_value_change(lambda event: self._take_effect(index, event.value, field))

    async def _take_effect(self, index: int, effect: str, field: ui.input) -> None:
        field.set_visibility(effect == "limit")
        if effect == "limit":
            await self._take_limit(index, field.value)
        else:
            await self._change(index, limit_kb_per_s=None if effect == "pause" else 0)

    async def _take_limit(self, index: int, typed: str) -> None:
        if typed.strip().isascii() and typed.strip().isdigit():
            await self._change(index, limit_kb_per_s=int(typed))
        else:
            self._complain(f"{typed!r} is no limit; write kB/s, such as 500.")

    async def _change(self, index: int, **changes: Any) -> bool:
        """Whether it was taken."""
        changed = replace(self._rules[index], **changes)
        if not changed.days:
            self._complain("A rule needs at least one day; remove it with its bin instead.")
            return False
        self._rules[index] = changed
        await self._preview()
        return True

    async def _move(self, index: int, by: int) -> None:
        other = max(0, index + by)
        self._rules[index], self._rules[other] = self._rules[other], self._rules[index]
        self._draw()
        await self._preview()

    async def _drop(self, index: int) -> None:
        del self._rules[index]
        self._draw()
        await self._preview()

    async def _add(self) -> None:
        if self._as_text:
            self._kept, self._as_text = "", False
        self._rules.append(NEW)
        self._draw()
        await self._preview()

    async def _undo(self) -> None:
        found = here.live().get("appliance/settings") or {"settings": []}
        await self.show(next((one["value"] for one in found["settings"] if one["name"] == "timetable"), ""))

    async def _save(self) -> None:
        await here.ask("settings/set", name="timetable", value=self._text())

    def _complain(self, words: str) -> None:
        self._complaint.set(words)
        self._save_button.set_enabled(not words)

    async def _preview(self) -> None:
        with self._week:  # what was pressed may be gone by now, and with it its place on the page
            found = await here.ask("settings/preview-timetable", timetable=self._text(), time_zone=self._zone)
        self._complain(parts.sentence_of(found["error"]) if found["error"] else "")
        self._week.clear()
        if not found["error"]:
            with self._week:
                for day in range(len(DAYS)):
                    _day(day, [span for span in found["week"] if span["weekday"] == day])
        self._say_next(found["changes"])

    def _say_next(self, changes: list[dict[str, Any]]) -> None:
        self._next.clear()
        with self._next:
            for change in changes[:_CHANGES_SHOWN]:
                parts.when(change["at"], "moment")
                parts.text(f"{_words(change['limit_kb_per_s'])};")
            if not changes:
                parts.text("It is the same at all times.")


def _day(day: int, spans: list[dict[str, Any]]) -> Element:
    with ui.element("div").classes("pa-week-day") as row:
        parts.text(_DAY_WORDS[day]).classes("pa-small pa-muted")
        with ui.element("div").classes("pa-week-spans"):
            for span in spans:
                width = (span["to_minute"] - span["from_minute"]) / _DAY_MINUTES * 100
                limit = span["limit_kb_per_s"]
                piece = ui.element("div").classes("pa-week-span").style(f"width: {width:.3f}%")
                piece.props["data-effect"] = "pause" if limit is None else "limit" if limit else "free"
                words = _words(limit)
                piece.props["title"] = f"{_clock(span['from_minute'])} to {_clock(span['to_minute'])}: {words}"
                with piece:
                    parts.text(f"{_clock(span['from_minute'])} {words}").classes("pa-week-words")
    return row


def _words(limit_kb_per_s: int | None) -> str:
    return "pause" if limit_kb_per_s is None else f"{limit_kb_per_s} kB/s" if limit_kb_per_s else "no limit"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
