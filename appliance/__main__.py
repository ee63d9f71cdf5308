"""``python -m appliance``: the daemon."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import sys
import threading
from importlib.metadata import version

from appliance.app import Appliance, answer
from appliance.bridge_watch import BridgeWatch
from appliance.errors import ApplianceError
from appliance.heart import Heart
from appliance.house import House
from appliance.liveness import Liveness
from appliance.logs import RecentLines, start_logging
from appliance.minimal import Minimal, appliance_id
from appliance.presence import Presence
from appliance.reporter import Reporter
from appliance.safe_mode import SafeMode
from appliance.settings import Settings, SettingsStore
from appliance.starts import Mode, Starts
from mqtt.client import Broker, BrokerAddress
from mqtt.messages import OFFLINE, LogLine
from mqtt.requests import Responder
from mqtt.service_manager import ServiceManager
from mqtt.topics import Topics

log = logging.getLogger("appliance")
_LAST_WORDS_S = 1.0
_MQTT_WITHIN_S, _REQUESTS_WITHIN_S = 300.0, 900.0
_MORE_TIME_S = 120.0
_RESTART = signal.SIGUSR1


def main() -> int:
    """Exit status 0 after a clean stop, 1 when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m appliance", description="The PyArchive appliance, in the foreground")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input ends, as when the demo dies")
    arguments = parser.parse_args()
    life = _Life(_End(stdin_closes=arguments.until_stdin_closes))
    try:
        life.live(start_logging(SettingsStore(os.environ).current.log_level))
    except ApplianceError as error:
        life.starts.no_crash()
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


class _Life:
    """Of the process: one appliance after the other, each as full as the starts before it allow."""

    def __init__(self, end: _End) -> None:
        self.starts = Starts(os.environ, version("pyarchive-appliance"))
        self._end = end
        self._manager = ServiceManager(os.environ)

    def live(self, lines: RecentLines) -> None:
        """Until the end. Raises ApplianceError where it cannot start."""
        self.starts.begin()
        while self._once(lines):
            log.info("starting anew")
        self._manager.stopping()
        self.starts.in_order()

    def _once(self, lines: RecentLines) -> bool:
        """Until its end; True where another one is to begin in its place."""
        if self.starts.mode is Mode.MINIMAL:
            return self._run_minimal(self.starts.reason)
        safe_mode = SafeMode(self.starts.reason) if self.starts.mode is Mode.SAFE else None
        try:
            appliance = Appliance(
                os.environ, lines, restart=self._end.restart, on_progress=self._more_time, safe_mode=safe_mode, end_safe_mode=self._forgiven
            )
        except ApplianceError:
            raise
        except Exception as error:
            if safe_mode is None:
                raise
            log.exception("not even safe mode can be started")
            self.starts.worse()
            return self._run_minimal(f"{self.starts.reason}, and its catalog cannot be loaded ({type(error).__name__}: {error})")
        return _run(appliance, lines, self._end, self._manager)

    def _more_time(self) -> None:
        self._manager.extend(_MORE_TIME_S, "reading what it keeps")

    def _forgiven(self) -> None:
        self.starts.forgive()
        self._end.restart()

    def _run_minimal(self, reason: str) -> bool:
        settings = SettingsStore(os.environ)
        topics = Topics(appliance_id(settings.current.data))
        liveness = Liveness()
        minimal = Minimal(reason, settings, _broker(settings.current, topics, liveness), topics, self._forgiven)
        minimal.responder.on_round = liveness.loop("requests", _REQUESTS_WITHIN_S).progress
        minimal.start()
        heart = Heart(self._manager, liveness, lambda _: None)
        heart.start()
        self._manager.ready(f"minimal: {reason}")
        again = self._end.wait()
        heart.stop()
        minimal.stop()
        return again


def _run(appliance: Appliance, lines: RecentLines, end: _End, manager: ServiceManager) -> bool:
    """Until its end; True where another one is to begin in its place."""
    topics = Topics(appliance.folder.appliance_id)
    broker = _broker(appliance.settings.current, topics, appliance.liveness)
    reporter = appliance.attach(broker, topics)
    lines.listener = lambda line: _publish_line(reporter, line)
    responder = Responder(broker, topics, lambda login, verb, parameters: answer(appliance, login, verb, parameters))
    responder.on_round = appliance.liveness.loop("requests", _REQUESTS_WITHIN_S).progress
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
    heart = Heart(manager, appliance.liveness, appliance.say_held)
    heart.start()
    manager.ready(f"{'safe mode, ' if appliance.safe_mode else ''}{len(appliance.library.views)} archives")
    again = end.wait()
    heart.stop()
    responder.stop()
    presence.stop()
    house.stop(_LAST_WORDS_S)
    appliance.stop()
    lines.listener = None
    broker.stop(_LAST_WORDS_S)
    return again


def _broker(settings: Settings, topics: Topics, liveness: Liveness) -> Broker:
    broker = Broker(
        _address(settings),
        topics,
        client_id=f"{topics.appliance_id}-appliance-{secrets.token_hex(4)}",  # two of one id must not throw each other out for ever
        will=(topics.availability, OFFLINE.encode()),
    )
    broker.on_round = liveness.loop("mqtt", _MQTT_WITHIN_S).round
    return broker


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
