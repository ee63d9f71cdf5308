"""What the pages of archives wear and run beside what all pages do."""

from __future__ import annotations

from nicegui import ui


def dress() -> None:
    ui.add_head_html(
        '<link rel="stylesheet" href="/static/archives.css"><script defer src="/static/batch-map.js"></script>',
    )
