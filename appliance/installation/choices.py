"""What may be chosen at an installation: checked when built, kept in ``install.toml`` so that the next run need not say it again."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from appliance.installation.errors import CannotGoOn

Tls = Literal["none", "own", "generated"]
_MOST_PORT = 65_535
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST_NAME = re.compile(rf"({_LABEL}(\.{_LABEL})*)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """All of them, by the names that install.toml has. Raises CannotGoOn.

    ``data``: the data folder. ``panel_port``: 0 for the usual one. ``host_name``: by which the house finds this computer; empty: its own
    name, and ``.local`` behind it where ``mdns`` says that name in the house. ``tls``: of the panel; ``own`` with ``tls_certificate`` and
    ``tls_key``. ``share``: the inbox as a network share (Samba). ``lan``: Home Assistant may log in at the broker over the network.
    """

    data: str = "/var/lib/pyarchive"
    panel_port: int = 0
    host_name: str = ""
    mdns: bool = True
    tls: Tls = "none"
    tls_certificate: str = ""
    tls_key: str = ""
    share: bool = False
    lan: bool = True

    def __post_init__(self) -> None:
        _check_path("the data folder", self.data)
        if not 0 <= self.panel_port <= _MOST_PORT:
            raise CannotGoOn(f"the panel's port is {self.panel_port}.", f"Give a number from 1 to {_MOST_PORT}.")
        if not _HOST_NAME.fullmatch(self.host_name):
            raise CannotGoOn(
                f"the host name is {self.host_name[:80]!r}.", "Give one of letters, digits, hyphens and dots, like archive.example.org."
            )
        self._check_tls()

    def _check_tls(self) -> None:
        if self.tls not in get_args(Tls):
            raise CannotGoOn(f"TLS is {self.tls!r}.", f"Choose one of {', '.join(get_args(Tls))}.")
        if not (self.tls_certificate and self.tls_key if self.tls == "own" else not self.tls_certificate + self.tls_key):
            raise CannotGoOn("an own certificate and its key belong together.", "Give --tls-certificate and --tls-key, or another --tls.")
        for name in ("tls_certificate", "tls_key"):
            if getattr(self, name):
                _check_path(name, getattr(self, name))

    @property
    def port(self) -> int:
        """Where the panel listens."""
        return self.panel_port or self._usual_port

    @property
    def _usual_port(self) -> int:
        return 80 if self.tls == "none" else 443

    def name(self, computer: str) -> str:
        """By which the house finds this computer, whose own name is ``computer``."""
        return self.host_name or (f"{computer}.local" if self.mdns else computer)

    def address(self, name: str) -> str:
        """Of the panel, by that name or address of this computer."""
        scheme = "http" if self.tls == "none" else "https"
        port = "" if self.port == self._usual_port else f":{self.port}"
        return f"{scheme}://{name}{port}"


def kept(path: Path) -> dict[str, Any]:
    """What an earlier run chose, by name; nothing where there was none. Raises CannotGoOn."""
    try:
        content = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CannotGoOn(f"{path} cannot be read: {error}.", "Mend it, or remove it and say all options again.") from error
    types: dict[str, type] = {field.name: type(field.default) for field in fields(Choices)}
    for name, value in content.items():
        if name not in types or type(value) is not types[name]:
            raise CannotGoOn(f"{path}: {name} is unknown or of the wrong kind.", "Mend it, or remove the line.")
    return content


def as_toml(choices: Choices) -> str:
    """For install.toml."""
    lines = [f"{field.name} = {json.dumps(getattr(choices, field.name), ensure_ascii=False)}" for field in fields(choices)]
    return "\n".join(["# Kept by `install.sh`, which a change is given to as an option.", *lines, ""])


def _check_path(what: str, path: str) -> None:
    # Units, tables of mounts and Mosquitto's configuration know no common way to quote.
    if not Path(path).is_absolute() or not re.fullmatch(r"[\w./@+,=-]+", path) or ".." in Path(path).parts:
        raise CannotGoOn(f"{what} is {path[:80]!r}.", "Give a whole path, beginning with /, of letters, digits and . _ - + = @ ,")
