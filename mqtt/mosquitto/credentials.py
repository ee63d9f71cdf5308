"""The passwords of our logins, one file each, as ``DATA/client.toml`` has them: kept over every later call.

``credentials/<login>.toml`` holds ``appliance_id`` and ``[mqtt] host, port, username, password``: good as it is for the appliance
(``PYARCHIVE_CONFIG``) and for the command (``DATA/client.toml``). Home Assistant's tells a person what to type in there.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mqtt.contract import Login
from mqtt.mosquitto.choices import BadChoice, Choices
from mqtt.mosquitto.logins import LOGINS
from mqtt.mosquitto.passwords import new_password

CREDENTIALS = "credentials"
BRIDGE_FILE = f"{CREDENTIALS}/bridge.toml"
_LINE = re.compile(r"[^\x00-\x1f\x7f]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class BridgeLogin:
    """Who we are at the other broker. Raises BadChoice for what Mosquitto's configuration cannot hold."""

    username: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        for what, text in (("user name", self.username), ("password", self.password)):
            if not _LINE.fullmatch(text) or text != text.strip():
                raise BadChoice(
                    f"the {what} of the bridge is empty, or begins or ends with a space, or has control characters; choose another"
                )


def file_of(login: Login) -> str:
    return f"{CREDENTIALS}/{login}.toml"


def passwords(folder: Path) -> dict[Login, str]:
    """What is kept; new ones where nothing is. Raises BadChoice where a file is there and cannot be understood."""
    return {login: _kept(folder / file_of(login)) or new_password() for login in LOGINS}


def bridge_login(folder: Path) -> BridgeLogin | None:
    """What is kept. Raises BadChoice."""
    path = folder / BRIDGE_FILE
    mqtt = _mqtt(path)
    if not mqtt:
        return None
    username, password = mqtt.get("username"), mqtt.get("password")
    if not isinstance(username, str) or not isinstance(password, str):
        raise BadChoice(f"{path} has no user name or no password; mend it, or give --bridge-username and --bridge-password-file")
    return BridgeLogin(username=username, password=password)


def as_toml(login: Login, password: str, appliance_id: str, choices: Choices) -> str:
    """The file of one of our logins."""
    if login == Login.HOMEASSISTANT and choices.has_lan:
        head = "# For Home Assistant: Settings, Devices & services, Add integration, MQTT. Broker: this computer's name or address."
        host, port = choices.lan_address, choices.lan_port
    else:
        head, host, port = f"# The login `{login}` of this computer's broker.", "127.0.0.1", choices.loopback_port
    mqtt = {"host": host, "port": port, "username": str(login), "password": password}
    if host == "all":
        del mqtt["host"]
    return _toml(head, appliance_id, mqtt)


def bridge_as_toml(login: BridgeLogin, appliance_id: str) -> str:
    return _toml("# Our login at the other broker.", appliance_id, {"username": login.username, "password": login.password})


def _toml(head: str, appliance_id: str, mqtt: dict[str, Any]) -> str:
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in mqtt.items()]
    return "\n".join([head, f"appliance_id = {json.dumps(appliance_id)}", "", "[mqtt]", *lines, ""])


def _kept(path: Path) -> str | None:
    mqtt = _mqtt(path)
    if not mqtt:
        return None
    password = mqtt.get("password")
    if not isinstance(password, str) or not _LINE.fullmatch(password):
        raise BadChoice(f"{path} has no password; mend it, or remove it and call this again")
    return password


def _mqtt(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # The parser's text may show the line, and that may be a password.
        why = error.strerror if isinstance(error, OSError) else "it is not TOML"
        raise BadChoice(f"{path} cannot be read: {why}; mend it, or remove it and call this again") from None
    mqtt = content.get("mqtt")
    if not isinstance(mqtt, dict) or not mqtt:
        raise BadChoice(f"{path} has no [mqtt] in it; mend it, or remove it and call this again")
    return mqtt
