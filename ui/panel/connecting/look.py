"""What dresses the pages of connections and the first steps."""

from __future__ import annotations

from nicegui import ui


def dress() -> None:
    ui.add_head_html('<link rel="stylesheet" href="/static/connections.css">')
