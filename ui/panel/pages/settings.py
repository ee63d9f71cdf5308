"""The settings, in groups, each saved by itself."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import here, parts
from ui.panel.frame import page
from ui.panel.settings_form.field import SettingField
from ui.panel.settings_form.kinds import FieldKind, kind_of
from ui.panel.settings_form.timetable import TimetableEditor

_OWN_EDITOR = "timetable"
_ORDER = ("Line", "Files", "Keeping and deleting", "Checks", "Front panel", "Users", "Notifications", "Home Assistant")


@page("/settings", title="Settings", admin=True)
async def settings_page() -> None:
    state = await here.ask("settings/get")
    settings = {one["name"]: one for one in state["settings"]}
    kinds = [kind_of(name, state["json_schema"]["properties"].get(name, {})) for name in settings]
    fields: dict[str, SettingField] = {}
    for group in _groups(kinds):
        with parts.card(group):
            for kind in (one for one in kinds if one.group == group and one.name != _OWN_EDITOR):
                fields[kind.name] = SettingField(kind, settings[kind.name])
        if group == "Line":
            await _timetable(settings)
    _theme()
    here.follow(["appliance/settings"], lambda: _show_all(fields))


def _groups(kinds: list[FieldKind]) -> list[str]:
    found = {kind.group for kind in kinds}
    known = [group for group in _ORDER if group in found]
    return [*known, *sorted(found - set(known) - {"More"}), *(["More"] if "More" in found else [])]


async def _timetable(settings: dict[str, Any]) -> None:
    with parts.card("Timetable"):
        parts.text("When uploads may run, and how fast. The first rule that holds decides.", "p").classes("pa-muted")
        await TimetableEditor(settings[_OWN_EDITOR]["value"], settings["time_zone"]["value"]).load()


def _show_all(fields: dict[str, SettingField]) -> None:
    for setting in (here.live().get("appliance/settings") or {"settings": []})["settings"]:
        if setting["name"] in fields:
            fields[setting["name"]].show(setting)


def _theme() -> None:
    """A matter of this browser; the cookie says nothing of anybody."""
    with parts.card("This browser"):
        chosen = ui.context.client.request.cookies.get("pyarchive_theme", "auto")
        choice = ui.toggle({"auto": "As the system", "light": "Light", "dark": "Dark"}, value=chosen)
        choice.props('no-caps aria-label="Theme"')
        choice.on_value_change(lambda event: _keep_theme(event.value))


def _keep_theme(theme: str) -> None:
    age_s = 0 if theme == "auto" else 60 * 60 * 24 * 365
    ui.run_javascript(f"document.cookie = 'pyarchive_theme={theme}; path=/; max-age={age_s}; samesite=lax'; location.reload()")
