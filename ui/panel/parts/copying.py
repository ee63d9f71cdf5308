"""A long value that nobody types: shortened, with a button that copies the whole."""

from __future__ import annotations

import json

from nicegui import ui
from nicegui.element import Element

from ui.panel.parts.basics import icon, text


def copied(value: str, name: str, *, shown: int | None = None) -> Element:
    """``shown``: so many characters are shown; all where None. ``name`` tells screen readers what is copied."""
    with ui.element("span").classes("pa-copied") as element:
        text(value if shown is None or shown >= len(value) else f"{value[:shown]}…").classes("pa-mono").tooltip(value)
        with ui.element("button").classes("pa-copy").props('type="button"') as button:
            icon("content_copy")
        button.props["aria-label"] = f"Copy {name}"
        button.props["title"] = f"Copy {name}"
        button.on("click", js_handler=f"(event) => window.pyarchive.copy({json.dumps(value)}, event.currentTarget)")
    return element
