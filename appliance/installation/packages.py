"""Debian's packages."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from appliance.installation.errors import CannotGoOn
from appliance.installation.layout import Layout
from appliance.installation.machine import is_running_systemd
from appliance.installation.running import Programs, Result

_APT = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300")
_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}
_SERVICES = {"mosquitto": ("mosquitto.service",), "samba": ("smbd.service", "nmbd.service", "samba-ad-dc.service")}
"""What a package would start with Debian's configuration, before ours is there."""


def missing(layout: Layout, names: Sequence[str]) -> list[str]:
    """Those that are not installed, as dpkg's own list tells."""
    try:
        entries = layout.at("/var/lib/dpkg/status").read_text(errors="replace").split("\n\n")
    except OSError:
        entries = []
    installed = {_field(entry, "Package") for entry in entries if _field(entry, "Status").endswith(" installed")}
    return [name for name in names if name not in installed]


def install(programs: Programs, layout: Layout, names: Sequence[str]) -> None:
    """Raises CannotGoOn, with what apt-get said."""
    with _held_back(programs, layout, names):
        result = _apt(programs, "install", "-y", "--no-install-recommends", *names)
        if result.status:
            # A fresh system has no lists of packages yet; an old one's may name what is gone.
            _apt(programs, "update")
            result = _apt(programs, "install", "-y", "--no-install-recommends", *names)
    if result.status:
        raise CannotGoOn(
            f"apt-get could not install {' '.join(names)}:\n{result.last_lines}\n",
            "Connect this computer to the network, see that its clock is right, and try again; it goes on from here.",
        )


def _apt(programs: Programs, *arguments: str) -> Result:
    return programs.run(*_APT, *arguments, environment=_QUIET)


@contextlib.contextmanager
def _held_back(programs: Programs, layout: Layout, names: Sequence[str]) -> Iterator[None]:
    """Their services do not start meanwhile. The mask is one of this boot alone: a power cut takes it along."""
    units = [unit for name in names for unit in _SERVICES.get(name, ())]
    if not units or not is_running_systemd(layout):
        yield
        return
    programs.run("systemctl", "mask", "--runtime", *units)
    try:
        yield
    finally:
        programs.run("systemctl", "unmask", "--runtime", *units)


def _field(entry: str, name: str) -> str:
    return next((line.partition(":")[2].strip() for line in entry.splitlines() if line.startswith(f"{name}:")), "")
