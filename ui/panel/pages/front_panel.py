"""Lamp and button: live, to be pressed, explained, and how they are wired."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.lamp_words import LOOKS, MEANS
from ui.panel import here, parts
from ui.panel.frame import page
from ui.panel.front_panel.device import Device
from ui.panel.front_panel.presses import Presses


@page("/front-panel", title="Front panel")
def front_panel() -> None:
    FrontPanel()


class FrontPanel:
    def __init__(self) -> None:
        self._admin = here.person().admin
        with ui.element("div").classes("pa-columns"):
            with ui.element("div").classes("pa-stack pa-gap"):
                with parts.card("On the device"):
                    self._device = Device()
                if self._admin:
                    with parts.card("Lately pressed"):
                        self._presses = Presses()
            with ui.element("div").classes("pa-stack pa-gap"):
                with parts.card("What the lamp says"):
                    self._rows = _meanings()
                with parts.card("Wiring"):
                    _wiring(admin=self._admin)
        self._show()
        here.follow(["frontpanel/state", "appliance/settings", "away"], self._show)

    def _show(self) -> None:
        live = here.live()
        state: dict[str, Any] | None = live.get("frontpanel/state") if live.online else None
        self._device.show(state, can_shut_down=bool(_setting("shutdown_enabled")))
        for lamp, row in self._rows.items():
            _mark(row, now=state is not None and state["lamp"] == lamp)
        if self._admin and live.online and not (state and state["button_pressed"]):
            self._presses.soon()


def _meanings() -> dict[str, ui.element]:
    rows = {}
    with ui.element("div").props('role="list"'):
        for lamp, looks in LOOKS.items():
            with ui.element("div").classes("pa-lamp-row").props('role="listitem"') as rows[lamp]:
                parts.text(looks.capitalize()).classes("pa-lamp-looks")
                parts.text(MEANS[lamp]).classes("pa-muted")
    parts.text("If several are true, it shows the first.", "p").classes("pa-muted pa-small")
    return rows


def _mark(row: ui.element, *, now: bool) -> None:
    if now != ("data-now" in row.props):
        if now:
            row.props["data-now"] = "yes"
            row.props["aria-current"] = "true"
        else:
            del row.props["data-now"], row.props["aria-current"]
        row.update()


def _wiring(*, admin: bool) -> None:
    lamp, button = _setting("lamp_pin") or 17, _setting("button_pin") or 27
    words = (
        f"The lamp is an LED with a resistor of 330 Ω between GPIO {lamp} and ground, the button a push-button between GPIO {button} "
        "and ground. Switch the Pi off before you plug anything in."
    )
    parts.text(words, "p")
    drawing = "The drawing of the wiring, in words above and below"
    ui.element("img").classes("pa-wiring").props(f'src="/static/wiring.svg" alt="{drawing}"')
    parts.text("The drawing shows the usual pins: 11 and 9 for the lamp, 13 and 14 for the button.", "p").classes("pa-muted pa-small")
    if admin:
        parts.link("Pins, brightness and shutdown in the settings", "/settings")


def _setting(name: str) -> Any:
    """As the appliance publishes it; None where that is not known."""
    settings = (here.live().get("appliance/settings") or {}).get("settings", [])
    return next((one["value"] for one in settings if one["name"] == name), None)
