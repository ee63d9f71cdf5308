"""The uploader: a plain page in a tab of its own, so that no reload of a panel's page takes the chosen files away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from nicegui import __version__ as nicegui_version
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from ui.errors import Failed, Silent
from ui.panel.files.uploads.table import Entry, State
from ui.panel.files.uploads.uploads import PLACE, Uploads
from ui.panel.person import Person

HERE = Path(__file__).parent
_FONTS = f"/_nicegui/{nicegui_version}/static/fonts.css"
_MOST = 200
_TEMPLATES = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)


class Page:
    """``/upload`` and what it asks for."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/upload", self._page, methods=["GET"]),
            Route("/upload/unfinished", self._unfinished, methods=["GET"]),
            Mount("/upload/static", StaticFiles(directory=HERE / "static", check_dir=False)),
        ]

    async def _page(self, request: Request) -> Response:
        person: Person = request.scope["state"]["person"]
        missing = "" if (HERE / "static" / "tus.min.js").exists() else "tus.min.js"
        owners = await self._owners(person)
        page = _TEMPLATES.get_template("upload.html").render(
            person=person, owners=owners, place=PLACE, missing=missing, fonts=_FONTS
        )  # fmt: skip
        return HTMLResponse(page, 500 if missing else 200)

    async def _owners(self, person: Person) -> list[dict[str, Any]]:
        """Whom an admin may send files for; nobody but oneself where that cannot be known now."""
        myself = {"name": person.name, "display_name": person.display_name}
        if not person.admin:
            return [myself]
        try:
            users = (await self._uploads.appliance.ask("user/list", person, timeout_s=5.0))["users"]
        except (Failed, KeyError):
            return [myself]
        others = [{"name": each["name"], "display_name": each["display_name"] or each["name"]} for each in users]
        return [myself, *(each for each in others if each["name"] != person.name)]

    async def _unfinished(self, request: Request) -> Response:
        """Of this person: what the panel knows, with what the appliance knows of its end; and what was begun elsewhere."""
        person: Person = request.scope["state"]["person"]
        away = ""
        on_their_way: dict[str, Any] | None = None
        try:
            owner = None if person.admin else person.name
            page = await self._uploads.appliance.ask("archive/uploads", person, timeout_s=5.0, owner=owner, limit=_MOST)
            on_their_way = {each["archive_id"]: each for each in page["uploads"]} if page["total"] <= len(page["uploads"]) else None
        except Failed as error:
            away = str(error)
        entries = await asyncio.to_thread(self._uploads.table.unfinished_of, person.name, _MOST)
        shown = [self._shown(await self._looked_after(entry, on_their_way), on_their_way or {}) for entry in entries]
        shown += await self._begun_elsewhere(person, on_their_way or {})
        return JSONResponse({"uploads": [each for each in shown if each], "away": away})

    async def _looked_after(self, entry: Entry, on_their_way: dict[str, Any] | None) -> Entry:
        """One that the appliance does not know any more has ended: how, it tells."""
        if entry.state is not State.FILLING or on_their_way is None or entry.archive_id in on_their_way:
            return entry
        try:
            await self._uploads.finishing.look_after(entry)
        except Silent:
            return entry
        return await asyncio.to_thread(self._uploads.table.again, entry)

    def _shown(self, entry: Entry, on_their_way: dict[str, Any]) -> dict[str, Any] | None:
        if entry.state is State.RECEIVED:
            return None
        known = on_their_way.get(entry.archive_id, {})
        return {
            "id": entry.id, "title": entry.title, "file_name": entry.file_name, "modified": entry.modified, "owner": entry.owner,
            "size_bytes": entry.size_bytes, "offset_bytes": self._uploads.offset_of(entry), "state": entry.state,
            "active": self._uploads.is_active(entry), "error": entry.error, "expires_at": known.get("expires_at"),
            "done_bytes": known.get("done_bytes", 0), "archive_id": entry.archive_id,
        }  # fmt: skip

    async def _begun_elsewhere(self, person: Person, on_their_way: dict[str, Any]) -> list[dict[str, Any]]:
        """By a command on the appliance's own computer, say."""
        ours = await asyncio.to_thread(self._uploads.table.archive_ids)
        return [
            {
                "id": "", "title": each["title"], "file_name": each["file_name"], "modified": "", "owner": each["owner"],
                "size_bytes": each["size_bytes"], "offset_bytes": each["filled_bytes"], "state": "elsewhere", "active": False, "error": "",
                "expires_at": each["expires_at"], "done_bytes": each["done_bytes"], "archive_id": each["archive_id"],
            }
            for each in on_their_way.values()
            if each["owner"] == person.name and each["archive_id"] not in ours and each["state"] == "filling"
        ]  # fmt: skip
