"""Mosquitto's files as text, from what was chosen. Pure: nothing is read but the templates, nothing is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template

from mqtt.contract import Login
from mqtt.mosquitto import logins
from mqtt.mosquitto.choices import NO_PERSISTENCE, Choices
from mqtt.mosquitto.credentials import BridgeLogin
from mqtt.mosquitto.logins import LOGINS, ON_THE_LAN
from mqtt.topics import Topics

MAIN_FILE = "mosquitto.conf"
BRIDGE_FILE = "conf.d/bridge.conf"


@dataclass(frozen=True, slots=True)
class Listener:
    """Who may log in there."""

    name: str
    logins: tuple[Login, ...]


LOOPBACK = Listener("loopback", LOGINS)
LAN = Listener("lan", ON_THE_LAN)


def listeners(choices: Choices) -> list[Listener]:
    return [LOOPBACK, LAN] if choices.has_lan else [LOOPBACK]


def main_file(folder: Path, topics: Topics, choices: Choices) -> str:
    """mosquitto.conf(5). ``folder`` is where the files will lie."""
    return _filled(
        MAIN_FILE,
        appliance_id=topics.appliance_id,
        folder=folder,
        persistence=_persistence(choices),
        loopback_port=choices.loopback_port,
        lan=_lan(folder, choices) if choices.has_lan else "",
    )


def acl_file(topics: Topics, allowed: Iterable[Login]) -> str:
    """The rights of these logins, each topic spelled out: a client id or a user name never becomes part of a topic."""
    lines: list[str] = []
    for login in allowed:
        rights = logins.of(login, topics)
        lines += ["", f"user {login}"]
        lines += [f"topic deny {each}" for each in rights.denied]
        lines += [f"topic readwrite {each}" for each in rights.reads if each in rights.writes]
        lines += [f"topic read {each}" for each in rights.reads if each not in rights.writes]
        lines += [f"topic write {each}" for each in rights.writes if each not in rights.reads]
    return "\n".join(["# Written by `python -m mqtt.mosquitto`: changes are lost at its next call.", *lines, ""])


def password_file(hashes: dict[Login, str], allowed: Iterable[Login]) -> str:
    return "".join(f"{login}:{hashes[login]}\n" for login in allowed)


def bridge_file(topics: Topics, choices: Choices, login: BridgeLogin) -> str:
    """The bridge to ``choices.bridge_host``."""
    carried = [f"topic {each} out 1" for each in logins.bridged_out(topics)] + [f"topic {each} in 1" for each in logins.bridged_in(topics)]
    return _filled(
        "bridge.conf",
        client_id=f"pyarchive-{topics.appliance_id}",
        address=f"{choices.bridge_host}:{choices.bridge_port}",
        username=login.username,
        password=login.password,
        tls=f"bridge_cafile {choices.bridge_ca}" if choices.bridge_ca else "# No TLS.",
        notification_topic=topics.bridge,
        topics="\n".join(carried),
    )


def _persistence(choices: Choices) -> str:
    if choices.persistence == NO_PERSISTENCE:
        return "# Whoever published what was retained publishes it again after each connect.\npersistence false"
    return (
        "# What is retained outlives a restart of the broker. In /run it does not outlive a power cut, and must not: `online` would come\n"
        "# back before anybody is there to be online. The appliance publishes everything again, and no SD card is worn.\n"
        f"persistence true\npersistence_location {choices.persistence.rstrip('/')}/\nautosave_interval 300"
    )


def _lan(folder: Path, choices: Choices) -> str:
    address = "" if choices.lan_address == "all" else f" {choices.lan_address}"
    tls = "# No TLS: what is said here, the password too, can be read on the network."
    if choices.tls_certificate:
        tls = f"certfile {choices.tls_certificate}\nkeyfile {choices.tls_key}"
    return _filled("lan.conf", listen=f"{choices.lan_port}{address}", folder=folder, tls=tls)


def _filled(template: str, **values: object) -> str:
    return Template((files("mqtt.mosquitto") / "templates" / template).read_text()).substitute(values)
