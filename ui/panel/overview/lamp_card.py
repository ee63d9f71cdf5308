"""The lamp, as it shines on the device."""

from __future__ import annotations

from nicegui import ui

from ui.lamp_words import LOOKS, MEANS
from ui.panel import here, parts, visible
from ui.panel.parts.lamp import lamp


class LampCard:
    """With what it says; why, for admins."""

    def __init__(self) -> None:
        with ui.element("div").classes("pa-row pa-nowrap"):
            self._lamp = lamp()
            with ui.element("p").classes("pa-wrap"):
                self._looks = parts.text("").classes("pa-strong")
                parts.text(": ")
                self._means = parts.text("")
        self._why = parts.prose("").classes("pa-small pa-muted")
        parts.link("Lamp and button", "/front-panel").classes("pa-small")

    def show(self) -> None:
        live = here.live()
        state = live.get("frontpanel/state") if live.online else None
        self._lamp.show(state)
        self._looks.set(LOOKS.get(state["lamp"], "unknown").capitalize() if state else "Dark")
        self._means.set(MEANS.get(state["lamp"], "") if state else "the appliance is not there")
        why = visible.lamp_reason(here.person(), state)
        self._why.show(parts.sentence_of(why) if why else "")
        self._why.set_visibility(bool(why))
