"""``python -m mqtt.mosquitto``: writes the configuration of the appliance's broker, and says where the credentials are.

What was chosen is kept in the folder, so a later call needs only what changes; passwords stay as they are. Mosquitto is not started.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from mqtt.contract import Login
from mqtt.mosquitto import credentials, render
from mqtt.mosquitto.choices import BadChoice, Choices, kept
from mqtt.mosquitto.credentials import BridgeLogin
from mqtt.mosquitto.writing import Writer, admins, broker_owner
from mqtt.topics import Topics

_FOLDER = Path("/etc/pyarchive/mosquitto")
_DATA = Path("/var/lib/pyarchive")
_ADMINS = "pyarchive-admin"


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 where all files are as chosen, 1 where they cannot be: then one line says why."""
    given = _parser().parse_args(arguments)
    try:
        writer = _writer(given)
        changed = writer.write()
    except BadChoice as error:
        sys.stderr.write(f"mqtt.mosquitto: {error}\n")
        return 1
    sys.stdout.write(_report(writer, changed=changed))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m mqtt.mosquitto",
        description="Write the configuration of the appliance's broker. What was chosen before stays unless an option says otherwise.",
    )
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where to write (default: %(default)s)")
    parser.add_argument("--data", type=Path, default=_DATA, help="data folder of the appliance, to learn its id (default: %(default)s)")
    parser.add_argument("--appliance-id", help="instead of --data: the id itself")
    parser.add_argument("--user", default="mosquitto", help="whom Mosquitto runs as (default: %(default)s)")
    parser.add_argument("--loopback-port", type=int, help="port for the programs of this computer (1883)")
    parser.add_argument("--lan-address", help="where Home Assistant may log in: all (default), none, or an address of this computer")
    parser.add_argument("--lan-port", type=int, help="its port (1884)")
    parser.add_argument("--tls-certificate", metavar="FILE", help="TLS on the LAN: the certificate with its chain, PEM")
    parser.add_argument("--tls-key", metavar="FILE", help="and its key; both readable by --user")
    parser.add_argument("--no-tls", action="store_true", help="no TLS on the LAN")
    parser.add_argument("--persistence", metavar="DIR", help="where what is retained outlives a restart; none (/run/mosquitto)")
    _add_bridge(parser)
    return parser


def _add_bridge(parser: argparse.ArgumentParser) -> None:
    bridge = parser.add_argument_group("the bridge to a broker that is not ours")
    bridge.add_argument("--bridge-host", metavar="HOST", help="that broker's name or address")
    bridge.add_argument("--bridge-port", type=int, help="its port (1883)")
    bridge.add_argument("--bridge-username", metavar="NAME", help="our login there")
    bridge.add_argument("--bridge-password-file", type=Path, metavar="FILE", help="its first line is our password there")
    bridge.add_argument("--bridge-ca", metavar="FILE", help="TLS, with the authority of that file; none: no TLS")
    bridge.add_argument("--no-bridge", action="store_true", help="end it")


def _writer(given: argparse.Namespace) -> Writer:
    folder = given.folder.expanduser().absolute()
    choices = _choices(given, folder)
    return Writer(
        folder=folder, topics=_topics(given), choices=choices, bridge=_bridge_login(given, folder) if choices.bridge_host else None,
        broker=broker_owner(given.user), admins=admins(_ADMINS),
    )  # fmt: skip


def _choices(given: argparse.Namespace, folder: Path) -> Choices:
    said: dict[str, Any] = {field.name: value for field in fields(Choices) if (value := getattr(given, field.name)) is not None}
    if given.no_tls:
        said |= {"tls_certificate": "", "tls_key": ""}
    if given.no_bridge:
        said |= {"bridge_host": "", "bridge_ca": ""}
    if given.bridge_ca == "none":
        said["bridge_ca"] = ""
    choices = Choices(**kept(folder) | said)
    choices.check_files()
    return choices


def _topics(given: argparse.Namespace) -> Topics:
    try:
        return Topics(given.appliance_id or (given.data / "appliance_id").read_text().strip())
    except OSError as error:
        raise BadChoice(
            f"the appliance's id is unknown ({given.data / 'appliance_id'}: {error.strerror}); "
            "start the appliance once, or give --appliance-id"
        ) from error
    except ValueError as error:
        raise BadChoice(f"{error}; give another --appliance-id") from error


def _bridge_login(given: argparse.Namespace, folder: Path) -> BridgeLogin | None:
    login = credentials.bridge_login(folder)
    username = given.bridge_username or (login.username if login else None)
    password = _first_line(given.bridge_password_file) if given.bridge_password_file else login.password if login else None
    if username is None or password is None:
        return None
    return BridgeLogin(username=username, password=password)


def _first_line(path: Path) -> str:
    try:
        return (path.read_text().splitlines() or [""])[0]
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadChoice(f"the bridge's password cannot be read from {path}: {why}") from error


def _report(writer: Writer, *, changed: bool) -> str:
    folder, choices = writer.folder, writer.choices
    lines = [f"Broker of {writer.topics.appliance_id}: {'written' if changed else 'nothing changed'}."]
    lines.append(f"  start it with   mosquitto -c {folder / render.MAIN_FILE}")
    if choices.has_lan:
        where = "every address of this computer" if choices.lan_address == "all" else choices.lan_address
        lines.append(f"  Home Assistant  port {choices.lan_port} on {where}, {'with' if choices.tls_certificate else 'without'} TLS")
        lines.append(f"                  user name and password: {folder / credentials.file_of(Login.HOMEASSISTANT)}")
    if choices.bridge_host:
        lines.append(f"  bridge          to {choices.bridge_host}:{choices.bridge_port}, {'with' if choices.bridge_ca else 'without'} TLS")
    lines.append(f"  our programs    {folder / credentials.CREDENTIALS}/<login>.toml")
    if changed:
        lines.append("Restart Mosquitto, so that it holds (sudo systemctl restart mosquitto).")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
