"""What the steps of an installation work with: where, what was chosen, from which clone, by which programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from appliance.installation.choices import Choices
from appliance.installation.layout import Layout
from appliance.installation.machine import computer_name
from appliance.installation.releases import Release, current
from appliance.installation.running import Programs


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """One computer with one installation, there or coming."""

    layout: Layout
    choices: Choices
    source: Path
    programs: Programs = field(default_factory=Programs)

    @property
    def data(self) -> Path:
        return self.layout.at(self.choices.data)

    @property
    def name(self) -> str:
        """By which the house finds this computer."""
        return self.choices.name(computer_name(self.layout))

    @property
    def panel_url(self) -> str:
        return self.choices.address(self.name)

    @property
    def is_installed(self) -> bool:
        """An installation came to its end here: from then on another release comes by an upgrade only."""
        return self.layout.finished.exists() and self.release is not None

    @property
    def release(self) -> Release | None:
        """The one in use, if it is whole."""
        found = current(self.layout)
        return found if found and found.is_finished else None
