"""``pyarchive recover``: the catalog is rebuilt from what lies on a remote."""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from typing import Any

from ui import output
from ui.bars import Bars
from ui.client_settings import ClientSettings, find
from ui.errors import Failed, Silent, WrongUsage
from ui.link import Link
from ui.patience import Patience, endless
from ui.waiting import until_job_ends
from ui.words import age, clean, count, size

_HEADERS = ("APPLIANCE", "ARCHIVES", "SIZE", "UNKNOWN HERE", "CATALOG COPY", "")
_START_S = 120.0
_BEGINS_WITHIN_S = 60.0
_LONGEST_PAUSE_S = 1.0
State = dict[str, Any]


def run(args: argparse.Namespace) -> int:
    """1 where anything was skipped: each is named with its reason. Without a connection the last recovery is followed and told."""
    settings = find(os.environ, args.data)
    if args.connection is None:
        return _follow_last(settings, args)
    with Link(settings) as link:
        connection = link.ask("connection/show", connection=args.connection)
        looked = _look(link, connection, args)
        if args.dry_run:
            _tell_look(connection, looked, args)
            return 0
        appliance_id = _start(link, connection, looked, args)
    now = replace(settings, appliance_id=appliance_id)
    with Bars(quiet=args.json, noun="archives") as bars, Link(now) as link:
        if appliance_id != settings.appliance_id:
            bars.say(f"the appliance starts anew as {appliance_id}, no longer as {settings.appliance_id}")
        state = _until_it_ends(link, bars)
    return _end(state, args)


def _follow_last(settings: ClientSettings, args: argparse.Namespace) -> int:
    if args.dry_run or args.appliance_id:
        raise WrongUsage("--dry-run and --from need a CONNECTION")
    with Bars(quiet=args.json, noun="archives") as bars, Link(settings) as link:
        if link.ask("recovery/state")["state"] == "none":
            raise Failed("no recovery was begun; `pyarchive recover CONNECTION` begins one")
        state = _until_it_ends(link, bars)
    return _end(state, args)


def _end(state: State, args: argparse.Namespace) -> int:
    if args.json:
        output.emit(state)
    else:
        _tell(state)
    return _judge(state)


def _look(link: Link, connection: State, args: argparse.Namespace) -> State:
    with Bars(quiet=args.json) as bars:
        patience = Patience(say=bars.say)

        def start() -> str:
            return str(link.ask_patiently("recovery/look", patience, connection=connection["id"])["job_id"])

        job = until_job_ends(link, start, bars, patience, "looking what is there")
    if job["state"] == "failed":
        error = job.get("error") or {}
        raise Failed(clean(error.get("message", "looking failed; try again")), str(error.get("code", "failed")))
    looked: State = job["result"]
    return looked


def _nothing(connection: State, looked: State) -> str:
    return f"no appliance has stored anything on {clean(connection['name'])}; {clean(looked['hint'])}"


def _tell_look(connection: State, looked: State, args: argparse.Namespace) -> None:
    found = looked["appliances"]
    if args.json:
        output.emit(looked)
        return
    for line in output.table(_HEADERS, [_row(each) for each in found], right=frozenset({1, 2, 3})) if found else []:
        output.say(line)
    if not found:
        output.say(_nothing(connection, looked))
    elif any(each["unknown_here"] for each in found):
        output.say(
            f"`pyarchive recover {connection['id']} --from APPLIANCE` brings the unknown ones back; nothing on the remote is changed"
        )


def _row(each: State) -> tuple[str, ...]:
    copied = each["catalog_copy_at"]
    return (
        clean(each["appliance_id"]), str(each["archives"]), size(each["bytes"]), str(each["unknown_here"]),
        age(copied) if copied else "none", "this one" if each["ours"] else "",
    )  # fmt: skip


def _start(link: Link, connection: State, looked: State, args: argparse.Namespace) -> str:
    """The id that the appliance has from then on."""
    found: list[State] = looked["appliances"]
    if not found:
        raise Failed(_nothing(connection, looked))
    try:
        answer = link.ask("recovery/start", timeout_s=_START_S, connection=connection["id"], appliance_id=args.appliance_id)
    except Silent:
        # The answer can be lost when the appliance starts anew at once; whose archives are meant may be plain all the same.
        chosen = args.appliance_id or _only(found)
        if chosen is None:
            raise
        return chosen
    return str(answer["appliance_id"])


def _only(found: list[State]) -> str | None:
    chosen = [each for each in found if each["ours"]] or found
    return str(chosen[0]["appliance_id"]) if len(chosen) == 1 else None


def _until_it_ends(link: Link, bars: Bars) -> State:
    """The last state of the recovery, over restarts of the appliance."""
    patience, began_s, pause_s, total, told = endless(None, bars.say), time.monotonic(), 0.1, -1, None
    while (state := link.ask_patiently("recovery/state", patience))["state"] in {"running", "none"}:
        if state["state"] == "none" and time.monotonic() - began_s > _BEGINS_WITHIN_S:
            raise Failed("the appliance knows of no recovery; look at `pyarchive log`, then start it again")
        if state["archives_total"] != total:
            total = state["archives_total"]
            bars.stage("recovering", "", total)
        bars.advance(state["archives_done"])
        if state["error"] and state["error"] != told:
            bars.say(f"it waits, and goes on by itself: {clean(state['error'])}")
        told = state["error"]
        time.sleep(pause_s)
        pause_s = min(_LONGEST_PAUSE_S, pause_s * 1.5)
    final: State = state
    return final


def _tell(state: State) -> None:
    here = f"; {state['already_here']} were here already" if state["already_here"] else ""
    removed = f", {state['removed']} of them in the state of removed (`pyarchive list --removed`)" if state["removed"] else ""
    output.say(f"{count(state['adopted'], 'archive')} recovered{removed}{here}")
    more = [count(state[key], noun) + note for key, noun, note in _MORE if state[key]]
    if more:
        output.say(f"back as well: {', '.join(more)}")
    for other in state["connections"]:
        output.say(f"to be added again: connection {clean(other['name'])} ({clean(other['kind'])}{_where(other)})")
    for each in state["skipped"]:
        output.say(f"{output.paint('skipped', 'red')}: {clean(each['archive_id'])}: {clean(each['why'])}")
    if state["skipped_total"] > len(state["skipped"]):
        output.say(f"… and {state['skipped_total'] - len(state['skipped'])} more")
    if state["adopted"]:
        output.say("their content is on the remote; `pyarchive restore ARCHIVE` brings it to this appliance")


def _where(other: State) -> str:
    known = other.get("path") or other.get("folder_id")
    return f", {clean(known)}" if known else ""


_MORE = (
    ("users", "user", " (without passwords; `pyarchive user passwd` sets them)"),
    ("scripts", "script", ""),
    ("deployments", "deployment", " (disabled until an admin enables them)"),
    ("settings", "setting", ""),
)


def _judge(state: State) -> int:
    if state["state"] == "failed":
        raise Failed(f"{clean(state['error'] or 'the recovery failed')}; `pyarchive recover CONNECTION` goes on where it was", "failed")
    if state["skipped"]:
        number = count(state["skipped_total"], "archive")
        raise Failed(f"{number} did not come back, or not whole, as said above; nothing on the remote was changed", "skipped")
    return 0
