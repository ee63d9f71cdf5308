"""``install.sh`` as root: looks whether it can work, asks what matters, does what is not done, says how it ended."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from appliance.installation import (
    asking,
    broker,
    certificates,
    choices,
    data,
    disks,
    ending,
    machine,
    packages,
    plan,
    ports,
    releases,
    settings_file,
    steps,
    upgrade_journal,
)
from appliance.installation.choices import Choices
from appliance.installation.errors import CannotGoOn
from appliance.installation.layout import BROKER_UNIT, Layout
from appliance.installation.running import Programs
from appliance.installation.site import Site
from appliance.installation.steps import Say

_PROGRAM_BYTES = 800 << 20


def install(given: argparse.Namespace, layout: Layout, source: Path, say: Say, programs: Programs | None = None) -> int:
    """Exit status 0. Raises CannotGoOn; what is done by then is found done by the next run."""
    machine.check_root()
    machine.check_system(layout)
    upgrade_journal.check_none(layout)
    site = Site(layout=layout, choices=choices_of(given, layout, say), source=source, programs=programs or Programs())
    _check_release(site)
    check(site)
    asking.warn_of_late_disk(layout, site.choices.data, say)
    _check_owner(site, given)
    if given.dry_run:
        if not steps.tell(plan.install(site), say):
            say("Everything is installed as chosen; nothing would be done.")
        return 0
    count = steps.carry_out(plan.install(site), say)
    return _end(site, count, say)


def check(site: Site) -> None:
    """All that can be known before anything is changed. Raises CannotGoOn."""
    if site.release is None and disks.free_bytes(site.layout, "/opt") < _PROGRAM_BYTES:
        raise CannotGoOn("the disk of /opt has less than 800 MiB free.", "Make room there, and try again.")
    data.check(site)
    settings_file.check(site)
    if not packages.missing(site.layout, ["openssl"]):
        certificates.check(site)
    broker.check(site)
    proc = site.layout.at("/proc")
    ports.check_free(site.choices.port, "the panel", ("pyarchive-panel.service",), "choose another one with --panel-port", proc)
    loopback, lan = (broker.port(site, name) for name in ("loopback_port", "lan_port"))
    ports.check_free(loopback, "the broker", (BROKER_UNIT,), "let PyArchive have a computer of its own", proc)
    if site.choices.lan:
        ports.check_free(lan, "the broker", (BROKER_UNIT,), "do without Home Assistant at the broker (--no-lan)", proc)


def _check_release(site: Site) -> None:
    """Raises CannotGoOn where another version is installed: units, code and data of one computer are of one version."""
    here = releases.release_of(site.source, site.layout.releases)
    if site.is_installed and site.release and site.release != here:
        raise CannotGoOn(f"{site.release.name} is installed; this folder is {here.name}.", "To bring it in: sudo ./install.sh upgrade")


def choices_of(given: argparse.Namespace, layout: Layout, say: Say) -> Choices:
    """What was given, else what was chosen before, else the default; the data folder is asked for where it would lie on an SD card."""
    said = {field.name: value for field in dataclasses.fields(Choices) if (value := getattr(given, field.name, None)) is not None}
    if said.get("tls", "own") != "own":
        said |= {"tls_certificate": "", "tls_key": ""}
    elif "tls_certificate" in said:
        said["tls"] = "own"
    before = choices.kept(layout.choices_file)
    chosen = Choices(**before | said)
    if before and chosen.data != Choices(**before).data:
        raise CannotGoOn(
            f"this appliance keeps its data in {before['data']}, not in {chosen.data}.",
            "Move it first, as docs/pi.md tells (Moving to another disk).",
        )
    if not before and asking.warn_of_sd_card(layout, chosen.data, say) and "data" not in said and asking.is_terminal() and not given.yes:
        chosen = dataclasses.replace(chosen, data=asking.data_folder(chosen.data))
    return chosen


def _check_owner(site: Site, given: argparse.Namespace) -> None:
    """Data of another computer, or of a demo, is taken over with consent only."""
    if not data.is_anothers(site):
        return
    data.check_not_in_use(site)
    question = f"{site.choices.data} holds the data of appliance {data.appliance_id(site)}, and its files belong to another user."
    if given.yes or given.dry_run or (asking.is_terminal() and asking.agreed(f"{question} Take it over?")):
        return
    raise CannotGoOn(
        question, "To go on with this data here, and nowhere else: sudo ./install.sh --yes. Or choose another folder with --data."
    )


def _end(site: Site, count: int, say: Say) -> int:
    if not machine.is_running_systemd(site.layout):
        say("Everything is installed. systemd does not run here: the services start at the next boot.")
        return 0
    ending.wait_until_online(site)
    if not count:
        say("Everything was installed as chosen already; nothing was done.")
    ending.tell(site, say, new=count > 0)
    return 0
