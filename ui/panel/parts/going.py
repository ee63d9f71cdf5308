"""Links that look like buttons: they lead somewhere, they do nothing."""

from __future__ import annotations

from nicegui import ui
from nicegui.elements.button import Button

from ui.panel.parts.actions import PROPS, Kind


def go(label: str, target: str, *, icon: str | None = None, kind: Kind = "plain", tab: str | None = None) -> Button:
    """A real link. ``tab``: the name of the browser's tab where it opens."""
    button = ui.button(label, icon=icon, color=None)
    button.props(f"no-caps {PROPS[kind]}").classes(f"pa-button pa-button-{kind}")
    button.props["href"] = target  # a target may hold what the syntax of props would cut at
    if tab:
        button.props["target"] = tab
    return button
