"""The upload routes behind the real gate, in a process of their own that may be killed: ``python -m tests.ui.panel.uploads.serving``.

Stands in for two things: who is signed in is read from a file (the appliance decides that elsewhere), and requests go out as ``cli``.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from mqtt.client import Broker, BrokerAddress
from mqtt.requests import NoAnswer, Requester, RequestFailed
from mqtt.topics import Topics
from ui.errors import Failed, Silent
from ui.panel.files.uploads import uploads
from ui.panel.files.uploads.page import Page
from ui.panel.files.uploads.uploads import Uploads
from ui.panel.gate import Gate
from ui.panel.headers import SecureHeaders
from ui.panel.person import Person
from ui.panel.sessions import Sessions

STATIC = Path(sys.modules["ui.panel.gate"].__file__ or "").with_name("static")


class AsCli:
    """Like the panel's Appliance; the session stays at home."""

    def __init__(self, requester: Requester) -> None:
        self._requester = requester

    async def ask(self, verb: str, person: Person | None, *, timeout_s: float = 15.0, **parameters: Any) -> Any:
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            return await asyncio.to_thread(self._requester.request, verb, given, timeout_s)
        except RequestFailed as error:
            raise Failed(error.message, error.code) from error
        except NoAnswer as error:
            raise Silent(str(error)) from error


class People:
    """``{"token": ["name", "role"]}`` in a file that a test may write anew."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def of(self, token: str | None, *, fresh: bool = False) -> Person | None:
        known = json.loads(self._file.read_text())
        if not token or token not in known:
            return None
        name, role = known[token]
        return Person(name=name, display_name=name.title(), role=role, session=token)


def build(folder: Path, broker: Broker, topics: Topics, people: Path) -> ASGIApp:
    sessions = People(people)
    parts = Uploads(AsCli(Requester(broker, topics, "cli", resend_s=0.3)), sessions, folder)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        broker.start()
        await parts.start()
        yield
        await parts.stop()
        broker.stop(1.0)

    routes = [
        *parts.routes(), *Page(parts).routes(), Mount("/static", StaticFiles(directory=STATIC)),
        Route("/healthz", lambda _: PlainTextResponse(str(os.getpid()))),
    ]  # fmt: skip
    return SecureHeaders(Gate(Starlette(routes=routes, lifespan=lifespan), cast("Sessions", sessions)))


def main() -> None:
    given = json.loads(os.environ["SERVING"])
    topics = Topics(given["appliance_id"])
    address = BrokerAddress(host="127.0.0.1", port=given["broker_port"], username=given["username"], password=given["password"])
    broker = Broker(address, topics, client_id=f"panel-{os.getpid()}", retry_min_s=0.05, retry_max_s=0.3)
    for name, value in given["pace"].items():
        setattr(uploads, name, value)
    if limit := given["largest_file_bytes"]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    app = build(Path(given["folder"]), broker, topics, Path(given["people"]))
    uvicorn.run(app, host="127.0.0.1", port=given["port"], log_config=None, access_log=False, timeout_graceful_shutdown=3)


if __name__ == "__main__":
    main()
