"""QR codes as pictures that need nothing from anywhere."""

from __future__ import annotations

from typing import Literal

import segno
from nicegui import ui
from nicegui.element import Element


def qr(text: str, label: str, *, error: Literal["l", "m"] = "m") -> Element:
    """Always dark on light, or no phone reads it. ``label``: what it holds, for who does not see it; ``error``: how much dirt it bears."""
    # Paths and numbers made by segno; the text itself is not in the markup.
    picture = segno.make(text, error=error, micro=False).svg_inline(border=3, dark="#000", light="#fff", omitsize=True)
    element = ui.html(picture, sanitize=False).classes("pa-qr").props('role="img"')
    element.props["aria-label"] = label
    return element
