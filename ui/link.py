"""The way to the appliance: a connection to its broker, requests, and what it publishes."""

from __future__ import annotations

import argparse
import os
import secrets
import time
from types import TracebackType
from typing import Any, Self

from mqtt.client import Broker, BrokerAddress
from mqtt.requests import NoAnswer, Requester, RequestFailed
from mqtt.topics import Topics
from ui.client_settings import ClientSettings, find
from ui.errors import Failed, Silent
from ui.mirror import Mirror
from ui.patience import Patience

LOGIN = "cli"
CONNECT_TIMEOUT_S, REFUSED_TIMEOUT_S = 6.0, 2.0
ANSWER_TIMEOUT_S = 15.0
_LONGEST_ASK_S = 86_400.0


class Link:
    """Use it in a ``with``: it connects, and raises Failed where no broker answers or it refuses us."""

    def __init__(
        self, settings: ClientSettings, connect_timeout_s: float = CONNECT_TIMEOUT_S, refused_timeout_s: float = REFUSED_TIMEOUT_S
    ) -> None:
        self.settings = settings
        self._connect_timeout_s = connect_timeout_s
        self._refused_timeout_s = refused_timeout_s
        try:
            topics = Topics(settings.appliance_id)
        except ValueError as error:
            raise Failed(f"{error}; set PYARCHIVE_APPLIANCE_ID to the right one") from None
        address = BrokerAddress(
            host=settings.host, port=settings.port, username=settings.username, password=settings.password, tls_ca=settings.tls_ca
        )
        self._broker = Broker(
            address,
            topics,
            client_id=f"pyarchive-{LOGIN}-{os.getpid()}-{secrets.token_hex(3)}",
            will=None,
            retry_min_s=0.1,
            retry_max_s=2.0,
        )
        self._requester = Requester(self._broker, topics, LOGIN)
        self.mirror = Mirror(self._broker, topics)

    def __enter__(self) -> Self:
        self._broker.start()
        connected = False
        try:
            connected = self._connect()
        finally:
            if not connected:
                self._broker.stop(1.0)
        if not connected:
            raise Failed(self._not_reachable())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._broker.stop(1.0)

    def _connect(self) -> bool:
        """A broker that is restarting gets a moment; one that says nothing at all may be far away."""
        began_s = time.monotonic()
        while (waited_s := time.monotonic() - began_s) < self._connect_timeout_s:
            if self._broker.wait_connected(0.05):
                return True
            if self._broker.last_error and waited_s > self._refused_timeout_s:
                return False
        return False

    def ask(self, verb: str, *, timeout_s: float = ANSWER_TIMEOUT_S, **parameters: Any) -> Any:
        """The appliance's answer; parameters that are None are left out.

        Raises Failed with the appliance's own words and code, or Silent without an answer in time.
        """
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            return self._requester.request(verb, given, timeout_s)
        except RequestFailed as error:
            raise Failed(error.message, error.code) from error
        except NoAnswer as error:
            raise Silent(str(error)) from error

    def ask_patiently(self, verb: str, patience: Patience, *, repeat: bool = True, **parameters: Any) -> Any:
        """Like ask, over restarts of broker and appliance, until the patience is at its end (then Silent).

        ``repeat=False`` for what must not be done twice: it stays one transaction, which a restarted appliance may not know.
        """
        patience.ask()
        longest_s = ANSWER_TIMEOUT_S if repeat else _LONGEST_ASK_S
        while True:
            try:
                with patience.listening():
                    return self.ask(verb, timeout_s=max(0.1, min(longest_s, patience.left_s())), **parameters)
            except Silent:
                if patience.over:
                    raise

    def _not_reachable(self) -> str:
        where = f"{self.settings.host}:{self.settings.port}"
        why = self._broker.last_error or f"the broker at {where} does not answer"
        return f"{why} (address from {self.settings.source}); {self._how_to_start()}"

    def _how_to_start(self) -> str:
        if self.settings.source.endswith("client.toml"):
            return f"start it with `pyarchive demo --data {self.settings.data}`"
        return "check the address, or start broker and appliance (`systemctl start mosquitto pyarchive-appliance`)"


def open_link(args: argparse.Namespace) -> Link:
    """The link to the appliance that arguments and environment mean. Raises Failed."""
    return Link(find(os.environ, args.data))
