"""How far an upgrade is: written down before each stage begins, so that whoever comes after a power cut knows what may have happened."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Self

from appliance.installation import writing
from appliance.installation.errors import CannotGoOn
from appliance.installation.layout import Layout

JOURNAL, RESULT = "journal.json", "result.json"


class Stage(StrEnum):
    """What may have been begun. Only from TESTING on the new version may have been accepted."""

    PREPARED = "prepared"  # nothing
    STOPPING = "stopping"  # the units are being stopped
    KEEPING = "keeping"  # a copy is being made; nothing is changed
    SWITCHING = "switching"  # the copy is whole; everything may be old or new
    TESTING = "testing"  # the trial's marker was there, and the new version starts
    GOING_BACK = "going back"  # everything may be old or new
    RETURNED = "returned"  # everything is as it was; the old version may have gone on, so the copy is of no use any more
    FINISHING = "finishing"  # the new version was accepted


@dataclass(frozen=True, kw_only=True, slots=True)
class Journal:
    """Of one upgrade. ``trial_id``: in the marker. ``old`` and ``new``: names of releases. ``why``: it goes back, for a person."""

    trial_id: str
    old: str
    new: str
    stage: Stage = Stage.PREPARED
    why: str = ""

    def at(self, stage: Stage, layout: Layout, why: str = "") -> Self:
        """The next stage begins: synced when this returns."""
        now = replace(self, stage=stage, why=why or self.why)
        now.write(layout)
        return now

    def write(self, layout: Layout) -> None:
        _write(layout, JOURNAL, asdict(self))


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """How the last upgrade ended. ``upgraded``: the new version is in use; ``words`` say what happened, for a person."""

    upgraded: bool
    words: str

    def write(self, layout: Layout) -> None:
        _write(layout, RESULT, asdict(self))


def read(layout: Layout) -> Journal | None:
    """Of the upgrade that is under way; None: there is none. Raises CannotGoOn."""
    path = layout.upgrade / JOURNAL
    try:
        document = json.loads(path.read_text())
        known = {name: document[name] for name in Journal.__dataclass_fields__ if name in document}  # a later version may know more
        return Journal(**{**known, "stage": Stage(known["stage"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CannotGoOn(
            f"{path} cannot be read: {error}.", "Ask for help: an upgrade was broken off, and how far it was is not known."
        ) from error


def check_none(layout: Layout) -> None:
    """Raises CannotGoOn while an upgrade has not ended: what it keeps is needed, and what runs may go back."""
    if read(layout):
        raise CannotGoOn(
            "an upgrade has not ended.", "Wait for it. If it was broken off, start this computer anew: it ends there by itself."
        )


def result(layout: Layout) -> Result | None:
    """None: no upgrade has ended, or not on this computer."""
    try:
        return Result(**json.loads((layout.upgrade / RESULT).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def forget(layout: Layout) -> None:
    """The upgrade is over. Synced."""
    writing.remove(layout.upgrade / JOURNAL)
    writing.sync(layout.upgrade)


def _write(layout: Layout, name: str, document: dict[str, object]) -> None:
    writing.make_folder(layout.upgrade, 0o700)
    writing.write(layout.upgrade / name, json.dumps(document, indent=1) + "\n", 0o600, layout.owner())
