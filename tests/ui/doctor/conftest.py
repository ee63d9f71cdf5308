"""A computer made of prepared files and programs, and an appliance that has said what a test wants."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mqtt.messages import ConnectionState, FrontPanelState
from tests.ui.stand_in import state
from ui.client_settings import ClientSettings
from ui.doctor.case import Case
from ui.doctor.examining import Check, examine
from ui.doctor.finding import Finding
from ui.doctor.machine import Machine
from ui.doctor.told import Told

DATA = "/var/lib/pyarchive"


@dataclass(frozen=True)
class Computer:
    """``put`` a file, ``program`` a shell script, below a root of its own."""

    root: Path

    @property
    def machine(self) -> Machine:
        return Machine(self.root)

    def put(self, path: str, text: str = "", mode: int = 0o644) -> Path:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def folder(self, path: str, mode: int = 0o755) -> Path:
        folder = self.root / path.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
        return folder

    def program(self, name: str, script: str) -> None:
        self.put(f"/usr/bin/{name}", f"#!/bin/sh\n{script}\n", 0o755)

    def prints(self, name: str, text: str) -> None:
        """A program that prints this, whatever it is asked."""
        self.put(f"/answers/{name}", text)
        self.program(name, f'cat "{self.root}/answers/{name}"')

    def users(self, **ids: int) -> None:
        self.put("/etc/passwd", "".join(f"{name.replace('_', '-')}:x:{uid}:{uid}::/:/bin/sh\n" for name, uid in ids.items()))

    def installed(self, **choices: Any) -> None:
        """As after an installation, with its data folder."""
        lines = [f"{name} = {str(value).lower() if isinstance(value, bool) else repr(value)}" for name, value in choices.items()]
        self.put("/etc/pyarchive/install.toml", "\n".join(lines) + "\n#\n" + f'data = "{DATA}"\n')
        self.put(f"{DATA}/appliance_id", "box-1234")
        self.users(pyarchive_appliance=os.getuid())


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    root = tmp_path / "root"
    root.mkdir()
    return Computer(root)


def settings(**changes: Any) -> ClientSettings:
    facts: dict[str, Any] = {
        "host": "127.0.0.1", "port": 1, "username": "cli", "password": "not-a-real-one", "tls_ca": None, "appliance_id": "box-1234",
        "data": Path(DATA), "source": "a test",
    }  # fmt: skip
    return ClientSettings(**facts | changes)


def told(*connections: ConnectionState, **changes: Any) -> Told:
    """An appliance that is online. ``messages``: more of them; ``settings``: names and values."""
    messages = {"appliance/state": state(appliance_id="box-1234", **changes).model_dump(mode="json")}
    messages |= {f"connection/{each.id}/state": each.model_dump(mode="json") for each in connections}
    return Told(connected=True, online=True, messages=messages, lines=[])


def with_settings(before: Told, **values: Any) -> Told:
    known = [{"name": name, "value": value} for name, value in values.items()]
    return changed(before, messages={**before.messages, "appliance/settings": {"settings": known}})


def with_lamp(before: Told, **changes: Any) -> Told:
    facts: dict[str, Any] = {"lamp": "idle", "lamp_reason": "all is well", "button_pressed": False, "simulated": False}
    return changed(before, messages={**before.messages, "frontpanel/state": FrontPanelState(**facts | changes).model_dump(mode="json")})


def changed(before: Told, **changes: Any) -> Told:
    facts = {name: getattr(before, name) for name in ("connected", "online", "why_not", "messages", "lines", "more_lines")}
    return Told(**facts | changes)


DEAD = Told(why_not="the broker at 127.0.0.1:1 does not answer")

Examine = Callable[..., list[Finding]]


def found(look: Any, computer: Computer, told: Told = DEAD, **changes: Any) -> list[Finding]:
    """What that check finds on this computer; through the same door as in the command."""
    case = Case(machine=computer.machine, settings=settings(**changes))
    case._answer.set_result(told)
    [(_, findings)] = examine(case, [Check("group", "name", look)], 10)
    return findings


def levels(look: Any, computer: Computer, told: Told = DEAD, **changes: Any) -> list[str]:
    return [str(each.level) for each in found(look, computer, told, **changes)]


def line(look: Any, computer: Computer, told: Told = DEAD, **changes: Any) -> str:
    """Level, text and next step of the one that is found."""
    [finding] = found(look, computer, told, **changes)
    return f"{finding.level}: {finding.text} -> {finding.next_step}"
