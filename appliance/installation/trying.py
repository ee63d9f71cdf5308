"""A new version on trial, as it is seen from outside: whether its units run, whether it is online, whether it passes its own test."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from appliance.installation.layout import UNITS
from appliance.installation.running import Result
from appliance.installation.site import Site

BASELINE = "self-test.json"
"""What the old version found out about itself, beside the journal: that is no reason to go back to it."""
WITHIN_S = 420.0
"""A start that reads a large catalog from an SD card takes minutes; one that hangs is killed by the watchdog before."""
_PAUSE_S = 1.0
STEADY_S = 20.0
"""So long the processes that passed have to live on: one that crashes a moment later would be accepted within that moment."""
_MOST_RESTARTS = 3
_LINES = "25"


class TrialFailed(Exception):
    """The new version does not come online, or finds something wrong with itself. The text says what, with the journal's last lines."""


@dataclass(slots=True)
class _Passed:
    """Which processes passed the test, and when; none yet: ``lives`` is empty."""

    lives: tuple[str, ...] = ()
    at_s: float = 0.0

    def note(self, lives: tuple[str, ...]) -> None:
        self.lives, self.at_s = lives, time.monotonic()


def accept(site: Site, trial_id: str, is_accepted: Callable[[], bool], within_s: float, steady_s: float) -> None:
    """Returns once it is accepted: the same processes passed twice, ``steady_s`` apart.

    Raises TrialFailed: it crashes, hangs, is not online in time, or has not passed twice.
    """
    end_s, failures, passed = time.monotonic() + within_s, 0, _Passed()
    while not is_accepted():
        if time.monotonic() > end_s:
            raise TrialFailed(f"it is not online, or does not stay so, after {within_s:.0f} s: {_how_units_are(site)}")
        if crashing := [name for name in UNITS if _restarts(site, name) >= _MOST_RESTARTS]:
            raise TrialFailed(f"{', '.join(crashing)} crashes, or stands still, again and again.")
        if tested := _look(site, trial_id, passed, steady_s):
            failures += tested.status != 0 and '"checks"' in tested.output
            if failures > 1:
                raise TrialFailed(f"its self-test does not pass: {tested.output.strip().splitlines()[-1]}")
        if not is_accepted():
            time.sleep(_PAUSE_S)  # systemd is asked again; the loop ends by its own deadline


def _look(site: Site, trial_id: str, passed: _Passed, steady_s: float) -> Result | None:
    """What a test said; None: there is nothing to be tested yet, or what has passed is still to show that it lives on."""
    if not all(_is_active(site, name) for name in UNITS):
        return None
    lives = tuple(_property(site, name, "MainPID") for name in UNITS)
    if lives == passed.lives:
        return _tested(site, ("--accept", trial_id)) if time.monotonic() - passed.at_s >= steady_s else None
    tested = _tested(site)
    if tested.status == 0:
        passed.note(lives)
    return tested


def wait_until_online(site: Site, within_s: float) -> bool:
    """False where it does not come."""
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        if not site.programs.run(_pyarchive(site), "status", "--json").status:
            return True
        time.sleep(_PAUSE_S)  # systemd is asked again; the loop ends by its own deadline
    return False


def last_words(site: Site, since_s: float) -> str:
    """The last lines of the journal of units that do not run, else of the appliance."""
    down = [name for name in UNITS if not _is_active(site, name)] or UNITS[:1]
    said = [_journal(site, name, since_s) for name in down]
    return "\n".join(f"The last lines of {name}:\n{lines}" for name, lines in zip(down, said, strict=True) if lines)


def _journal(site: Site, name: str, since_s: float) -> str:
    asked = ("journalctl", "--no-pager", "--output", "cat", "--lines", _LINES, "--since", f"@{since_s:.0f}", "--unit", name)
    return site.programs.run(*asked).output.strip()


def _tested(site: Site, more: tuple[str, ...] = ()) -> Result:
    baseline = site.layout.upgrade / BASELINE
    known = ("--known", baseline) if baseline.is_file() else ()
    return site.programs.run(_pyarchive(site), "self-test", "--json", *more, *known)


def _pyarchive(site: Site) -> str:
    return str(site.layout.current / "bin/pyarchive")


def _is_active(site: Site, name: str) -> bool:
    return site.programs.run("systemctl", "is-active", "--quiet", name).status == 0


def _restarts(site: Site, name: str) -> int:
    shown = _property(site, name, "NRestarts")
    return int(shown) if shown.isdigit() else 0


def _property(site: Site, name: str, which: str) -> str:
    return site.programs.run("systemctl", "show", "--property", which, "--value", name).output.strip()


def _how_units_are(site: Site) -> str:
    states = (site.programs.run("systemctl", "is-active", name).output.strip() or "unknown" for name in UNITS)
    return ", ".join(f"{name} is {state}" for name, state in zip(UNITS, states, strict=True))
