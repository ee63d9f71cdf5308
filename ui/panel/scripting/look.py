"""What the pages of scripts wear and run beside what all pages do."""

from __future__ import annotations

from nicegui import ui


def dress() -> None:
    ui.add_head_html('<link rel="stylesheet" href="/static/scripts.css"><script src="/static/scripts.js"></script>')
