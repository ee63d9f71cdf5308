"""``pyarchive status``: one look."""

from __future__ import annotations

import argparse
from shlex import quote
from typing import Any

from ui import output
from ui.errors import Failed
from ui.headline import uploads
from ui.lamp_words import lamp_line
from ui.link import Link, open_link
from ui.words import age, clean, count, duration, rate, size

_RETAINED_TIMEOUT_S, _LAMP_TIMEOUT_S, _ANSWER_TIMEOUT_S = 3.0, 0.3, 1.0


def run(args: argparse.Namespace) -> int:
    """Raises Failed unless the appliance is online; what it said last is printed all the same."""
    with open_link(args) as link:
        state = _look(link)
        if args.json and state is not None:
            output.emit(state)
        elif state is not None:
            show(state, _lamp(link), online=link.mirror.online)
        if not link.mirror.online:
            raise Failed(f"{link.settings.appliance_id} is not online; {_why_minimal(link) or _advice(link)}")
    return 0


def _look(link: Link) -> dict[str, Any] | None:
    mirror = link.mirror
    mirror.follow("availability", "appliance/state", "frontpanel/state")
    mirror.wait(lambda: bool(mirror.get("availability") and mirror.get("appliance/state")), _RETAINED_TIMEOUT_S)
    state = mirror.get("appliance/state")
    return state if isinstance(state, dict) else None


def _lamp(link: Link) -> dict[str, Any] | None:
    link.mirror.wait(lambda: bool(link.mirror.get("frontpanel/state")), _LAMP_TIMEOUT_S)
    lamp = link.mirror.get("frontpanel/state")
    return lamp if isinstance(lamp, dict) else None


def _why_minimal(link: Link) -> str | None:
    """What cannot even read its catalog is not online, and answers all the same."""
    try:
        state = link.ask("safe-mode/show", timeout_s=_ANSWER_TIMEOUT_S)
    except Failed:
        return None
    return f"{clean(state['reason'])}; {clean(state['next_step'])}" if state["mode"] == "minimal" else None


def _advice(link: Link) -> str:
    if link.mirror.get("availability") is None:
        where = f"{link.settings.host}:{link.settings.port}"
        return f"the broker at {where} knows nothing of it: start it with `pyarchive appliance`, or check its id"
    return "it is starting, or has ended: look at its log (`journalctl -u pyarchive-appliance`), or start it with `pyarchive appliance`"


def show(state: dict[str, Any], lamp: dict[str, Any] | None = None, *, online: bool) -> None:
    """The state of the appliance in a dozen lines."""
    status = f"online, {state['status'].replace('_', ' ')}" if online else "not online; last known:"
    colour = "green" if online and state["status"] != "needs_you" else "red"
    reason = f" ({clean(state['status_reason'])})" if state["status_reason"] and online else ""
    output.say(f"{output.paint(clean(state['appliance_id']), 'bold')} is {output.paint(status, colour)}{reason}")
    output.facts([*_facts(state), *([("lamp", lamp_line(lamp))] if lamp and online else [])])
    for problem in state["problems"]:
        mark = output.paint("needs you", "red") if problem["needs_you"] else output.paint("passes", "yellow")
        output.say(f"  {mark}: {clean(problem['message'])}; {clean(problem['next_step'])}")


def _facts(state: dict[str, Any]) -> list[tuple[str, str]]:
    disk, counts = state["disk"], state["counts"]
    return [
        ("archives", f"{counts['archives']}, {size(state['stored_bytes'])}{_rungs(counts)}"),
        ("at risk", _at_risk(state)),
        ("queue", queue(state)),
        *([("uploads", window)] if (window := uploads(state)) else []),
        ("remote", _remote(state)),
        ("proof", _proof(state)),
        ("checks", _checks(state)),
        ("disk", f"{size(disk['free_bytes'])} free of {size(disk['total_bytes'])}, {size(disk['reserve_bytes'])} in reserve"),
        ("running", f"since {age(state['started_at']).removesuffix(' ago')}, version {clean(state['version'])}"),
    ]


def _rungs(counts: dict[str, int]) -> str:
    names = [name for name in ("proven", "remote", "partial", "received", "damaged", "lost", "removed") if counts[name]]
    return f" ({', '.join(f'{counts[name]} {name}' for name in names)})" if names else ""


def _at_risk(state: dict[str, Any]) -> str:
    if not state["bytes_at_risk"]:
        return "nothing"
    by = state["protected_by_at"]
    return f"{size(state['bytes_at_risk'])} only on this appliance" + (f", protected {age(by)}" if by else "")


def queue(state: dict[str, Any]) -> str:
    """What is to move, how fast, and how long it takes."""
    waiting = state["queue"]
    parts = [
        f"{count(waiting[f'batches_{way}'], 'batch')} {way} ({size(waiting[f'bytes_{way}'])})"
        for way in ("up", "down")
        if waiting[f"batches_{way}"]
    ]
    rates = [
        f"{name} {rate(state[key])}"
        for name, key in (("up", "upload_rate_bytes_per_s"), ("down", "download_rate_bytes_per_s"))
        if state[key]
    ]
    left = [f"{duration(state['eta_s'])} left"] if state["eta_s"] and parts else []
    paused = ["paused"] if state["paused"] else []
    metered = ["metered"] if state["metered"] else []
    return ", ".join([*(parts or ["empty"]), *rates, *left, *paused, *metered])


def _remote(state: dict[str, Any]) -> str:
    active = state["active_connection"]
    if not active:
        return "none is active (`pyarchive connection add`, validate, activate)"
    parts = [f"{clean(active['name'])} ({clean(active['kind'])})", f"all was there {age(state['last_sync_at'])}"]
    if active["free_bytes"] is not None:
        parts.append(size(active["free_bytes"]) + " free" + (f" of {size(active['limit_bytes'])}" if active["limit_bytes"] else ""))
    if not active["reachable"]:
        parts.append("does not answer")
    if active["sign_in"] == "needed":
        parts.append(f"sign in: `pyarchive connection sign-in {quote(clean(active['name']))}`")
    return ", ".join(parts)


def _proof(state: dict[str, Any]) -> str:
    """What was read back from a remote, and when."""
    last, oldest, counts = state["last_proof_at"], state["oldest_proof_at"], state["counts"]
    if oldest is not None:
        return f"everything was read back, what was longest ago {age(oldest)}"
    if last is None:
        return "nothing was read back from a remote yet (`pyarchive verify --read-back`)"
    return f"{counts['proven']} of {count(counts['archives'], 'archive')} read back, the last time {age(last)}"


def _checks(state: dict[str, Any]) -> str:
    """How long ago all local copies were read, and remotes looked through; a state of an older appliance does not tell."""
    local, listed = state.get("last_scrub_at"), state.get("last_listing_at")
    parts = [
        f"local copies were read {age(local)}" if local else "not all local copies were read yet",
        f"remotes looked through {age(listed)}" if listed else "not every remote was looked through yet",
    ]
    return ", ".join(parts)
