"""While an upgrade is tested the panel acknowledges no byte of an upload, and says that it goes on by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.ui.panel.uploads.serving import AsCli, People
from ui.panel.files.uploads.uploads import PLACE, Uploads
from ui.panel.person import Person

ANNA = Person(name="anna", display_name="Anna", role="member", session="t")
HEADERS = {"Tus-Resumable": "1.0.0", "Sec-Fetch-Site": "same-origin", "Upload-Length": "3", "Upload-Offset": "0"}


class SignedIn:
    """In place of the gate."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, "state": {"person": ANNA}}, receive, send)


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_no_byte_is_acknowledged_and_the_client_is_told_to_come_again(tmp_path: Path, method: str) -> None:
    async def answers() -> list[httpx.Response]:
        uploads = Uploads(AsCli(None), People(tmp_path / "people"), tmp_path / "panel", lambda: "an upgrade is being tested")  # type: ignore[arg-type]  # nobody is asked
        await uploads.start()
        transport = httpx.ASGITransport(SignedIn(Starlette(routes=uploads.routes())))
        async with httpx.AsyncClient(transport=transport, base_url="http://panel") as client:
            place = PLACE if method == "POST" else f"{PLACE}/{'0' * 32}"
            found = [await client.request(method, place, headers=HEADERS), await client.head(f"{PLACE}/{'0' * 32}", headers=HEADERS)]
        await uploads.stop()
        return found

    refused, looked = asyncio.run(answers())
    assert (refused.status_code, refused.headers["Retry-After"], "an upgrade is being tested" in refused.text) == (503, "2", True)
    assert looked.status_code == 404, "whoever only looks is answered"
