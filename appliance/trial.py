"""The trial of an upgrade: while its marker lies in the data folder, the appliance is online and acknowledges nothing.

Whoever upgrades writes the marker before the new version starts, and keeps a copy of catalog and ledgers to go back to. So whatever is
acknowledged before the marker is gone could be lost. Its removal is the point from which on nobody goes back.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from appliance import durable
from appliance.errors import Upgrading
from appliance.front_panel.panel import Deeds
from mqtt.commands import CommandName
from mqtt.upgrade_verbs import UpgradeAccept, UpgradeSelfTest
from mqtt.verb import Verb
from mqtt.verb_answers import JobStarted

FILE_NAME = "upgrade-trial.json"
_ITS_OWN = frozenset({UpgradeSelfTest.verb, UpgradeAccept.verb})


@dataclass(frozen=True, slots=True)
class Trial:
    """``id``: the upgrade's, random; "" where the marker does not tell: it is one all the same, and nobody can accept it."""

    folder: Path
    id: str

    def accept(self) -> None:
        """From here on nobody goes back. Synced. Raises OSError. Safe to repeat."""
        durable.unlink(self.folder / FILE_NAME, missing_ok=True)
        durable.sync_dir(self.folder)

    @property
    def commands(self) -> frozenset[CommandName]:
        """Those of Home Assistant that are refused: all."""
        return frozenset(CommandName)

    def check(self, shape: type[Verb]) -> None:
        """Returns where a request of that kind only looks, or is the upgrade's own. Raises Upgrading."""
        # A job that only looks writes down what it found.
        if shape.verb not in _ITS_OWN and (not shape.looks or shape.answer is JobStarted):
            self.refuse()

    def refuse(self, *_: object) -> NoReturn:
        """In the place of whatever would change something. Raises Upgrading."""
        raise Upgrading

    def deeds(self, usual: Deeds) -> Deeds:
        """What the button does meanwhile: the computer can be shut down, and the next start goes back."""
        return Deeds(sync=self.refuse, pause=self.refuse, shutdown=usual.shutdown)


def read(folder: Path) -> Trial | None:
    """The trial that is under way, by its marker in the data folder; None: there is none. Raises OSError."""
    try:
        document = json.loads((folder / FILE_NAME).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        document = {}
    known = document.get("trial_id") if isinstance(document, dict) else None
    return Trial(folder, known if isinstance(known, str) else "")
