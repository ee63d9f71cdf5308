"""What may be chosen about the broker: checked when built, kept in ``broker.toml`` so that the next call need not say it again."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

CHOICES_FILE = "broker.toml"
NO_PERSISTENCE = "none"
_PLAIN_WORD = re.compile(r"[!-~]+")
_MOST_PORT = 65_535


class BadChoice(Exception):
    """Something chosen for the broker cannot be. The text names it, and what to do; nothing was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """All of them, by the names that broker.toml has. Raises BadChoice.

    ``lan_address``: where Home Assistant may log in; ``all`` interfaces, ``none`` or an address. ``tls_certificate`` and ``tls_key``: both
    or neither; TLS on the LAN listener. ``bridge_host``: another broker that gets what Home Assistant may see; empty for none.
    ``bridge_ca``: TLS towards it, with the authority of that file. ``persistence``: a folder, or ``none``.
    """

    loopback_port: int = 1883
    lan_address: str = "all"
    lan_port: int = 1884
    tls_certificate: str = ""
    tls_key: str = ""
    persistence: str = "/run/mosquitto"
    bridge_host: str = ""
    bridge_port: int = 1883
    bridge_ca: str = ""

    def __post_init__(self) -> None:
        for name in ("loopback_port", "lan_port", "bridge_port"):
            if not 1 <= getattr(self, name) <= _MOST_PORT:
                raise BadChoice(f"{name} is {getattr(self, name)}; a port is a number from 1 to {_MOST_PORT}")
        for name in ("lan_address", "bridge_host"):
            if getattr(self, name) and not _PLAIN_WORD.fullmatch(getattr(self, name)):
                raise BadChoice(f"{name} is {getattr(self, name)[:80]!r}; give a host name or an address")
        for name in ("tls_certificate", "tls_key", "bridge_ca", "persistence"):
            self._check_path(name)
        self._check_together()

    def _check_path(self, name: str) -> None:
        path = getattr(self, name)
        # Mosquitto takes the rest of the line, and knows no quotes.
        if path and path != NO_PERSISTENCE and (not Path(path).is_absolute() or not path.isprintable() or path != path.strip()):
            raise BadChoice(f"{name} is {path[:80]!r}; give a whole path, beginning with /, of characters that can be printed")

    def _check_together(self) -> None:
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise BadChoice("a certificate and its key belong together; give --tls-certificate and --tls-key, or neither")
        if self.has_lan and self.lan_port == self.loopback_port:
            raise BadChoice(f"the LAN listener cannot have the loopback listener's port {self.lan_port}; choose another --lan-port")
        if not self.persistence:
            raise BadChoice(f"persistence is empty; give a folder, or {NO_PERSISTENCE!r}")

    def check_files(self) -> None:
        """Raises BadChoice where one of TLS is missing: Mosquitto would not start."""
        for name in ("tls_certificate", "tls_key", "bridge_ca"):
            path = getattr(self, name)
            if path and not Path(path).is_file():
                raise BadChoice(f"{name}: there is no file {path}; put it there, or give another")

    @property
    def has_lan(self) -> bool:
        return self.lan_address != "none"


def kept(folder: Path) -> dict[str, Any]:
    """What an earlier call chose, by name; nothing where there was none. Raises BadChoice."""
    path = folder / CHOICES_FILE
    try:
        content = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadChoice(f"{path} cannot be read: {error}; mend it, or remove it and say all options again") from error
    types = {field.name: int if field.type == "int" else str for field in fields(Choices)}
    for name, value in content.items():
        if name not in types or type(value) is not types[name]:
            raise BadChoice(f"{path}: {name} is unknown or of the wrong kind; mend it, or remove the line")
    return content


def as_toml(choices: Choices) -> str:
    """For broker.toml."""
    lines = [f"{field.name} = {json.dumps(getattr(choices, field.name), ensure_ascii=False)}" for field in fields(choices)]
    return "\n".join(["# Kept by `python -m mqtt.mosquitto`, which a change is given to as an option.", *lines, ""])
