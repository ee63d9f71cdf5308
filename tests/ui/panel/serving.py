"""An ASGI application behind a real uvicorn, as the panel runs it, in a thread of the tests."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from tests.waiting import wait_for


class Serving:
    """``with Serving(app) as served``: it listens on 127.0.0.1 at ``served.port``."""

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, lifespan="off", timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._server.run, args=([self._listening],), name="serving")

    def __enter__(self) -> Self:
        self._thread.start()
        wait_for(lambda: self._server.started, what="the server to listen")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._listening.close()
