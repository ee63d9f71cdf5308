"""``sudo ./install.sh upgrade``: looks whether it can work, makes the new release beside the old one, and hands over to ``upgrading``.

That part runs as a unit of its own (systemd-run), so that it goes on when the line to this computer drops, and is started anew when it is
killed. After a power cut ``pyarchive-upgrade.service`` ends it, before the appliance starts.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from appliance.installation import (
    choices,
    disks,
    keeping,
    machine,
    packages,
    people,
    plan,
    releases,
    steps,
    trying,
    upgrade_journal,
    writing,
)
from appliance.installation.choices import Choices
from appliance.installation.errors import CannotGoOn
from appliance.installation.install import check
from appliance.installation.layout import Layout
from appliance.installation.releases import Release
from appliance.installation.running import Programs
from appliance.installation.site import Site
from appliance.installation.steps import Say
from appliance.installation.upgrade_journal import Journal, Result
from appliance.installation.upgrading import Upgrading, data_is_there

UNIT = "pyarchive-upgrading"
_PROGRAM_BYTES, _SPARE_BYTES = 800 << 20, 64 << 20
_LOCK, _PROGRESS = "lock", "progress"
_PAUSE_S, _DISK_PAUSE_S = 0.2, 2.0
_IT_ENDS = "Start this computer anew: it ends there, or goes back, by itself."


def upgrade(given: argparse.Namespace, layout: Layout, source: Path, say: Say, programs: Programs | None = None) -> int:
    """Exit status 0: the version of this clone is in use; 1: the old one is, with all data. Raises CannotGoOn: nothing was changed."""
    machine.check_root()
    machine.check_system(layout)
    site = Site(layout=layout, choices=_choices(layout), source=source, programs=programs or Programs())
    new = releases.release_of(source, layout.releases)
    with _alone(layout):
        if upgrade_journal.read(layout) and not given.dry_run:
            say("An earlier upgrade was broken off; that is ended first.")
        elif not _begin(site, new, say, dry=given.dry_run):
            return 0
    return _follow(site, say)


def _begin(site: Site, new: Release, say: Say, *, dry: bool) -> bool:
    """Whether there is something to follow now. Raises CannotGoOn."""
    old = _checked(site, new)
    if new.name == old.name:
        say(f"{new.name} is installed already; nothing was done.")
    elif dry:
        _tell(site, old, new, say)
    else:
        _prepare(site, old, new, say)
        return True
    return False


def go_on(layout: Layout, source: Path, say: Say, programs: Programs | None = None) -> int:
    """What the unit of its own runs: from the journal on. Exit status 0 once the upgrade has ended, whichever way."""
    with _alone(layout):
        _end(layout, source, _kept_by(layout, say), programs or Programs(), at_boot=False)
    return 0


def resume(layout: Layout, source: Path, say: Say, programs: Programs | None = None) -> int:
    """At boot, before the units start. While an upgrade is under way there is nothing to do: its own unit does it. Raises CannotGoOn.

    The disk of the data may come late, and is waited for: the units wait for our end, and would not come back after a failure.
    """
    try:
        with _alone(layout):
            if upgrade_journal.read(layout):
                _wait_for_data(layout.at(_choices(layout).data), say)
            _end(layout, source, say, programs or Programs(), at_boot=True)
    except _UnderWay:
        say("An upgrade is under way.")
    return 0


def _wait_for_data(data: Path, say: Say) -> None:
    if not data_is_there(data):
        say(f"Waiting for the disk of {data}: what lies there says how the upgrade ends.")
    while not data_is_there(data):
        time.sleep(_DISK_PAUSE_S)  # however long: a disk that is away decides nothing


def _end(layout: Layout, source: Path, say: Say, programs: Programs, *, at_boot: bool) -> Result | None:
    journal = upgrade_journal.read(layout)
    if journal is None:
        return None
    site = Site(layout=layout, choices=_choices(layout), source=source, programs=programs)
    return Upgrading(site=site, journal=journal, say=say, configure=configure, at_boot=at_boot).run()


def configure(site: Site) -> None:
    """What depends on the release in use: settings, units, the broker's configuration. Raises CannotGoOn."""
    for step in plan.configuration(site):
        if not step.is_done():
            step.do()


# Before anything is changed


class _UnderWay(CannotGoOn):
    """Another one is at work."""

    def __init__(self) -> None:
        super().__init__("an upgrade is under way.", f"Follow it with `journalctl -fu {UNIT}`, and try again when it is over.")


@contextlib.contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """One at a time. Raises CannotGoOn."""
    writing.make_folder(layout.upgrade, 0o700)
    with os.fdopen(os.open(layout.upgrade / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _UnderWay from None
        yield


def _choices(layout: Layout) -> Choices:
    kept = choices.kept(layout.choices_file)
    if not kept:
        raise CannotGoOn("nothing is installed here.", "Install it first: sudo ./install.sh")
    return Choices(**kept)


def _checked(site: Site, new: Release) -> Release:
    """The release in use. Raises CannotGoOn."""
    old = site.release
    if old is None:
        raise CannotGoOn("the installation is not whole.", "Go on with it first: sudo ./install.sh")
    if not machine.is_running_systemd(site.layout):
        raise CannotGoOn("systemd does not run here.", "Start this computer, and try again there.")
    upgrade_journal.check_none(site.layout)
    if _version(new) < _version(old):
        raise CannotGoOn(
            f"this folder holds {new.name}, which is older than {old.name}, the one in use.",
            "An older version cannot go on with what a newer one has written: get the newest (git pull), and try again.",
        )
    _check_recovery(site)
    _check_room(site)
    check(site)
    return old


def _version(release: Release) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", release.name.rpartition("-")[0]))


def _check_recovery(site: Site) -> None:
    """What a recovery does goes on at each start, and must not be begun by a version that may go back."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if json.loads((site.data / "recovery.json").read_text()).get("stage") in {"becoming", "running"}:
            raise CannotGoOn("a recovery is under way.", "Wait for its end (`pyarchive recover` tells), and try again.")


def _check_room(site: Site) -> None:
    if not data_is_there(site.data):
        raise CannotGoOn(f"the data folder {site.choices.data} is away.", "Connect and mount its disk, and try again.")
    small = keeping.size_bytes(site.data)
    needs = {"/opt": _PROGRAM_BYTES, "/var/lib": small + _SPARE_BYTES, site.choices.data: small + _SPARE_BYTES}
    for place, bytes_ in needs.items():
        if disks.free_bytes(site.layout, place) < bytes_:
            raise CannotGoOn(f"the disk of {place} has less than {bytes_ >> 20} MiB free.", "Make room there, and try again.")


def _tell(site: Site, old: Release, new: Release, say: Say) -> None:
    if missing := packages.missing(site.layout, plan.wanted_packages(site)):
        say(f"would install the packages {', '.join(missing)}")
    steps.tell(people.steps(site.programs, site.layout, share=site.choices.share), say)
    if not new.is_finished:
        say(f"would make the environment {site.layout.inside(new.path)} with the new version; the old one runs meanwhile")
    say(f"would stop {old.name}, and keep a copy of catalog and ledgers ({keeping.size_bytes(site.data) >> 20} MiB) to go back to")
    say(f"would switch to {new.name}, write its units and configuration, start it, and test it")
    say(f"would go back to {old.name} by itself if that is not online or does not pass its test")


# While the old version runs


def _prepare(site: Site, old: Release, new: Release, say: Say) -> None:
    """Everything that takes long, and the journal. Raises CannotGoOn; what runs still runs then."""
    layout = site.layout
    if missing := packages.missing(layout, plan.wanted_packages(site)):
        say(f"Installing {', '.join(missing)} …")
        packages.install(site.programs, layout, missing)
    steps.carry_out(people.steps(site.programs, layout, share=site.choices.share), say)
    if not new.is_finished:
        say(f"Making {new.name}, while {old.name} runs; this takes some minutes …")
    releases.build(site.programs, site.source, layout.releases)
    writing.point(layout.previous, f"releases/{old.name}")
    _note_baseline(site)
    writing.write(layout.upgrade / _PROGRESS, "", 0o600, layout.owner())
    writing.remove(layout.upgrade / upgrade_journal.RESULT)
    writing.write(layout.upgrading, "")
    Journal(trial_id=secrets.token_hex(8), old=old.name, new=new.name).write(layout)


def _note_baseline(site: Site) -> None:
    """What the old version finds wrong with itself; where it does not run, nothing, and the new one has to be without fault."""
    path = site.layout.upgrade / trying.BASELINE
    writing.remove(path)
    tested = site.programs.run(site.layout.current / "bin/pyarchive", "self-test", "--json")
    with contextlib.suppress(ValueError):
        result, _ = json.JSONDecoder().raw_decode(tested.output.strip())
        if isinstance(result, dict) and isinstance(result.get("checks"), list):
            writing.write(path, json.dumps(result), 0o600, site.layout.owner())


# Handing over


def _follow(site: Site, say: Say) -> int:
    """Whoever watches may leave; it goes on."""
    python = ("/usr/bin/env", f"PYTHONPATH={site.source}", sys.executable, "-B", "-P", "-m", "appliance.installation", "go-on")
    unit = ("systemd-run", "--quiet", "--collect", "--unit", UNIT, "--property", "Restart=on-failure", "--property", "RestartSec=2")
    site.programs.must(
        *unit, "--property", "StartLimitBurst=10", "--", *python, next_step="Start this computer anew; it goes back by itself."
    )
    told = 0
    while True:
        at_work = _is_at_work(site)
        result = None if upgrade_journal.read(site.layout) else upgrade_journal.result(site.layout)
        told = _tell_progress(site.layout, told, say)
        if result:
            return 0 if result.upgraded else 1
        if not at_work:
            raise CannotGoOn("the upgrade was broken off.", _IT_ENDS)
        time.sleep(_PAUSE_S)  # the other process is asked again; it ends, or is found gone


def _is_at_work(site: Site) -> bool:
    state = site.programs.run("systemctl", "is-active", UNIT).output.strip()
    return state in {"active", "activating", "reloading", "deactivating"}


def _tell_progress(layout: Layout, told: int, say: Say) -> int:
    lines = (layout.upgrade / _PROGRESS).read_text().splitlines()
    for line in lines[told:]:
        say(line)
    return len(lines)


def _kept_by(layout: Layout, say: Say) -> Say:
    """Said, and kept for whoever follows."""

    def both(words: str) -> None:
        with (layout.upgrade / _PROGRESS).open("a") as file:
            file.write(f"{words}\n")
        say(words)

    return both
