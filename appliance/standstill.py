"""What the appliance answers while it does not work: during the trial of an upgrade, and in safe mode."""

from __future__ import annotations

from typing import NoReturn, Protocol

from appliance.front_panel.panel import Deeds
from mqtt.commands import CommandName
from mqtt.verb import Verb


class Standstill(Protocol):
    """``commands``: those of Home Assistant that are refused."""

    @property
    def commands(self) -> frozenset[CommandName]: ...

    def check(self, shape: type[Verb]) -> None:
        """Returns where a request of that kind is done all the same. Raises ApplianceError."""

    def refuse(self, *_: object) -> NoReturn:
        """In the place of whatever would set something going. Raises ApplianceError."""

    def deeds(self, usual: Deeds) -> Deeds:
        """What the button does meanwhile."""
