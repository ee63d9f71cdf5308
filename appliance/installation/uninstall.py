"""``install.sh --uninstall``: the programs go, data and passwords of the broker stay, and it is said where."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from appliance.installation import asking, choices, machine, mdns, services, share, steps, upgrade_journal, writing
from appliance.installation.choices import Choices
from appliance.installation.errors import CannotGoOn
from appliance.installation.layout import BROKER_UNIT, Layout
from appliance.installation.running import Programs
from appliance.installation.site import Site
from appliance.installation.steps import Say, Step


def uninstall(given: argparse.Namespace, layout: Layout, source: Path, say: Say, programs: Programs | None = None) -> int:
    """Exit status 0, also where there is nothing. Raises CannotGoOn."""
    machine.check_root()
    upgrade_journal.check_none(layout)
    site = Site(layout=layout, choices=Choices(**choices.kept(layout.choices_file)), source=source, programs=programs or Programs())
    due = list(plan(site))
    if all(step.is_done() for step in due):
        say("There is nothing to uninstall.")
        return 0
    if given.dry_run:
        steps.tell(due, say)
        return 0
    if (
        not given.yes
        and asking.is_terminal()
        and not asking.agreed("Stop PyArchive and remove its programs from this computer? Data stays.")
    ):
        raise CannotGoOn("nothing was removed.", "Answer y, or give --yes.")
    steps.carry_out(due, say)
    _say_what_stays(site, say)
    return 0


def plan(site: Site) -> Iterator[Step]:
    """Units first, so that nothing runs whose program is gone. What was chosen stays, so that another installation finds the data."""
    yield Step(words="stop its services and remove their units", is_done=lambda: not _units(site), do=lambda: _remove_units(site))
    drop_in = site.layout.units / services.DROP_IN
    yield Step(
        words="stop Mosquitto and give it back to Debian's configuration",
        is_done=lambda: not drop_in.exists(),
        do=lambda: _give_back(site, drop_in),
    )
    yield from share.removal(site)
    yield from mdns.removal(site)
    for path in (site.layout.at(services.POLKIT_RULE), site.layout.command, site.layout.program, site.layout.upgrade):
        yield _gone(site, path)


def _gone(site: Site, path: Path) -> Step:
    return Step(
        words=f"remove {site.layout.inside(path)}",
        is_done=lambda: not path.exists() and not path.is_symlink(),
        do=lambda: writing.remove(path),
    )


def _units(site: Site) -> list[Path]:
    """Ours, but for what somebody added to them (``systemctl edit``)."""
    return sorted(path for path in site.layout.units.glob("pyarchive-*") if path.is_file())


def _remove_units(site: Site) -> None:
    names = [path.name for path in _units(site)]
    if machine.is_running_systemd(site.layout):
        services.systemctl(site, "stop", *names)
    services.systemctl(site, "disable", *names)
    for path in _units(site):
        writing.remove(path)
    _reload(site)


def _give_back(site: Site, drop_in: Path) -> None:
    if machine.is_running_systemd(site.layout):
        services.systemctl(site, "stop", BROKER_UNIT)
    services.systemctl(site, "disable", BROKER_UNIT)
    writing.remove(drop_in)
    if not any(drop_in.parent.iterdir()):
        writing.remove(drop_in.parent)
    _reload(site)


def _reload(site: Site) -> None:
    if machine.is_running_systemd(site.layout):
        services.systemctl(site, "daemon-reload")


def _say_what_stays(site: Site, say: Say) -> None:
    data, inside = site.choices.data, site.layout.inside
    say("PyArchive is uninstalled. What stays:")
    say(f"  {data}: all archives, the catalog, sign-ins of connections; in {data}/store each archive is a plain file")
    say(f"  {inside(site.layout.configuration)}: settings, what was chosen, passwords of the broker")
    say(f"  {inside(site.layout.panel_state)}: uploads that were not finished")
    say("  users and groups, because these files belong to them; Debian's packages; Mosquitto, stopped")
    say("Another `sudo ./install.sh` goes on with all of it. To remove it for ever, remove these folders by hand.")
