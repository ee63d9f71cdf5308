"""Mosquitto: our configuration, which ``mqtt.mosquitto`` of the release writes. One that is somebody else's stays as it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from appliance.installation import data
from appliance.installation.errors import CannotGoOn
from appliance.installation.services import DROP_IN, needs_restart
from appliance.installation.site import Site
from appliance.installation.steps import Step

_CREDENTIALS = "credentials/appliance.toml"
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


def _is_written(site: Site) -> bool:
    """The logins are of this appliance, and the network is served as chosen. What else is wrong, writing it again shows."""
    folder = site.layout.broker
    try:
        of_this = json.dumps(data.appliance_id(site)) in (folder / _CREDENTIALS).read_text()
        return of_this and (folder / "mosquitto.conf").is_file() and _serves_network(site) == site.choices.lan
    except OSError:
        return False


def _serves_network(site: Site) -> bool:
    return 'lan_address = "none"' not in (site.layout.broker / "broker.toml").read_text()


def _write(site: Site) -> None:
    if site.release is None:
        raise CannotGoOn("there is no release whose code could set up the broker.", "Try again; it begins with that.")
    needs_restart(site, "mosquitto.service")
    python = site.layout.inside(site.release.python)
    site.programs.must(python, "-P", "-m", "mqtt.mosquitto", "--data", site.choices.data, *_network(site), next_step=_NEXT, cwd=Path("/"))


def _network(site: Site) -> tuple[str, ...]:
    """What else was chosen about the broker with ``python -m mqtt.mosquitto`` stays as it is."""
    if not site.choices.lan:
        return ("--lan-address", "none")
    is_off = (site.layout.broker / "broker.toml").is_file() and not _serves_network(site)
    return ("--lan-address", "all") if is_off else ()
