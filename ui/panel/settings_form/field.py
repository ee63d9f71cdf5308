"""One setting: its field, where its value comes from, and what the appliance says to a new one."""

from __future__ import annotations

from typing import Any

from nicegui import ui
from nicegui.elements.input import Input
from nicegui.elements.select import Select
from nicegui.elements.switch import Switch

from ui.errors import Failed
from ui.panel import here, parts
from ui.panel.settings_form.kinds import FieldKind, read

_SOURCES = {
    "environment": "fixed by the environment of the appliance",
    "set": "set here",
    "file": "from the settings file",
    "default": "as delivered",
}


class SettingField:
    """Saved when it is left or with Enter. ``published`` does not disturb somebody who types while other settings change."""

    def __init__(self, kind: FieldKind, setting: dict[str, Any]) -> None:
        self._kind = kind
        self._value: Any = setting["value"]
        self._shown: dict[str, Any] = {}
        self._complains = False
        with ui.element("div").classes("pa-setting"):
            with ui.element("div").classes("pa-setting-words"):
                parts.text(kind.title, "div").classes("pa-strong")
                parts.text(setting["description"], "div").classes("pa-muted pa-small")
            with ui.element("div").classes("pa-setting-field"):
                self._input: Any = self._make()  # one of three, of which each takes another type of value
                with parts.row():
                    self._note = parts.text("").classes("pa-muted pa-small").props('role="status"')
                    self._reset = parts.action("Back to what was delivered", self._take_back, kind="quiet").classes("pa-button-small")
        self.show(setting)

    def _make(self) -> Switch | Select | Input:
        kind = self._kind
        label = f"{kind.title}{f', {kind.unit}' if kind.unit else ''}"
        if kind.kind == "switch":
            switch = ui.switch(value=bool(self._value)).props(f'aria-label="{kind.title}"')
            switch.on("click", self._save)
            return switch
        if kind.kind == "choice":
            choice = ui.select(list(kind.choices), value=self._value, label=label).props("outlined dense")
            choice.on_value_change(self._save)
            return choice
        field = ui.input(label, value=_typed(self._value)).props("outlined dense stack-label")
        if kind.kind == "number":
            field.props("inputmode=decimal")
        if kind.nullable:
            field.props('placeholder="not set"')
        field.on("blur", self._save).on("keydown.enter", self._save)
        return field

    def published(self, setting: dict[str, Any]) -> None:
        """What the appliance says of all settings whenever one of them changes."""
        if setting != self._shown:
            self.show(setting)

    def show(self, setting: dict[str, Any]) -> None:
        self._shown = setting
        self._value = setting["value"]
        source = setting["source"]
        locked = source == "environment" or self._kind.fixed
        self._input.set_enabled(not locked)
        shown = self._value if self._kind.kind in {"switch", "choice"} else _typed(self._value)
        self._input.set_value(shown)
        self._note.set(_SOURCES[source] + (", read when the appliance starts" if self._kind.fixed else ""))
        self._note.classes(remove="pa-bad-text")
        self._complains = False
        self._reset.set_visibility(source == "set" and not locked)

    async def _save(self) -> None:
        typed = self._input.value
        unchanged = typed == self._value or (self._kind.kind not in {"switch", "choice"} and typed == _typed(self._value))
        if unchanged:
            if self._complains:
                self.show(self._shown)
            return
        try:
            await self._send(read(self._kind, typed))
        except (ValueError, Failed) as error:
            words = parts.sentence(error) if isinstance(error, Failed) else f"Not saved: {error}."
            self._complains = True
            self._note.set(words)
            self._note.classes(add="pa-bad-text")

    async def _take_back(self) -> None:
        await self._send(None)

    async def _send(self, value: Any) -> None:
        setting = await here.ask("settings/set", name=self._kind.name, value=value)
        self.show(setting)
        if value is not None:
            self._note.set("Saved.")


def _typed(value: Any) -> str:
    return "" if value is None else f"{value:.15g}" if isinstance(value, float) else str(value)
