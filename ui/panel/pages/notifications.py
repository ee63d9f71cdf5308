"""Notifications: who is told of what when nobody looks."""

from __future__ import annotations

from ui.panel import here, parts
from ui.panel.frame import page
from ui.panel.notifying.adding import Adding
from ui.panel.notifying.listing import Targets
from ui.panel.settings_form.field import SettingField
from ui.panel.settings_form.kinds import kind_of

_OF_WHAT = "notify_"


@page("/notifications", title="Notifications", admin=True)
async def notifications_page() -> None:
    parts.text("For houses without Home Assistant, and for when nobody looks at it.", "p").classes("pa-muted")
    targets = Targets()
    await targets.load()
    Adding(targets.added)
    await _of_what()


async def _of_what() -> None:
    state = await here.ask("settings/get")
    properties = state["json_schema"]["properties"]
    with parts.card("Of what"):
        fields = {
            one["name"]: SettingField(kind_of(one["name"], properties[one["name"]]), one)
            for one in state["settings"]
            if one["name"].startswith(_OF_WHAT)
        }

    def show() -> None:
        for setting in (here.live().get("appliance/settings") or {"settings": []})["settings"]:
            if setting["name"] in fields:
                fields[setting["name"]].published(setting)

    here.follow(["appliance/settings"], show)
