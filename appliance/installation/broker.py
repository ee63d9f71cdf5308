"""Mosquitto: our configuration, which ``mqtt.mosquitto`` of the release writes. One that is somebody else's stays as it is."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from appliance.installation import data
from appliance.installation.errors import CannotGoOn
from appliance.installation.layout import BROKER_UNIT, UNITS
from appliance.installation.services import DROP_IN, needs_restart
from appliance.installation.site import Site
from appliance.installation.steps import Step

_LOGINS = ("appliance", "panel", "cli", "scripts", "homeassistant")
_USUAL = {"loopback_port": 1883, "lan_port": 1884, "lan_address": "all"}
_NEXT = "Mend what is said above, and try again; it goes on from here."


def check(site: Site) -> None:
    """Raises CannotGoOn where Mosquitto serves somebody else."""
    if (site.layout.units / DROP_IN).exists():
        return
    if foreign := sorted(site.layout.inside(path) for path in _foreign(site)):
        raise CannotGoOn(
            f"Mosquitto on this computer was set up by somebody else: {', '.join(foreign)}. That is not overwritten.",
            "If nothing needs it any more, remove these files and try again. If something does, move it to a broker on another computer; "
            "docs/broker.md tells how PyArchive joins that one by a bridge.",
        )


def steps(site: Site) -> Iterator[Step]:
    yield Step(words="give the broker its logins, rights and configuration", is_done=lambda: _is_written(site), do=lambda: _write(site))


def _foreign(site: Site) -> Iterator[Path]:
    """What somebody wrote: settings of the service, files in conf.d, a main file that is not Debian's any more."""
    yield from site.layout.at("/etc/mosquitto/conf.d").glob("*.conf")
    yield from (site.layout.units / f"{DROP_IN.parent}").glob("*.conf")
    if (site.layout.units / "mosquitto.service").is_file():
        yield site.layout.units / "mosquitto.service"
    main = site.layout.at("/etc/mosquitto/mosquitto.conf")
    if main.is_file() and hashlib.md5(main.read_bytes(), usedforsecurity=False).hexdigest() not in _packaged(site):
        yield main


def _packaged(site: Site) -> str:
    """What dpkg knows of the files as they came with the package."""
    try:
        entries = site.layout.at("/var/lib/dpkg/status").read_text(errors="replace").split("\n\n")
    except OSError:
        return ""
    return next((entry for entry in entries if entry.startswith("Package: mosquitto\n")), "")


def port(site: Site, name: str) -> int:
    """``loopback_port`` or ``lan_port``, as chosen with ``python -m mqtt.mosquitto``."""
    return int(_chosen(site)[name])


def _chosen(site: Site) -> dict[str, Any]:
    try:
        return _USUAL | tomllib.loads((site.layout.broker / "broker.toml").read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return _USUAL


def _is_written(site: Site) -> bool:
    """All logins are there and of this appliance, and the network is served as chosen. What else is wrong, writing it again mends."""
    folder = site.layout.broker
    try:
        wanted = json.dumps(data.appliance_id(site))
        of_this = all(wanted in (folder / f"credentials/{login}.toml").read_text() for login in _LOGINS)
    except OSError:
        return False
    return of_this and (folder / "mosquitto.conf").is_file() and _serves_network(site) == site.choices.lan


def _serves_network(site: Site) -> bool:
    return bool(_chosen(site)["lan_address"] != "none")


def _write(site: Site) -> None:
    if site.release is None:
        raise CannotGoOn("there is no release whose code could set up the broker.", "Try again; it begins with that.")
    needs_restart(site, BROKER_UNIT, *UNITS)  # our programs read their passwords when they start
    python = site.layout.inside(site.release.python)
    site.programs.must(python, "-P", "-m", "mqtt.mosquitto", "--data", site.choices.data, *_network(site), next_step=_NEXT, cwd=Path("/"))


def _network(site: Site) -> tuple[str, ...]:
    """What else was chosen about the broker with ``python -m mqtt.mosquitto`` stays as it is."""
    if not site.choices.lan:
        return ("--lan-address", "none")
    return () if _serves_network(site) else ("--lan-address", "all")
