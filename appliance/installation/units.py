"""The units of systemd: templates with ``@NAME@`` in them, and what stands there on this computer.

The names of the files are those below ``/etc/systemd/system``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

TEMPLATES = Path(__file__).with_name("units")
DISKS = ("/media", "/mnt", "/run/media", "/srv")
"""Where disks and shares are mounted: the appliance may write below, whenever they come."""

_NAME = re.compile(r"@([A-Z][A-Z0-9_]*)@")
_HOMES = ("/home", "/root", "/run/user")
_FIRST_FREE_PORT = 1024
_KNOWS_BACKOFF = 254  # systemd's release; an older one warns of the two keys


class BadUnit(Exception):
    """A template and its values do not fit; the text says which name. Nothing was rendered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What the units have to know of this computer.

    ``data``: the appliance's data folder. ``panel_tls``: certificate and key, both or none; they are read by root. ``writable``: more
    folders that the appliance may write to, for connections elsewhere than below DISKS. ``has_gpio``: there is a group ``gpio``.
    ``systemd``: its release, like 252.
    """

    data: Path
    panel_host: str = "0.0.0.0"  # noqa: S104 - the house is to reach it
    panel_port: int = 80
    panel_tls: tuple[Path, Path] | None = None
    writable: tuple[Path, ...] = ()
    has_gpio: bool = False
    systemd: int = 252


def values(place: Place) -> dict[str, str]:
    """What stands for each name in the templates. Raises BadUnit for a path that a unit cannot hold."""
    folders = [_quoted(path) for path in (place.data, *place.writable) if not _is_below(path, DISKS)]
    low = place.panel_port < _FIRST_FREE_PORT
    return {
        "DATA": _quoted(place.data),
        "APPLIANCE_GROUPS": "gpio" if place.has_gpio else "",
        # Not what is mounted, but the folders above: a mount of our own would hold a disk that went, and hide it when it comes back.
        "WRITABLE": " ".join([*(f"-{path}" for path in DISKS), *(f"-{path}" for path in folders)]),
        "PROTECT_HOME": "no" if any(_is_below(path, _HOMES) for path in (place.data, *place.writable)) else "yes",
        "PANEL_HOST": place.panel_host,
        "PANEL_PORT": str(place.panel_port),
        "PANEL_CAPABILITIES": "CAP_NET_BIND_SERVICE" if low else "",
        "PANEL_TLS": _tls(place.panel_tls),
        "RESTART_BACKOFF": "RestartSteps=6\nRestartMaxDelaySec=2min" if place.systemd >= _KNOWS_BACKOFF else "",
    }


def render(given: Mapping[str, str]) -> dict[str, str]:
    """The text of each file, by its name. Raises BadUnit: a name in a template without a value, or a value that no template asks for."""
    templates = {path.relative_to(TEMPLATES).as_posix(): path.read_text() for path in sorted(TEMPLATES.rglob("*.*")) if path.is_file()}
    wanted = {name for text in templates.values() for name in _NAME.findall(text)}
    if missing := wanted - given.keys():
        raise BadUnit(f"the units need a value for {', '.join(sorted(missing))}")
    if unknown := given.keys() - wanted:
        raise BadUnit(f"no unit asks for {', '.join(sorted(unknown))}")
    return {name: _NAME.sub(lambda found: given[found[1]], text) for name, text in templates.items()}


def _tls(files: tuple[Path, Path] | None) -> str:
    if files is None:
        return ""
    certificate, key = (_quoted(path) for path in files)
    return (
        f"LoadCredential=tls.crt:{certificate}\nLoadCredential=tls.key:{key}\n"
        "Environment=PYARCHIVE_PANEL_TLS_CERT=%d/tls.crt PYARCHIVE_PANEL_TLS_KEY=%d/tls.key"
    )


def _is_below(path: Path, roots: tuple[str, ...]) -> bool:
    return any(PurePosixPath(path).is_relative_to(root) for root in roots)


def _quoted(path: Path) -> str:
    """A path as a word of a unit: nothing that systemd would read as something else."""
    text = str(path)
    if not path.is_absolute() or re.search(r"[\s\"'\\:;]", text) or not text.isprintable():
        raise BadUnit(f"the path {text!r} cannot stand in a unit; it must be absolute, without spaces, quotes, colons and backslashes")
    return text.replace("%", "%%")
