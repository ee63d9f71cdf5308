"""``GET /log/download``: the lines of the log that match, as a text file, the oldest first. For admins, by the appliance's word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from ui.errors import Failed
from ui.panel.appliance import Appliance
from ui.panel.files import refusals
from ui.panel.person import Person

MOST_LINES = 10_000
_PAGE = 1000
_FILTERS = ("text", "level", "source", "archive_id", "since_at", "until_at")
_ADMINS_ONLY = "This page is for admins. Ask an admin of this appliance if you need something here.\n"


class LogDownload:
    """``lines`` of the address: so many of the newest at the most."""

    def __init__(self, appliance: Appliance) -> None:
        self._appliance = appliance

    async def answer(self, request: Request) -> Response:
        person: Person = request.scope["state"]["person"]
        if not person.admin:
            return PlainTextResponse(_ADMINS_ONLY, 403)
        try:
            found = [line async for line in self._lines(person, request.query_params)]
        except Failed as error:
            return self._refusal(error, request)
        name = f"pyarchive-log-{datetime.now(UTC):%Y%m%d-%H%M%S}.txt"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return PlainTextResponse("".join(map(_written, reversed(found))), headers=headers)

    @staticmethod
    def _refusal(error: Failed, request: Request) -> Response:
        if error.code == "away":
            return refusals.away(str(error)).response(Headers(scope=request.scope))
        return PlainTextResponse(f"{error}\n", 400)

    async def _lines(self, person: Person, asked: QueryParams) -> AsyncIterator[dict[str, Any]]:
        """The newest first. Raises Failed."""
        filters: dict[str, Any] = {name: asked[name] for name in _FILTERS if asked.get(name)}
        wanted = min(_number(asked.get("lines", "")), MOST_LINES)
        given = 0
        while given < wanted:
            page = await self._appliance.ask("log/query", person, limit=min(_PAGE, wanted - given), offset=given, **filters)
            for line in reversed(page["lines"]):
                yield line
            given += len(page["lines"])
            if not page["more"] or not page["lines"]:
                return


def _number(typed: str) -> int:
    """Raises Failed."""
    if not typed:
        return MOST_LINES
    if not (typed.isascii() and typed.isdigit() and len(typed) <= len(str(MOST_LINES))):
        raise Failed(f"lines: a number from 1 to {MOST_LINES:,}", "bad_request")
    return int(typed)


def _written(line: dict[str, Any]) -> str:
    """One line of the file, whatever the message holds; the archive at its end."""
    message = str(line["message"]).replace("\r", "\\r").replace("\n", "\\n")
    archive = f" [{line['archive_id']}]" if line.get("archive_id") else ""
    return f"{line['at']} {line['level']:<7} {line['source']}: {message}{archive}\n"


def routes(appliance: Appliance) -> list[BaseRoute]:
    return [Route("/log/download", LogDownload(appliance).answer, methods=["GET"])]
