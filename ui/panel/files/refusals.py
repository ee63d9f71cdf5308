"""Why there is no file, and what to do: a page for people, a line for programs."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from nicegui import __version__ as nicegui_version
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, PlainTextResponse, Response

_HERE = Path(__file__).parent
_TEMPLATES = Environment(loader=FileSystemLoader([_HERE / "templates", _HERE.parent / "doors" / "templates"]), autoescape=True)
_FONTS = f"/_nicegui/{nicegui_version}/static/fonts.css"


class Refused(Exception):
    """``title`` and ``words`` are for people. ``archive_id``: the page leads to that archive."""

    def __init__(self, status: int, title: str, words: str, *, archive_id: str | None = None, **headers: str) -> None:
        super().__init__(words)
        self.status = status
        self.title = title
        self.archive_id = archive_id
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()} | {"Cache-Control": "no-store"}

    def response(self, asked: Headers) -> Response:
        if "text/html" not in asked.get("accept", ""):
            return PlainTextResponse(f"{self.title}. {self}\n", self.status, self.headers)
        template = _TEMPLATES.get_template("refused.html")
        page = template.render(title=self.title, words=str(self), archive_id=self.archive_id, fonts=_FONTS)
        return HTMLResponse(page, self.status, self.headers)


def missing() -> Refused:
    """The same whether there is none, or it is somebody else's: who may not see it learns nothing."""
    return Refused(404, "There is no such file", "The archive was removed, or it belongs to somebody else.")


def not_here(archive_id: str) -> Refused:
    return Refused(
        409, "This file is not on the appliance right now",
        "Its content, or a part of it, is only on the remote. Open the archive and choose “Bring back”; then download it again.",
        archive_id=archive_id,
    )  # fmt: skip


def damaged(archive_id: str) -> Refused:
    return Refused(
        409, "The copy on the appliance is damaged",
        "Nothing was sent. Open the archive and choose “Check”: a damaged copy is mended from the remote, if it is there.",
        archive_id=archive_id,
    )  # fmt: skip


def unreadable(why: str) -> Refused:
    return Refused(503, "The file cannot be read right now", f"{why[:1].upper()}{why[1:]}. Check the appliance's disk.", Retry_After="30")


def too_many() -> Refused:
    return Refused(503, "Too many downloads at once", "Wait until one of the others has ended, then try again.", Retry_After="10")


def away(why: str) -> Refused:
    return Refused(503, "The appliance does not answer", f"{why[:1].upper()}{why[1:]}.", Retry_After="5")
