"""Where the broker is and which appliance is meant: environment, ``DATA/client.toml``, settings file, in the order of the design.

The login may stand in a file of its own, beside the settings: the one that PYARCHIVE_LOGIN_FILE names (the units do), or that of an
installed broker for this command. Its appliance_id does not count: a recovery changes the id, and the data folder has the right one.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ui.errors import Failed

SETTINGS_FILE = Path("/etc/pyarchive/pyarchive.toml")
COMMAND_LOGIN = Path("/etc/pyarchive/mosquitto/credentials/cli.toml")
SYSTEM_DATA = Path("/var/lib/pyarchive")
CLIENT_FILE = "client.toml"
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 1883
NOT_ALLOWED = "not_allowed"
"""Code of the failure where a file with the address is there, and not for us to read."""


def demo_data() -> Path:
    """Where the demo keeps its data unless told otherwise."""
    return Path.home() / ".local" / "share" / "pyarchive-demo"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientSettings:
    """How to reach one appliance. ``source`` says where the address was found."""

    host: str
    port: int
    username: str | None
    password: str | None = field(repr=False)
    tls_ca: Path | None
    appliance_id: str
    data: Path
    source: str


@dataclass(frozen=True, slots=True)
class _Found:
    """One source: its [mqtt] table, the appliance's id where it names one, the data folder that goes with it."""

    mqtt: dict[str, Any]
    appliance_id: str | None
    data: Path
    source: str


def find(environment: Mapping[str, str], data: Path | None) -> ClientSettings:
    """``data`` is an explicit --data. Raises Failed: nothing is found, or a file cannot be read or understood."""
    found = _found(environment, data)
    mqtt = {**found.mqtt, **_mqtt_of(environment)}
    if not mqtt.keys() & {"host", "port"} and found.source == "default":
        raise _nothing_found()
    return ClientSettings(
        host=str(mqtt.get("host", DEFAULT_HOST)),
        port=_port(mqtt.get("port", DEFAULT_PORT)),
        username=mqtt.get("username"),
        password=mqtt.get("password"),
        tls_ca=Path(mqtt["tls_ca"]) if mqtt.get("tls_ca") else None,
        appliance_id=environment.get("PYARCHIVE_APPLIANCE_ID") or found.appliance_id or _id_on_disk(found.data),
        data=found.data,
        source="the environment" if _mqtt_of(environment).keys() & {"host", "port"} else found.source,
    )


def _nothing_found() -> Failed:
    if COMMAND_LOGIN.exists() and not os.access(COMMAND_LOGIN, os.R_OK):
        return Failed(f"{COMMAND_LOGIN} may not be read by you; run this as root, or as a member of the group pyarchive-admin", NOT_ALLOWED)
    return Failed(
        "no appliance was found on this computer; start one with `pyarchive demo`, or say where its broker is: "
        "--data DIR, PYARCHIVE_DATA, or PYARCHIVE_MQTT_HOST with PYARCHIVE_APPLIANCE_ID"
    )


def data_folder(environment: Mapping[str, str], data: Path | None) -> Path | None:
    """The data folder that was asked for by name."""
    named = data or (Path(environment["PYARCHIVE_DATA"]) if environment.get("PYARCHIVE_DATA") else None)
    return named.expanduser().absolute() if named else None


def _found(environment: Mapping[str, str], data: Path | None) -> _Found:
    """The first source that knows a broker."""
    named = data_folder(environment, data)
    if named and (client := _client_file(named)):
        return client
    settings = _settings_file(environment, named)
    if settings.mqtt or named:
        return settings
    for folder in (demo_data(), SYSTEM_DATA):
        if client := _client_file(folder):
            return client
    return settings


def _client_file(folder: Path) -> _Found | None:
    file = folder / CLIENT_FILE
    content = _toml(file)
    return _Found(content.get("mqtt", {}), content.get("appliance_id"), folder, str(file)) if content else None


def _settings_file(environment: Mapping[str, str], named: Path | None) -> _Found:
    chosen = environment.get("PYARCHIVE_CONFIG")
    file = Path(chosen) if chosen else SETTINGS_FILE
    if chosen and not file.exists():
        raise Failed(f"the settings file {file} is missing; create it, or unset PYARCHIVE_CONFIG")
    content = _toml(file)
    installed = Path(content.get("data", SYSTEM_DATA))
    folder = named or installed
    login_file = _login_file(environment, chosen or folder != installed)
    mqtt = {**content.get("mqtt", {}), **(_toml(login_file).get("mqtt", {}) if login_file else {})}
    source = str(login_file or file) if mqtt else f"the default for {folder}" if named else "default"
    return _Found(mqtt, content.get("appliance_id"), folder, source)


def _login_file(environment: Mapping[str, str], elsewhere: object) -> Path | None:
    """The one that was named; for a command that means the installed appliance, the one that was made for it, where it may be read."""
    if named := environment.get("PYARCHIVE_LOGIN_FILE"):
        with suppress(PermissionError):  # that is said where it is read
            if not Path(named).exists():
                raise Failed(f"the file {named} with the login is missing; create it, or unset PYARCHIVE_LOGIN_FILE")
        return Path(named)
    return COMMAND_LOGIN if not elsewhere and os.access(COMMAND_LOGIN, os.R_OK) else None


def _toml(file: Path) -> dict[str, Any]:
    """Empty where there is no such file."""
    try:
        content = tomllib.loads(file.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError:
        raise Failed(f"{file} may not be read by you; run this as the user who started the appliance, or as root", NOT_ALLOWED) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Failed(f"{file} cannot be read: {error}; mend it, or remove it") from error
    if not isinstance(content.get("mqtt", {}), dict):
        raise Failed(f"{file}: mqtt must be a table, [mqtt]; mend it")
    return content


def _mqtt_of(environment: Mapping[str, str]) -> dict[str, str]:
    names = {"host": "HOST", "port": "PORT", "username": "USERNAME", "password": "PASSWORD", "tls_ca": "TLS_CA"}
    return {key: environment[f"PYARCHIVE_MQTT_{name}"] for key, name in names.items() if environment.get(f"PYARCHIVE_MQTT_{name}")}


def _port(text: object) -> int:
    try:
        port = int(str(text))
    except ValueError:
        port = 0
    if not 1 <= port <= 65535:  # noqa: PLR2004 - what a port can be
        raise Failed(f"the broker's port is {text!r}; it must be a number from 1 to 65535")
    return port


def _id_on_disk(folder: Path) -> str:
    file = folder / "appliance_id"
    try:
        return file.read_text().strip()
    except OSError as error:
        raise Failed(
            f"which appliance is meant is unknown ({file}: {os.strerror(error.errno or 0)}); "
            "set PYARCHIVE_APPLIANCE_ID, or name its data folder with --data"
        ) from None
