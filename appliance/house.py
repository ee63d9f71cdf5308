"""The appliance in its house: Home Assistant is told of it, the house's commands are obeyed, and the runner of scripts is listened to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.commands import Commands
from appliance.errors import Conflict
from appliance.home_assistant import HomeAssistant
from appliance.jobs import Job
from appliance.scripts.listening import Listening
from mqtt.client import Broker
from mqtt.commands import CommandName
from mqtt.topics import Topics
from mqtt.verbs import IntegrityVerify

if TYPE_CHECKING:
    from appliance.app import Appliance
    from appliance.reporter import Reporter


class House:
    """Start it before the broker's client, stop it before the appliance."""

    def __init__(self, appliance: Appliance, reporter: Reporter, broker: Broker, topics: Topics) -> None:
        self._appliance = appliance
        self._reporter = reporter
        self._check: Job | None = None
        actions = {
            CommandName.SYNC: lambda _: appliance.engine.sync_now(),
            CommandName.VERIFY: lambda _: self._verify(),
            CommandName.PAUSE: lambda payload: appliance.set_paused(payload == "ON"),
            CommandName.METERED: lambda payload: appliance.settings.set("metered", payload == "ON"),
            CommandName.UPLOAD_LIMIT: lambda payload: appliance.settings.set("upload_limit_kb_per_s", int(payload)),
        }
        if appliance.standstill:
            actions |= dict.fromkeys(appliance.standstill.commands, appliance.standstill.refuse)
        self._commands = Commands(broker, topics, actions, reporter.say_again)
        self._home_assistant = HomeAssistant(
            broker, topics, appliance.settings, appliance.connections, appliance.states, self._again, appliance.scripts.values,
            appliance.hardware.state,
        )  # fmt: skip
        self._scripts = Listening(broker, topics, appliance.scripts)

    def start(self) -> None:
        self._commands.start()
        if not self._appliance.trial:
            # Entities of a version that may go back would stay there; what runs of scripts tell is written down.
            self._home_assistant.start()
            self._scripts.start()

    def publish_all(self) -> None:
        """After a (re)connect the broker may have forgotten everything; Home Assistant is told of us too."""
        self._again()
        if not self._appliance.trial:
            self._home_assistant.announce()

    def _again(self) -> None:
        self._reporter.publish_all_again()
        self._appliance.scripts.values.publish_all()

    def stop(self, timeout_s: float) -> None:
        self._scripts.stop(timeout_s)
        self._commands.stop(timeout_s)
        self._home_assistant.stop(timeout_s)

    def _verify(self) -> None:
        """All local copies are read, all remotes listed; nothing is downloaded. One at a time, however often the button is pressed."""
        if self._check is not None and self._check.state == "running":
            raise Conflict("a check is under way already; its end is in the log")
        asked = IntegrityVerify(local=True, remote=True)
        self._check = self._appliance.jobs.submit("check", lambda job: self._appliance.verifier.run(asked, job))
