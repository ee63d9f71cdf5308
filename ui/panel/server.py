"""The panel's process: a client of the broker, and a web server."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import uvicorn

from mqtt.client import Broker, BrokerAddress
from mqtt.requests import Requester
from mqtt.service_manager import ServiceManager
from mqtt.topics import Topics
from ui.errors import Failed
from ui.panel.app import build
from ui.panel.appliance import Appliance
from ui.panel.happened import Happened
from ui.panel.here import Panel
from ui.panel.live import Live
from ui.panel.rates import Rates
from ui.panel.renamed import IdWatch
from ui.panel.sessions import Sessions
from ui.panel.settings import PanelSettings, load

LOGIN = "panel"
_STOP_S = 3
_TICKS_A_SECOND, _BEATS = 10, 4
log = logging.getLogger("panel")


def serve(environment: Mapping[str, str], data: Path | None) -> None:
    """Until SIGINT or SIGTERM; begins anew where the appliance takes another id. Raises Failed."""
    settings = load(environment, data)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # it would write the ids of pages, by which their websockets are joined
    os.umask(0o027)
    certificate, key = settings.tls or (None, None)
    panel = _panel(settings)
    config = uvicorn.Config(
        build(panel), host=settings.host, port=settings.port, log_config=None, access_log=False, server_header=False,
        timeout_graceful_shutdown=_STOP_S, ws="websockets-sansio", ssl_certfile=certificate, ssl_keyfile=key,
    )  # fmt: skip
    manager = ServiceManager(environment)
    server = _Server(config, manager, panel.appliance, settings.address)
    log.info("the panel listens on %s", settings.address)
    watch = IdWatch(
        panel.live, settings.client.appliance_id, lambda: load(environment, data).client.appliance_id,
        lambda: setattr(server, "should_exit", True),
    )  # fmt: skip
    server.run()
    watch.stop()
    if watch.renamed:
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - our own program, as it was started
    manager.stopping()
    if not server.started:
        raise Failed(f"the panel cannot listen on {settings.address}; another program may use that port: set PYARCHIVE_PANEL_PORT")


class _Server(uvicorn.Server):
    """Tells the service manager that it listens, and from then on that its event loop goes round and requests still get a thread."""

    def __init__(self, config: uvicorn.Config, manager: ServiceManager, appliance: Appliance, address: str) -> None:
        super().__init__(config)
        self._manager = manager
        self._appliance = appliance
        self._address = address
        self._every = int((manager.watchdog_s or 60.0) * _TICKS_A_SECOND / _BEATS)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._manager.ready(f"listens on {self._address}")

    async def on_tick(self, counter: int) -> bool:
        if counter % self._every == 0 and self._appliance.answers():
            self._manager.alive()
        return await super().on_tick(counter)


def _panel(settings: PanelSettings) -> Panel:
    client = settings.client
    try:
        topics = Topics(client.appliance_id)
    except ValueError as error:
        raise Failed(f"{error}; set PYARCHIVE_APPLIANCE_ID to the right one") from None
    address = BrokerAddress(host=client.host, port=client.port, username=client.username, password=client.password, tls_ca=client.tls_ca)
    broker = Broker(address, topics, client_id=f"pyarchive-{LOGIN}-{secrets.token_hex(4)}", retry_min_s=0.2, retry_max_s=5.0)
    live = Live(broker, topics)
    appliance = Appliance(Requester(broker, topics, LOGIN, over_upgrades=False), live)  # a page is told at once
    return Panel(
        settings=settings, broker=broker, appliance=appliance, live=live, sessions=Sessions(appliance), rates=Rates(live),
        happened=Happened(live),
    )  # fmt: skip
