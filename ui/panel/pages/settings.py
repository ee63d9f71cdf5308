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


@page("/settings", title="Settings", admin=True)
async def settings_page() -> None:
    state = await here.ask("settings/get")
    schema = state["json_schema"]
    settings = {one["name"]: one for one in state["settings"]}
    kinds = sorted((kind_of(name, schema["properties"].get(name, {})) for name in settings), key=lambda kind: kind.order)
    groups = _groups(kinds, schema.get("x-groups", []))
    _jumps(groups)
    fields: dict[str, SettingField] = {}
    for group in groups:
        own = [kind for kind in kinds if kind.group == group]
        with parts.card(group) as card:
            card.props["id"] = _anchor(group)
            for kind in own:
                if kind.name == _OWN_EDITOR:
                    await _timetable(settings)
                else:
                    fields[kind.name] = SettingField(kind, settings[kind.name])
    _theme()
    here.follow(["appliance/settings"], lambda: _show_all(fields))


def _groups(kinds: list[FieldKind], order: list[str]) -> list[str]:
    found = {kind.group for kind in kinds}
    return [*(group for group in order if group in found), *sorted(found - set(order))]


def _anchor(group: str) -> str:
    return group.lower().replace(" ", "-")


def _jumps(groups: list[str]) -> None:
    with ui.element("nav").classes("pa-jumps").props('aria-label="Groups of settings"'):
        for group in [*groups, "This browser"]:
            parts.link(group, f"#{_anchor(group)}")


async def _timetable(settings: dict[str, Any]) -> None:
    with ui.element("div").classes("pa-setting-whole"):
        parts.text("Timetable", "h3").classes("pa-strong")
        parts.text("When uploads may run, and how fast. The first rule that holds decides.", "p").classes("pa-muted pa-small")
        await TimetableEditor(settings[_OWN_EDITOR]["value"], settings["time_zone"]["value"]).load()


def _show_all(fields: dict[str, SettingField]) -> None:
    for setting in (here.live().get("appliance/settings") or {"settings": []})["settings"]:
        if setting["name"] in fields:
            fields[setting["name"]].published(setting)


def _theme() -> None:
    """A matter of this browser; the cookie says nothing of anybody."""
    with parts.card("This browser") as card:
        card.props["id"] = _anchor("This browser")
        chosen = ui.context.client.request.cookies.get("pyarchive_theme", "auto")
        choice = ui.radio({"auto": "As the system", "light": "Light", "dark": "Dark"}, value=chosen)
        choice.props('inline aria-label="Theme"')
        choice.on_value_change(lambda event: _keep_theme(event.value))


def _keep_theme(theme: str) -> None:
    age_s = 0 if theme == "auto" else 60 * 60 * 24 * 365
    ui.run_javascript(f"document.cookie = 'pyarchive_theme={theme}; path=/; max-age={age_s}; samesite=lax'; location.reload()")
