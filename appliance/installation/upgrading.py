"""The part of an upgrade that may be broken off: it stops the old version, tries the new one, and goes back unless that is accepted.

Each stage is written down before it begins (``upgrade_journal``). The decision lies in the data folder: the trial's marker, which the new
version removes when it is accepted. Before that everything goes back as it was, after it nothing does.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from appliance.installation import data, keeping, releases, services, upgrade_journal, writing
from appliance.installation.errors import CannotGoOn
from appliance.installation.layout import APPLIANCE_USER, BROKER_UNIT, FILES_GROUP, UNITS
from appliance.installation.releases import Release
from appliance.installation.site import Site
from appliance.installation.steps import Say
from appliance.installation.trying import BASELINE, STEADY_S, WITHIN_S, TrialFailed, accept, last_words, wait_until_online
from appliance.installation.upgrade_journal import Journal, Result, Stage

MARKER = "upgrade-trial.json"
_NEXT = "Look at `journalctl -b`, mend what is said there, then: sudo ./install.sh upgrade"
_AT_ONCE = "Nothing was lost. Mend that, or wait for a later version, then: sudo ./install.sh upgrade"
Configure = Callable[[Site], None]


def data_is_there(data: Path) -> bool:
    """A disk that is not mounted is an empty folder."""
    return (data / "appliance_id").is_file()


@dataclass(slots=True)
class Upgrading:
    """One upgrade, from any stage on. ``configure(site)`` writes what depends on the release in use.

    ``at_boot``: before the units are started, and they start afterwards: none is stopped here, nor waited for.
    """

    site: Site
    journal: Journal
    say: Say
    configure: Configure
    at_boot: bool = False
    within_s: float = WITHIN_S
    steady_s: float = STEADY_S
    began_s: float = field(default_factory=time.time)

    def run(self) -> Result:
        """From the beginning, or from where it was broken off: then it goes back, unless the new version was accepted. Raises OSError."""
        match self.journal.stage:
            case Stage.PREPARED if not self.at_boot:
                return self._forward()
            case Stage.FINISHING:
                return self._finish()
            case Stage.GOING_BACK | Stage.RETURNED:
                return self._go_back(self.journal.why)
        return self._go_back("the upgrade was broken off: by a power cut, or somebody ended it")

    # Forward

    def _forward(self) -> Result:
        try:
            self._switch()
            self._try()
        except (CannotGoOn, TrialFailed, OSError) as error:
            return self._go_back(str(error))
        return self._finish()

    def _switch(self) -> None:
        """Everything but the start. Raises CannotGoOn, OSError."""
        self._at(Stage.STOPPING, f"Stopping {self.journal.old} …")
        self._stop()
        self._at(Stage.KEEPING, "Keeping a copy of catalog and ledgers to go back to …")
        keeping.keep(self.site.layout, self.site.data)
        self._at(Stage.SWITCHING, f"Switching to {self.journal.new} …")
        owner = self.site.layout.owner(APPLIANCE_USER, FILES_GROUP)
        writing.write(self._marker, json.dumps({"trial_id": self.journal.trial_id}) + "\n", 0o644, owner)
        releases.switch(self._release(self.journal.new), self.site.layout)
        self.configure(self.site)
        self._systemctl("daemon-reload")

    def _try(self) -> None:
        """Returns where the new version was accepted. Raises TrialFailed, CannotGoOn, OSError."""
        self._at(Stage.TESTING, "Starting and testing it; until that is over nothing is taken in …")
        self._start()
        accept(self.site, self.journal.trial_id, lambda: self.is_accepted, self.within_s, self.steady_s)

    @property
    def is_accepted(self) -> bool:
        """The marker is gone, from a data folder that is there: one whose disk is away tells nothing. Raises CannotGoOn."""
        if not data_is_there(self.site.data):
            raise CannotGoOn(
                f"the data folder {self.site.choices.data} is away.", "Connect and mount its disk, then start this computer anew."
            )
        return self.journal.stage is Stage.TESTING and not self._marker.exists()

    # Back

    def _go_back(self, why: str) -> Result:
        words = last_words(self.site, self.began_s) if not self.at_boot and self.journal.stage is Stage.TESTING else ""
        if self.journal.stage not in {Stage.PREPARED, Stage.STOPPING, Stage.KEEPING, Stage.RETURNED}:
            self._stop()  # from here on nobody accepts it any more
            if self.is_accepted:
                self._start_again()
                return self._finish()
            self._at(Stage.GOING_BACK, f"{why}\nGoing back to {self.journal.old} …", why=why)
            self._put_back()
            self._at(Stage.RETURNED, f"Starting {self.journal.old} …")
        self._start_again()
        return self._stayed("\n".join(part for part in (why, words) if part))

    def _put_back(self) -> None:
        """The marker goes last: an old version on the copy's state acknowledges what the copy does not have."""
        layout = self.site.layout
        keeping.restore_data(layout, self.site.data)
        releases.switch(self._release(self.journal.old), layout)
        keeping.restore_system(layout)
        self._systemctl("daemon-reload")
        if not self.at_boot:
            self.site.programs.run("systemctl", "restart", BROKER_UNIT)  # without it the old version goes on all the same
        writing.remove(self._marker)
        writing.sync(self.site.data)

    def _stayed(self, why: str) -> Result:
        words = f"The upgrade to {self.journal.new} was taken back; {self.journal.old} is in use, with all data.\n{why}"
        if not self.at_boot and not wait_until_online(self.site, self.within_s):
            words += f"\n{self.journal.old} is not online yet, either: `pyarchive doctor` looks why.\n{last_words(self.site, self.began_s)}"
        return self._end(Result(upgraded=False, words=f"{words}\n{_AT_ONCE}"))

    # The end

    def _finish(self) -> Result:
        """Only what was kept to go back is still to go."""
        self._at(Stage.FINISHING, "It was accepted.")
        layout = self.site.layout
        for path in sorted(layout.releases.iterdir()):
            if path.name not in {self.journal.old, self.journal.new}:
                writing.remove(path)
        return self._end(
            Result(upgraded=True, words=f"{self.journal.new} is in use; {self.journal.old} stays on the disk until the next upgrade.")
        )

    def _end(self, result: Result) -> Result:
        """The journal goes last: whoever comes while it is there does this again."""
        layout = self.site.layout
        result.write(layout)
        keeping.forget(layout)
        writing.remove(layout.upgrade / BASELINE)
        upgrade_journal.forget(layout)
        writing.remove(layout.upgrading)
        if self.at_boot:  # they wait for our end; those that a failure of ours had turned away come now
            self.site.programs.run("systemctl", "start", "--no-block", *UNITS)
        self.say(result.words)
        return result

    # Parts

    @property
    def _marker(self) -> Path:
        return self.site.data / MARKER

    def _release(self, name: str) -> Release:
        return Release(self.site.layout.releases / name)

    def _at(self, stage: Stage, words: str, why: str = "") -> None:
        self.journal = self.journal.at(stage, self.site.layout, why)
        self.say(words)

    def _stop(self) -> None:
        """Until no process of them is left. Raises CannotGoOn."""
        if self.at_boot:
            return
        self._systemctl("stop", *reversed(UNITS))
        data.check_not_in_use(self.site)
        # How often it crashed: systemd keeps that where it stops a unit that is between two starts. No version answers for another.
        writing.remove(self.site.layout.at("/run/pyarchive-appliance"))

    def _start(self) -> None:
        """The new version, with all units that it has."""
        self.site.programs.run("systemctl", "reset-failed", *UNITS)
        for step in services.start_steps(self.site):
            if not step.is_done():
                step.do()

    def _start_again(self) -> None:
        """Whatever is in use, by the units that are there."""
        if not self.at_boot:
            self.site.programs.run("systemctl", "reset-failed", *UNITS)
            self._systemctl("start", "--no-block", *UNITS)

    def _systemctl(self, *arguments: str) -> None:
        self.site.programs.must("systemctl", *arguments, next_step=_NEXT)
