"""Buttons for what the browser does by itself: text for the clipboard, a page for the printer."""

from __future__ import annotations

import json

from nicegui import ui
from nicegui.element import Element

from ui.panel.parts.basics import icon, text


def copy_button(words: str, label: str) -> Element:
    """Puts ``words`` on the clipboard, also where the page came over plain HTTP; says that it did."""
    with _button("content_copy", f"(event) => window.pyarchive.copy({json.dumps(words)}, event.currentTarget)") as button:
        text(label).classes("pa-before-copy")
        text("Copied").classes("pa-after-copy")
    return button


def print_button(label: str) -> Element:
    with _button("print", "() => window.print()") as button:
        text(label)
    return button


def _button(icon_name: str, handler: str) -> Element:
    button = ui.element("button").classes("pa-browser-button").props('type="button"')
    with button:
        icon(icon_name)
    button.on("click", js_handler=handler)
    return button
