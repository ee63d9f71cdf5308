"""The remotes: each connection as the appliance has found it last."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Any

from ui.doctor.case import Case
from ui.doctor.finding import Finding, good, look, mend, skipped
from ui.words import age, clean, percent, size

_TIGHT = 0.05


def remotes(case: Case) -> Iterator[Finding]:
    told = case.told
    if not told.online:
        yield skipped("remotes", "how the remotes are is not known while the appliance is not online")
        return
    if not told.connections:
        yield look("remotes", "there is no remote yet: everything is on this computer only",
                   "the panel's page Connections; or `pyarchive connection add drive --name Drive --credentials FILE`")  # fmt: skip
        return
    if not any(each["active"] for each in told.connections):
        yield mend("remotes", "no remote is active: nothing is carried away", f"pyarchive connection activate {_name(told.connections[0])}")
    for each in told.connections:
        yield from _connection(each)


def _name(connection: dict[str, Any]) -> str:
    return quote(clean(connection["name"]))


def _connection(each: dict[str, Any]) -> Iterator[Finding]:
    name = f"remote {clean(each['id'])}"
    text = f"{clean(each['name'])} ({clean(each['kind'])}{', active' if each['active'] else ''})"
    if each["sign_in"] in {"needed", "pending"}:
        yield mend(name, f"{text} needs somebody to sign in", f"pyarchive connection sign-in {_name(each)}")
    elif not each["valid"]:
        yield mend(name, f"{text} is not valid{_why(each)}", f"pyarchive connection validate {_name(each)}")
    elif each["adopting"]:
        yield mend(name, f"{text} has archives that are not known here; nothing there is changed",
                   f"pyarchive recover {_name(each)} --dry-run")  # fmt: skip
    elif not each["reachable"]:
        yield look(name, f"{text} does not answer{_why(each)}; it is tried again by itself", f"pyarchive connection show {_name(each)}")
    else:
        yield good(name, f"{text} answers{_signed_in(each)}, {_looked_through(each)}")
    if each["limit_bytes"] and each["free_bytes"] is not None:
        yield _quota(each, text)


def _why(each: dict[str, Any]) -> str:
    return f": {clean(each['last_error'])}" if each["last_error"] else ""


def _signed_in(each: dict[str, Any]) -> str:
    return ", signed in" if each["sign_in"] == "ok" else ""


def _looked_through(each: dict[str, Any]) -> str:
    at = each["last_listing_at"]
    return f"looked through {age(at)}" if at else "not looked through yet"


def _quota(each: dict[str, Any], text: str) -> Finding:
    free, limit = each["free_bytes"], each["limit_bytes"]
    room = f"{text} has {size(free)} of {size(limit)} free"
    if free <= 0:
        return mend("quota", f"{text} is full", f"make room there, or: pyarchive connection trash {_name(each)} --purge")
    if free < limit * _TIGHT:
        return look("quota", f"{room} ({percent(free / limit)})", f"make room there, or: pyarchive connection trash {_name(each)} --purge")
    return good("quota", room)
