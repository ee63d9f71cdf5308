"""The doors' HTML. Everything that is filled in is escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from nicegui import __version__ as nicegui_version
from starlette.responses import HTMLResponse, Response

from ui.errors import Failed
from ui.panel import parts

_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True)
_FONTS = f"/_nicegui/{nicegui_version}/static/fonts.css"


def shown(template: str, title: str, *, error: Failed | None = None, status: int = 200, **values: Any) -> Response:
    """What is not given is empty."""
    words = parts.sentence(error) if error else ""
    return HTMLResponse(_TEMPLATES.get_template(template).render(title=title, error=words, fonts=_FONTS, **values), status)
