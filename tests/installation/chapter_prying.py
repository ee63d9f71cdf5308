"""What others may not read: each file that the appliance keeps, really opened by each user who should be refused."""

from __future__ import annotations

import json
from collections import Counter

from tests.installation.claims import Claims
from tests.installation.installed import BEN, CARL, DATA, UNITS, Installed

_PROCESSES = ("pyarchive-panel", "pyarchive-scripts", "pyarchive-script")
_WHO = (CARL, BEN, *_PROCESSES)
_OF_THE_GROUP = frozenset({BEN, "pyarchive-panel"})  # files are handed in, and read, by the group pyarchive
_NOBODY: frozenset[str] = frozenset()
MAY_READ = {
    f"{DATA}/secrets/": _NOBODY,
    f"{DATA}/catalog/": _NOBODY,
    f"{DATA}/ledger/": _NOBODY,
    f"{DATA}/scripts/": _NOBODY,
    f"{DATA}/log/": _NOBODY,
    f"{DATA}/trash/": _OF_THE_GROUP,
    f"{DATA}/spool/": _OF_THE_GROUP,
    f"{DATA}/store/": _OF_THE_GROUP,
    f"{DATA}/uploads/": _OF_THE_GROUP,
    f"{DATA}/inbox/": _OF_THE_GROUP,
    "/etc/pyarchive/mosquitto/credentials/": _NOBODY,
    "/etc/pyarchive/mosquitto/": _NOBODY,
    "/var/lib/pyarchive-panel/": frozenset({"pyarchive-panel"}),
    "/mnt/disk/": _OF_THE_GROUP,
}
"""By the beginning of a path, the first that fits: who of these users may read it. ``PUBLIC`` goes before."""
PUBLIC = (
    f"{DATA}/appliance_id", f"{DATA}/store/.pyarchive", "/mnt/disk/.pyarchive", "/mnt/disk/README.txt",
    "/etc/pyarchive/mosquitto/mosquitto.conf", "/etc/pyarchive/mosquitto/broker.toml",
)  # fmt: skip
_TRY = """
import json, sys
opened = []
for path in json.load(sys.stdin):
    try:
        with open(path, "rb") as file:
            file.read(1)
        opened.append(path)
    except OSError:
        pass
print(json.dumps(opened))
"""


def prying(claims: Claims, installed: Installed) -> None:
    """After there are archives, accounts and a connection."""
    paths = _files(installed)
    kinds = Counter(kind_of(path) for path in paths)
    opened = {user: _opened(installed, user, paths) for user in _WHO}
    for kind, count in sorted(kinds.items()):
        read = {user: sum(kind_of(path) == kind for path in opened[user]) for user in _WHO}
        claims.figure(f"{kind:45} {count:4} files; opened by " + ", ".join(f"{user} {number}" for user, number in read.items()))
    with claims.claim(f"none of {len(_WHO)} other users opens what is not theirs ({len(paths)} files, each tried)"):
        assert {f"{DATA}/secrets/", f"{DATA}/catalog/", f"{DATA}/ledger/", "/etc/pyarchive/mosquitto/credentials/"} <= kinds.keys(), kinds
        wrong = [f"{user} opened {path}" for user in _WHO for path in opened[user] if not may_read(path, user)]
        assert not wrong, "\n".join(wrong)
    with claims.claim("the appliance itself, and root, do open them"):
        there = set(_files(installed)) & set(paths)  # what was thrown away meanwhile nobody opens
        its_own = {path for path in there if path.startswith(f"{DATA}/")}
        assert not (closed := its_own - set(_opened(installed, "pyarchive-appliance", sorted(its_own)))), sorted(closed)
        assert not (closed := there - set(_opened(installed, "root", sorted(there)))), sorted(closed)
    with claims.claim("nor the environment, the memory or the credentials of a service that is not theirs"):
        _check_processes(installed)
    with claims.claim("the arguments of no process hold a password"):
        _check_arguments(installed)


def kind_of(path: str) -> str:
    """The beginning that decides."""
    if path.startswith(PUBLIC):
        return "for everybody"
    return next((beginning for beginning in MAY_READ if path.startswith(beginning)), "for everybody")


def may_read(path: str, user: str) -> bool:
    return user in MAY_READ.get(kind_of(path), _WHO)


def _files(installed: Installed) -> list[str]:
    places = (DATA, "/etc/pyarchive", "/var/lib/pyarchive-panel", "/mnt/disk")
    return installed.root.run("find", *places, "-type", "f").splitlines()


def _opened(installed: Installed, user: str, paths: list[str]) -> list[str]:
    said = installed.root.run("python3", "-c", _TRY, user=user, given=json.dumps(paths))
    return [str(path) for path in json.loads(said)]


def _check_processes(installed: Installed) -> None:
    root = installed.root
    for unit in UNITS[1:]:
        process_id = root.property(unit, "MainPID")
        owner = root.run("ps", "-o", "user:32=", "-p", process_id).strip()
        private = [f"/proc/{process_id}/{name}" for name in ("environ", "mem", "maps")]
        credentials = root.run("find", f"/run/credentials/{unit}", "-type", "f").splitlines()
        assert credentials, f"{unit} has no credentials"
        for user in set(_WHO) - {owner}:
            assert _opened(installed, user, [*private, *credentials]) == [], f"{user} reads from {unit}"


def _check_arguments(installed: Installed) -> None:
    root = installed.root
    said = root.run("sh", "-c", "cat /etc/pyarchive/mosquitto/credentials/*.toml")
    passwords = [
        line.partition("=")[2].strip().strip('"') for line in said.splitlines() if line.strip().startswith(("password", "mqtt_password"))
    ]
    assert len(passwords) >= len(UNITS), said.count("password")
    running = root.run("ps", "-eo", "args") + root.run("sh", "-c", "cat /proc/[0-9]*/environ | tr '\\0' '\\n'")
    assert not any(password in running for password in passwords), "a password stands in the arguments or the environment of a process"
    assert not any(password in root.journal() for password in passwords), "a password stands in the journal"
