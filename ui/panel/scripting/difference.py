"""Two sources, line by line: what went has a minus, what came a plus, and a colour that only repeats it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from nicegui import ui

from ui.panel import parts
from ui.panel.scripting.source import Source

_SIGNS = {"+": "added", "-": "removed", "@": "place"}
_MOST_LINES = 3000


def lines(old: Source, new: Source) -> list[str]:
    """As ``diff -u`` has them, without the names; ends of line that differ are said in a line of their own."""
    found = list(difflib.unified_diff(old.text.split("\n"), new.text.split("\n"), lineterm="", n=3))[2:]
    if not found and old.content != new.content:
        return ["@ The lines are the same; their ends, or bytes that are no text, differ."]
    return found


def show(old: Source, new: Source) -> None:
    """The difference as an element; words where there is none."""
    found = lines(old, new)
    if not found:
        parts.text("They are the same, byte for byte.", "p").classes("pa-muted")
        return
    with ui.element("div").classes("pa-diff").props('tabindex="0" role="region" aria-label="Difference"'):
        for line in _bounded(found):
            row = parts.text(line or " ", "div").classes("pa-diff-line")
            row.props["data-change"] = _SIGNS.get(line[:1], "same")


def _bounded(found: list[str]) -> Iterator[str]:
    yield from found[:_MOST_LINES]
    if len(found) > _MOST_LINES:
        yield f"@ {len(found) - _MOST_LINES:,} more lines of difference are not shown."


async def look(title: str, old: Source, new: Source) -> None:
    """In a dialog, until it is closed."""
    with ui.dialog() as dialog, ui.card().classes("pa-dialog pa-dialog-wide"):
        parts.text(title, "h2").classes("pa-card-title")
        show(old, new)
        with ui.element("div").classes("pa-dialog-actions"):
            ui.button("Close", on_click=lambda: dialog.submit(None), color=None).props("no-caps flat").classes("pa-button pa-button-quiet")
    await dialog
    dialog.delete()
