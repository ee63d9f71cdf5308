"""``python -m appliance``: the daemon."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import sys
import threading

from appliance.app import Appliance, answer
from appliance.bridge_watch import BridgeWatch
from appliance.errors import ApplianceError
from appliance.house import House
from appliance.logs import RecentLines, start_logging
from appliance.presence import Presence
from appliance.reporter import Reporter
from appliance.settings import Settings, SettingsStore
from mqtt.client import Broker, BrokerAddress
from mqtt.messages import OFFLINE, LogLine
from mqtt.requests import Responder
from mqtt.topics import Topics

log = logging.getLogger("appliance")
_LAST_WORDS_S = 1.0
_RESTART = signal.SIGUSR1


def main() -> int:
    """Exit status 0 after a clean stop, 1 when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m appliance", description="The PyArchive appliance, in the foreground")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input ends, as when the demo dies")
    arguments = parser.parse_args()
    end = _End(stdin_closes=arguments.until_stdin_closes)
    try:
        lines = start_logging(SettingsStore(os.environ).current.log_level)
        while _run(Appliance(os.environ, lines, restart=end.restart), lines, end):
            log.info("starting anew")
    except ApplianceError as error:
        sys.stderr.write(f"pyarchive appliance: {error}\n")
        return 1
    # What hangs in the system (a network mount that is gone) must not keep a stopped appliance alive; all is synced.
    logging.shutdown()
    os._exit(0)


class _End:
    """What the main thread waits for. A pipe: a signal that another thread got does not wake a main thread that waits for a lock."""

    def __init__(self, *, stdin_closes: bool) -> None:
        self._reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, _RESTART):
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGIO, signal.SIG_IGN)  # a lease that is broken must not end us
        if stdin_closes:
            threading.Thread(target=self._watch_parent, name="parent", daemon=True).start()

    def _watch_parent(self) -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    def restart(self) -> None:
        """The appliance is to begin anew; from any thread."""
        os.kill(os.getpid(), _RESTART)

    def wait(self) -> bool:
        """Until the appliance has to end; True where it is to begin anew."""
        return os.read(self._reading, 1)[0] == _RESTART


def _run(appliance: Appliance, lines: RecentLines, end: _End) -> bool:
    """Until its end; True where another one is to begin in its place."""
    topics = Topics(appliance.folder.appliance_id)
    broker = Broker(
        _address(appliance.settings.current),
        topics,
        client_id=f"{topics.appliance_id}-appliance-{secrets.token_hex(4)}",  # two of one id must not throw each other out for ever
        will=(topics.availability, OFFLINE.encode()),
    )
    reporter = appliance.attach(broker, topics)
    lines.listener = lambda line: _publish_line(reporter, line)
    responder = Responder(broker, topics, lambda login, verb, parameters: answer(appliance, login, verb, parameters))
    house = House(appliance, reporter, broker, topics)
    presence = Presence(broker, topics, appliance.problems, house.publish_all)
    BridgeWatch(broker, topics)
    appliance.self_test.attach(broker, topics)
    house.start()
    appliance.start()
    presence.start()
    responder.start()
    broker.start()
    for topic in appliance.recovery.given_up_topics():
        broker.clear(topic)
    again = end.wait()
    responder.stop()
    presence.stop()
    house.stop(_LAST_WORDS_S)
    appliance.stop()
    lines.listener = None
    broker.stop(_LAST_WORDS_S)
    return again


def _address(settings: Settings) -> BrokerAddress:
    return BrokerAddress(
        host=settings.mqtt_host, port=settings.mqtt_port, username=settings.mqtt_username, password=settings.mqtt_password,
        tls_ca=settings.mqtt_tls_ca,
    )  # fmt: skip


def _publish_line(reporter: Reporter, line: LogLine) -> None:
    # What the client logs while it publishes must not be published by it; what scripts say has topics of its own.
    if not line.source.startswith(("mqtt", "paho")) and line.source != "script":
        reporter.line(line)


if __name__ == "__main__":
    sys.exit(main())
