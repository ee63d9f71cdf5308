"""``python -m firmware_scripts.runner``: the process that executes scripts. It speaks to the appliance over MQTT, as the login ``scripts``.

A script never gets this process' rights: it runs in one of its own, under limits, and asks over a socket. See docs/scripts.md.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import sys
import threading
from importlib.metadata import version
from typing import Any

from firmware_scripts.running import system
from firmware_scripts.running.runs import Runs
from firmware_scripts.running.settings import BadSettings, Settings
from mqtt.client import Broker
from mqtt.requests import Requester
from mqtt.script_messages import KillOrder, RunnerState, RunOrder, ScriptOutput, ScriptState
from mqtt.service_manager import ServiceManager

LOGIN = "scripts"
_LAST_WORDS_S = 2.0
_MOST_UNSENT = 50


class Runner:
    """Broker, requests and runs, tied together."""

    def __init__(self, settings: Settings) -> None:
        self._topics = settings.topics
        self.runs = Runs(settings, self, self._ask, self._changed)
        self._state = RunnerState(online=False, version=version("pyarchive-appliance"), instance=secrets.token_hex(4), can=self.runs.can)
        self._broker = Broker(
            settings.broker, settings.topics, client_id=f"{settings.topics.appliance_id}-scripts-{self._state.instance}",
            will=(self._topics(RunnerState.topic), self._state.payload()),
        )  # fmt: skip
        self._requester = Requester(self._broker, settings.topics, LOGIN)
        self._broker.subscribe(self._topics(RunOrder.topic), self._hear(self.runs.ordered))
        self._broker.subscribe(self._topics(KillOrder.topic), self._hear(self.runs.kill_ordered))
        self._broker.on_connected(self.runs.tell)

    def run(self) -> None:
        """Until ``runs.stop``."""
        self._broker.start()
        self.runs.run()
        self._publish(self._state)
        self._broker.stop(_LAST_WORDS_S)

    # What runs tell

    def output(self, run_id: str, payload: bytes) -> None:
        self._broker.publish(self._topics(ScriptOutput.topic.format(run_id=run_id)), payload, retain=False)

    def state(self, state: ScriptState) -> None:
        self._broker.publish(self._topics(ScriptState.topic.format(run_id=state.run_id)), state.payload(), retain=True)

    def open(self) -> bool:
        return self._broker.connected and len(self._broker.outbox) < _MOST_UNSENT

    def _ask(self, verb: str, parameters: dict[str, Any], timeout_s: float) -> Any:
        return self._requester.request(verb, parameters, timeout_s)

    def _changed(self, ids: list[str]) -> None:
        self._publish(self._state.model_copy(update={"online": True, "runs": ids}))

    def _publish(self, state: RunnerState) -> None:
        self._broker.publish(self._topics(RunnerState.topic), state.payload(), retain=True)

    @staticmethod
    def _hear(take: Any) -> Any:
        def hear(_topic: str, payload: bytes, retained: bool) -> None:
            if not retained:  # left on the broker, it would be done again at each start
                take(payload)

        return hear


def main() -> int:
    """Exit status 0 after a clean stop, 1 when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m firmware_scripts.runner", description="The runner of scripts, in the foreground")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input ends, as when the demo dies")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        settings = Settings.of(os.environ)
        system.keep_to_ourselves()
        system.adopt_orphans()
        runner = Runner(settings)
    except (BadSettings, OSError) as error:
        sys.stderr.write(f"pyarchive scripts: {error}\n")
        return 1
    _stop_at_signals(runner.runs, stdin_closes=arguments.until_stdin_closes)
    manager = ServiceManager(os.environ)
    runner.runs.on_ready = lambda: manager.ready("takes orders")
    runner.runs.on_round = manager.alive
    runner.run()
    manager.stopping()
    return 0


def _stop_at_signals(runs: Runs, *, stdin_closes: bool) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: runs.stop())
    if stdin_closes:
        threading.Thread(target=_watch_parent, name="parent", daemon=True).start()


def _watch_parent() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
