"""What is asked of safe mode."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from appliance.handlers.table import handles
from appliance.safe_mode import NEXT_STEP, SafeMode
from mqtt.safe_mode_verbs import SafeModeEnd, SafeModeShow, SafeModeState
from mqtt.verb_answers import Nothing

log = logging.getLogger("appliance")


@dataclass(frozen=True, slots=True)
class SafeModeVerbs:
    """``safe-mode/…``. ``end()`` begins the appliance anew, in the same process; it may raise OSError."""

    safe_mode: SafeMode | None
    end: Callable[[], None]

    @handles(SafeModeShow)
    def show(self, _asked: SafeModeShow) -> SafeModeState:
        if self.safe_mode is None:
            return SafeModeState(mode="full", reason=None, next_step=None)
        return SafeModeState(mode="safe", reason=self.safe_mode.reason, next_step=NEXT_STEP)

    @handles(SafeModeEnd)
    def end_it(self, _asked: SafeModeEnd) -> Nothing:
        if self.safe_mode is not None:
            log.info("safe mode is ended; the appliance begins anew")
            self.end()
        return Nothing()
