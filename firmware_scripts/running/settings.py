"""What the runner is told by its environment, checked when it starts."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mqtt.client import BrokerAddress
from mqtt.topics import Topics

AT_A_TIME = 4
_NOBODY = "nobody"
_DATA = "/var/lib/pyarchive"
_OF_THE_SYSTEM = ("/usr/bin/python3", "/usr/local/bin/python3")


class BadSettings(Exception):
    """The runner cannot start; the text says which setting, and what to do."""


class User(NamedTuple):
    """Whom a script runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """``users``: taken in turn by the runs; none: scripts run as the runner does. ``folder``: for working folders; none: a fresh one.
    ``cgroup``: one that is ours; none: systemd's, where it has delegated one.
    """

    broker: BrokerAddress = field(repr=False)
    topics: Topics
    users: tuple[User, ...]
    folder: Path | None
    cgroup: Path | None
    python: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """Raises BadSettings."""
        given = {name.removeprefix("PYARCHIVE_"): value for name, value in environment.items() if name.startswith("PYARCHIVE_") and value}
        users = _users(given.get("SCRIPTS_USER", ""))
        return cls(
            broker=_broker(given), topics=_topics(given), users=users,
            folder=_path(given, "SCRIPTS_FOLDER"), cgroup=_path(given, "SCRIPTS_CGROUP"),
            python=given.get("SCRIPTS_PYTHON") or _interpreter(for_others=bool(users)),
        )  # fmt: skip


def _path(given: Mapping[str, str], name: str) -> Path | None:
    return Path(given[name]) if name in given else None


def _broker(given: Mapping[str, str]) -> BrokerAddress:
    port = given.get("MQTT_PORT", "1883")
    if not port.isdecimal() or not 0 < int(port) < 65536:  # noqa: PLR2004 - what a port can be
        raise BadSettings(f"PYARCHIVE_MQTT_PORT is {port[:40]!r}; it must be a number from 1 to 65535")
    return BrokerAddress(
        host=given.get("MQTT_HOST", "127.0.0.1"), port=int(port), username=given.get("MQTT_USERNAME"),
        password=given.get("MQTT_PASSWORD") or _password_in(_path(given, "LOGIN_FILE")), tls_ca=_path(given, "MQTT_TLS_CA"),
    )  # fmt: skip


def _password_in(file: Path | None) -> str | None:
    """Of a login file; `pyarchive scripts` has handed over the rest of it."""
    try:
        mqtt = tomllib.loads(file.read_text()).get("mqtt", {}) if file else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise BadSettings(f"the login in {file} cannot be read; mend the file, or unset PYARCHIVE_LOGIN_FILE") from None
    return mqtt.get("password")


def _topics(given: Mapping[str, str]) -> Topics:
    """The appliance that is named, or else the one of the data folder."""
    named = given.get("APPLIANCE_ID")
    try:
        return Topics(named or Path(given.get("DATA", _DATA), "appliance_id").read_text().strip())
    except (OSError, ValueError) as error:
        raise BadSettings(f"which appliance is meant is unknown ({error}); set PYARCHIVE_APPLIANCE_ID or PYARCHIVE_DATA") from None


def _users(names: str) -> tuple[User, ...]:
    """What is named; without a name, a runner that is root still runs no script as root."""
    wanted = [name.strip() for name in names.split(",") if name.strip()] or ([_NOBODY] if os.geteuid() == 0 else [])
    users = []
    for name in wanted:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            raise BadSettings(
                f"PYARCHIVE_SCRIPTS_USER names {name[:64]!r}, a user who does not exist; create it, or name another"
            ) from None
        if entry.pw_uid == 0:
            raise BadSettings("PYARCHIVE_SCRIPTS_USER names root; scripts are never run as root: name another user")
        users.append(User(name, entry.pw_uid, entry.pw_gid))
    return tuple(users)


def _interpreter(*, for_others: bool) -> str:
    """The Python of which our environment was made: a script gets the standard library, and no package of ours.

    Where another user cannot reach that one (it lies in somebody's home), the system's. Raises BadSettings.
    """
    own = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    if not for_others or _within_reach(own):
        return own
    for other in _OF_THE_SYSTEM:
        if _within_reach(other) and _is_new_enough(other):
            return os.path.realpath(other)
    raise BadSettings(f"the users of scripts cannot reach {own}; set PYARCHIVE_SCRIPTS_PYTHON to a Python 3.11 or newer that they can")


def _within_reach(program: str) -> bool:
    try:
        return all(part.stat().st_mode & 0o001 for part in (Path(program), *Path(program).resolve().parents))
    except OSError:
        return False


def _is_new_enough(program: str) -> bool:
    question = "import sys; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([program, "-I", "-S", "-c", question], check=False, env={}).returncode == 0  # noqa: S603 - a known one
