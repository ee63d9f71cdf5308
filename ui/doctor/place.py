"""Which system is looked at: one that was installed, a demo, or processes that somebody started by hand."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ui.client_settings import CLIENT_FILE, SYSTEM_DATA, ClientSettings
from ui.doctor.machine import Machine, Unseen

CHOICES_FILE = "/etc/pyarchive/install.toml"
BROKER_FOLDER = Path("/etc/pyarchive/mosquitto")
PROGRAM = Path("/opt/pyarchive")

Kind = Literal["installed", "demo", "by hand"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """``choices``: what install.toml says. ``demo``: what client.toml says of the demo."""

    kind: Kind
    data: Path
    choices: dict[str, Any] = field(default_factory=dict)
    demo: dict[str, Any] = field(default_factory=dict)

    @property
    def installed(self) -> bool:
        return self.kind == "installed"

    @property
    def words(self) -> str:
        return {"installed": "installed", "demo": "a demo", "by hand": "started by hand"}[self.kind]


def find(machine: Machine, settings: ClientSettings | None, data: Path | None) -> Place:
    """``data``: what was asked for by name. A system is the installed one where its data folder is that of install.toml."""
    choices = toml(machine, CHOICES_FILE)
    installed_data = Path(str(choices.get("data", SYSTEM_DATA)))
    folder = settings.data if settings else data or installed_data
    if (choices or machine.at(PROGRAM / "current").exists()) and folder == installed_data:
        return Place(kind="installed", data=folder, choices=choices)
    demo = toml(machine, folder / CLIENT_FILE).get("demo")
    return Place(kind="demo" if isinstance(demo, dict) else "by hand", data=folder, demo=demo if isinstance(demo, dict) else {})


def toml(machine: Machine, path: str | Path) -> dict[str, Any]:
    """Empty where there is none, or none that can be read."""
    try:
        return tomllib.loads(machine.text(path) or "")
    except (Unseen, tomllib.TOMLDecodeError):
        return {}
