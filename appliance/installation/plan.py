"""The plan of an installation: all steps, in their order."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.installation import (
    broker,
    certificates,
    choices,
    data,
    mdns,
    packages,
    people,
    releases,
    services,
    settings_file,
    share,
    writing,
)
from appliance.installation.site import Site
from appliance.installation.steps import Step


def install(site: Site) -> Iterator[Step]:
    """From nothing, or from where an earlier run ended, to running services."""
    yield _choices(site)
    yield _packages(site)
    yield from people.steps(site.programs, site.layout, share=site.choices.share)
    yield from _release(site)
    yield from data.steps(site)
    yield from configuration(site)
    yield from services.start_steps(site)
    yield _end(site)


def configuration(site: Site) -> Iterator[Step]:
    """What depends on the release in use and on what was chosen; an upgrade does it again with the new release."""
    yield from settings_file.steps(site)
    yield from certificates.steps(site)
    yield from services.write_steps(site)
    yield from broker.steps(site)
    yield from mdns.steps(site)
    yield from share.steps(site)


def wanted_packages(site: Site) -> list[str]:
    wanted = ["python3-venv", "mosquitto", "openssl", "polkitd"]
    return wanted + ["avahi-daemon"] * site.choices.mdns + ["samba"] * site.choices.share


def _choices(site: Site) -> Step:
    path, text, owner = site.layout.choices_file, choices.as_toml(site.choices), site.layout.owner()
    return Step(
        words=f"note what was chosen in {site.layout.inside(path)}",
        is_done=lambda: writing.is_written(path, text, 0o644, owner),
        do=lambda: writing.write(path, text, 0o644, owner),
    )


def _packages(site: Site) -> Step:
    names = wanted_packages(site)
    return Step(
        words=f"install the packages {', '.join(packages.missing(site.layout, names)) or 'that are missing'}",
        is_done=lambda: not packages.missing(site.layout, names),
        do=lambda: packages.install(site.programs, site.layout, packages.missing(site.layout, names)),
    )


def _release(site: Site) -> Iterator[Step]:
    """That of this clone. Once an installation came to its end, another one comes by an upgrade."""
    release = releases.release_of(site.source, site.layout.releases)
    yield Step(
        words=f"make the environment {site.layout.inside(release.path)} with the program in it; this takes some minutes",
        is_done=lambda: site.is_installed or release.is_finished,
        do=lambda: _build(site),
    )
    yield Step(
        words=f"use it: {site.layout.inside(site.layout.current)}",
        is_done=lambda: site.is_installed or site.release == release,
        do=lambda: releases.switch(release, site.layout),
    )
    target = f"{site.layout.inside(site.layout.current)}/bin/pyarchive"
    yield Step(
        words=f"make the command {site.layout.inside(site.layout.command)}",
        is_done=lambda: writing.points(site.layout.command, target),
        do=lambda: writing.point(site.layout.command, target),
    )


def _build(site: Site) -> None:
    releases.build(site.programs, site.source, site.layout.releases)


def _end(site: Site) -> Step:
    path = site.layout.finished
    return Step(words="note that all of this is done", is_done=path.exists, do=lambda: writing.write(path, ""))
