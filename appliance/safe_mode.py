"""Safe mode: after repeated crashes the appliance looks, answers and lets itself be set, but moves, takes in and removes nothing.

A person ends it. It does not end by itself: what crashed would crash again, and perhaps worse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from appliance.errors import ApplianceError
from appliance.front_panel.panel import Deeds
from appliance.problems import Problems
from mqtt.commands import CommandName
from mqtt.verb import Verb
from mqtt.verb_answers import JobStarted

NEXT_STEP = (
    "look at the log (`journalctl -u pyarchive-appliance`), then end safe mode: on the panel's overview, by `pyarchive safe-mode --end`, "
    "or by starting the computer again"
)
_MAY_BE_SET = ("settings/", "user/", "notification/", "safe-mode/", "upgrade/")
_MAY_BE_DONE = frozenset({"transfer/pause", "transfer/resume", "frontpanel/press", "frontpanel/hold", "frontpanel/let-go"})


class InSafeMode(ApplianceError):
    """What was asked for would move, take in or remove something. Nothing was changed."""

    code = "safe_mode"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the appliance is in safe mode ({reason}); {NEXT_STEP}")


@dataclass(frozen=True, slots=True)
class SafeMode:
    """``reason``: why it was begun, in words."""

    reason: str

    def say(self, problems: Problems) -> None:
        message = f"safe mode: nothing is taken in, moved or checked, for {self.reason}"
        problems.raise_(InSafeMode.code, "appliance", message, NEXT_STEP, needs_you=True)

    @property
    def commands(self) -> frozenset[CommandName]:
        """Those of Home Assistant that are refused."""
        return frozenset({CommandName.SYNC, CommandName.VERIFY})

    def check(self, shape: type[Verb]) -> None:
        """Returns where such a request looks, or sets something. Raises InSafeMode."""
        looks = shape.looks and shape.answer is not JobStarted
        if not looks and not shape.verb.startswith(_MAY_BE_SET) and shape.verb not in _MAY_BE_DONE:
            self.refuse()

    def refuse(self, *_: object) -> NoReturn:
        """In place of whatever would set something going. Raises InSafeMode."""
        raise InSafeMode(self.reason)

    def deeds(self, usual: Deeds) -> Deeds:
        """What the button does meanwhile."""
        return Deeds(sync=self.refuse, pause=usual.pause, shutdown=usual.shutdown)
