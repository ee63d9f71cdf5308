"""Whose files are, and who else may read them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ui.client_settings import CLIENT_FILE
from ui.doctor.case import Case
from ui.doctor.finding import Finding, good, mend, skipped
from ui.doctor.machine import Machine, Unseen
from ui.doctor.place import BROKER_FOLDER
from ui.words import clean, count

_PRIVATE = ("secrets", "catalog", "ledger", "scripts", "log", "spool")
_SHARED = ("store", "uploads", "trash")
_MOST_SHOWN = 3
_MOST_FILES = 20_000


@dataclass(frozen=True, slots=True)
class Rule:
    """``forbidden``: bits of the mode that must not be set. ``owner``, ``group``: names; empty: whoever."""

    path: Path
    forbidden: int
    owner: str = ""
    group: str = ""


def folders(case: Case) -> Iterator[Finding]:
    """What holds secrets is its owner's alone; the store also its group's, so that the panel can read it."""
    data, owner = case.place.data, "pyarchive-appliance" if case.place.installed else ""
    rules = [Rule(data / name, 0o077, owner) for name in _PRIVATE] + [Rule(data / name, 0o007, owner) for name in _SHARED]
    yield from _judged(case.machine, rules, "data folder", f"in {clean(data)}")


def secrets(case: Case) -> Iterator[Finding]:
    """Every file of secrets, and the command's own login."""
    data, owner = case.place.data, "pyarchive-appliance" if case.place.installed else ""
    folder = case.machine.at(data / "secrets")
    if folder.exists() and not os.access(folder, os.X_OK):
        raise Unseen(f"{clean(data)}/secrets")  # whoever may not look into it sees no files, which is not the same as none
    rules = [Rule(Path(path), 0o077, owner) for path in case.machine.glob(f"{data}/secrets/*")[:_MOST_FILES]]
    login = Rule(data / CLIENT_FILE, 0o037 if case.place.installed else 0o077)
    yield from _judged(case.machine, [*rules, login], "secrets", "of tokens and logins")


def broker_files(case: Case) -> Iterator[Finding]:
    if not case.place.installed:
        yield skipped("broker's files", f"this is no installed system: its broker has one login, in {CLIENT_FILE}")
        return
    names = case.machine.glob(f"{BROKER_FOLDER}/credentials/*.toml")
    rules = [Rule(Path(name), 0o077, "root") for name in names if not name.endswith("/cli.toml")]
    rules.append(Rule(BROKER_FOLDER / "credentials/cli.toml", 0o037, "root", "pyarchive-admin"))
    rules += [
        Rule(Path(name), 0o077, "mosquitto") for kind in ("passwords-*", "acl-*") for name in case.machine.glob(f"{BROKER_FOLDER}/{kind}")
    ]
    rules.append(Rule(Path("/etc/pyarchive/share.toml"), 0o077, "root"))
    rules += [Rule(Path(name), 0o037) for name in case.machine.glob("/etc/pyarchive/tls/*key*")]
    yield from _judged(case.machine, rules, "broker's files", "of passwords and keys")


def _judged(machine: Machine, rules: list[Rule], name: str, where: str) -> Iterator[Finding]:
    there = [(rule, found) for rule in rules if (found := _status(machine, rule.path))]
    wrong = [(rule, text) for rule, found in there if (text := _wrong(machine, rule, found))]
    for rule, text in wrong[:_MOST_SHOWN]:
        yield mend(name, f"{clean(rule.path)} {text}", _command(rule))
    if len(wrong) > _MOST_SHOWN:
        yield mend(name, f"{len(wrong) - _MOST_SHOWN} more like that", "mend those first, then look again")
    if not there:
        yield skipped(name, f"there is nothing {where} yet")
    elif not wrong:
        yield good(name, f"{count(len(there), 'place')} {where}: nobody else may read them")


def _status(machine: Machine, path: Path) -> os.stat_result | None:
    """None where it is not there. Raises Unseen."""
    try:
        return machine.at(path).lstat()
    except PermissionError:
        raise Unseen(clean(path)) from None
    except OSError:
        return None


def _wrong(machine: Machine, rule: Rule, found: os.stat_result) -> str:
    """What is wrong with it, in words; empty: nothing."""
    mode = stat.S_IMODE(found.st_mode)
    if mode & rule.forbidden:
        who = "everybody" if mode & rule.forbidden & 0o007 else "its group"
        return f"may be read by {who} (mode {mode:04o})"
    owner, group = _name(machine, "/etc/passwd", found.st_uid), _name(machine, "/etc/group", found.st_gid)
    if rule.owner and owner != rule.owner:
        return f"belongs to {owner}, not to {rule.owner}"
    # Before there is such a group the file is root's alone, which is no less safe.
    if rule.group and mode & 0o070 and group != rule.group:
        return f"may be read by the group {group}, not by {rule.group}"
    return ""


def _command(rule: Rule) -> str:
    whose = f"sudo chown {rule.owner}{':' + rule.group if rule.group else ''} {clean(rule.path)} && sudo " if rule.owner else ""
    letters = "".join(f"{who}-rwx," for who, bits in (("g", 0o070), ("o", 0o007)) if rule.forbidden & bits == bits)
    return f"{whose}chmod {(letters or 'o-rwx,').rstrip(',')} {clean(rule.path)}"


def _name(machine: Machine, file: str, number: int) -> str:
    """By /etc/passwd or /etc/group; the number itself where nobody has it there."""
    rows = (line.split(":") for line in (machine.text(file) or "").splitlines())
    return next((row[0] for row in rows if len(row) > 2 and row[2] == str(number)), f"number {number}")  # noqa: PLR2004 - name, password, number
