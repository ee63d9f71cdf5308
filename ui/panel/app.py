"""The panel as an ASGI application: our own routes, and NiceGUI's pages beside them, all behind the gate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import ui
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from ui.panel import clients, here
from ui.panel import pages as _pages  # noqa: F401 - NiceGUI knows a page once it is imported
from ui.panel.doors import doors
from ui.panel.files import downloads, log_download
from ui.panel.files.uploads.page import Page as UploadPage
from ui.panel.files.uploads.uploads import Uploads
from ui.panel.frame import failed_page, no_such_page
from ui.panel.gate import Gate
from ui.panel.headers import SecureHeaders, harden_nicegui
from ui.panel.here import Panel

STATIC = Path(__file__).with_name("static")
# A phone that was in a pocket for a while finds its page as it left it.
_RECONNECT_S = 30.0


def build(panel: Panel) -> ASGIApp:
    """Once in a process: NiceGUI has one set of pages."""
    here.install(panel)
    uploads = Uploads(panel.appliance, panel.sessions, panel.settings.folder, lambda: panel.live.upgrading)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        panel.live.start()
        panel.broker.start()
        await uploads.start()
        yield
        await uploads.stop()
        panel.live.stop()
        panel.appliance.stop()
        panel.broker.stop(1.0)

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.router.routes.extend(_routes(panel, uploads))
    nicegui_app.on_page_exception(failed_page)
    nicegui_app.exception_handler(404)(no_such_page)
    harden_nicegui()
    # NiceGUI keeps a storage for each tab that ever was, for 30 days; no page of ours uses it.
    nicegui_app.storage.max_tab_storage_age = _RECONNECT_S
    ui.run_with(
        app, title="PyArchive", favicon=STATIC / "icon.svg", dark=None, language="en-US", tailwind=False, show_welcome_message=False,
        binding_refresh_interval=None, reconnect_timeout=_RECONNECT_S, storage_secret=None,
    )  # fmt: skip
    clients.guard()
    return SecureHeaders(Gate(app, panel.sessions))


def _routes(panel: Panel, uploads: Uploads) -> list[BaseRoute]:
    return [
        Route("/healthz", _health, methods=["GET"]),
        Route("/manifest.webmanifest", _manifest, methods=["GET"]),
        Mount("/static", StaticFiles(directory=STATIC)),
        *doors.routes(panel),
        *uploads.routes(),
        *UploadPage(uploads).routes(),
        *downloads.routes(panel.appliance),
        *log_download.routes(panel.appliance),
    ]


async def _health(_request: Request) -> Response:
    """200 as long as the process serves; the second line says whether it can reach the appliance."""
    return PlainTextResponse(f"ok\nappliance: {here.live().away or 'online'}\n")


async def _manifest(_request: Request) -> Response:
    return FileResponse(STATIC / "manifest.webmanifest", media_type="application/manifest+json")
