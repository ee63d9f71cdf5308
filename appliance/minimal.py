"""When not even the catalog could be read in safe mode: a process that keeps the lamp blinking and tells whoever asks why.

It is never online, for it knows no counts. It opens nothing of the data folder but the appliance's id.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from appliance.front_panel.panel import Deeds, FrontPanel
from appliance.front_panel.pins import Opener
from appliance.problems import Problems
from appliance.safe_mode import NEXT_STEP, InSafeMode
from appliance.settings import SettingsStore
from mqtt.client import Broker
from mqtt.messages import Lamp
from mqtt.requests import Responder
from mqtt.safe_mode_verbs import SafeModeEnd, SafeModeShow, SafeModeState
from mqtt.topics import Topics

log = logging.getLogger("appliance")
_LAST_WORDS_S, _LAST_LIGHT_S = 1.0, 0.5
_COMMAND = "cli"


def appliance_id(data: Path) -> str:
    """As it was at the last start. Raises InSafeMode where nothing tells it."""
    try:
        return (data / "appliance_id").read_text().strip()
    except OSError as error:
        raise InSafeMode(f"its id cannot be read: {error}") from error


class Minimal:
    """``end()`` begins the appliance anew, in the same process; it may raise OSError."""

    def __init__(self, reason: str, settings: SettingsStore, broker: Broker, topics: Topics, end: Callable[[], None]) -> None:
        self._reason = reason
        self._end = end
        self._broker = broker
        self.responder = Responder(broker, topics, self._answer, workers=1)
        deeds = Deeds(sync=self._refuse, pause=self._refuse, shutdown=self._refuse)
        self._front_panel = FrontPanel(settings, Problems(), self._row, deeds, Opener(settings.current.data))

    def start(self) -> None:
        self._front_panel.start()
        self.responder.start()
        self._broker.start()
        log.critical("%s; %s", self._reason, NEXT_STEP)

    def stop(self) -> None:
        self.responder.stop()
        self._front_panel.stop(_LAST_LIGHT_S)
        self._broker.stop(_LAST_WORDS_S)

    def _answer(self, login: str, verb: str, _parameters: dict[str, Any]) -> Any:
        if verb == SafeModeShow.verb:
            return SafeModeState(mode="minimal", reason=self._reason, next_step=NEXT_STEP).model_dump(mode="json")
        if verb == SafeModeEnd.verb and login == _COMMAND:  # who a session belongs to stands in the catalog
            log.info("safe mode is ended; the appliance begins anew")
            self._end()
            return {}
        self._refuse()
        return None

    def _refuse(self) -> NoReturn:
        raise InSafeMode(self._reason)

    def _row(self) -> tuple[Lamp, str]:
        return "needs_you", f"{self._reason}; {NEXT_STEP}"
