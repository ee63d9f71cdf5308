"""``pyarchive orphans --tombstones`` and ``--bury``: what of ours is to go to the remotes' trash, and what waits for a person."""

from __future__ import annotations

import argparse
from typing import Any

from ui import output
from ui.errors import Failed
from ui.link import Link, open_link
from ui.words import age, clean, count, size

_HEADERS = ("NAME", "REASON", "WHERE", "DUE", "ARCHIVE")
_MOST_SHOWN = 100
_ANSWER_S = 60.0


def run(args: argparse.Namespace) -> int:
    """A dry run of what the appliance does by itself; ``--bury`` lets go what it does not do without being told."""
    with open_link(args) as link:
        if args.bury:
            _bury(link, args)
        else:
            _look(link, args)
    return 0


def _look(link: Link, args: argparse.Namespace) -> None:
    found = link.ask("integrity/tombstones", timeout_s=_ANSWER_S, limit=_MOST_SHOWN)
    if args.json:
        output.emit(found)
        return
    names = {each["id"]: each["name"] for each in link.ask("connection/list")["connections"]}
    rows = [_row(each, names) for each in found["objects"]]
    for line in output.table(_HEADERS, rows, flexible=1) if rows else []:
        output.say(line)
    more = found["due"] + found["waiting"] - len(rows)
    if more > 0:
        output.say(f"… and {more} more")
    for why in found["held_back"]:
        output.say(f"{output.paint('held back', 'yellow')}: {clean(why)}")
    for connection_id, number in found.get("to_confirm", {}).items():
        name = clean(names.get(connection_id, connection_id))
        output.say(f"{count(number, 'object')} of {name} wait for you: `pyarchive orphans --bury {connection_id}` lets them go")
    output.say(_summary(found))


def _row(each: dict[str, Any], names: dict[str, str]) -> tuple[str, ...]:
    place = names.get(each["connection_id"], each["connection_id"])
    due = age(each["due_at"]) if each["due_at"] else "not dated yet"
    return clean(each["name"] or ""), clean(each["reason"]), clean(place), due, clean(each["archive_id"] or "")


def _summary(found: dict[str, Any]) -> str:
    if not found["due"] + found["waiting"]:
        return "nothing of ours is to go"
    bytes_known = f" ({size(found['bytes'])})" if found["bytes"] else ""
    return f"{count(found['due'], 'object')} due for the remotes' trash{bytes_known}, {found['waiting']} waiting for the grace time to pass"


def _bury(link: Link, args: argparse.Namespace) -> None:
    connection = link.ask("connection/show", connection=args.bury)
    found = link.ask("integrity/tombstones", timeout_s=_ANSWER_S, limit=1)
    number = found.get("to_confirm", {}).get(connection["id"])
    if not number:
        raise Failed(f"nothing of {clean(connection['name'])} waits to be confirmed; `pyarchive orphans --tombstones` shows what there is")
    answer = link.ask("integrity/bury", timeout_s=_ANSWER_S, connection=connection["id"], objects=number)
    output.emit_or(args.json, answer, f"{count(number, 'object')} of {clean(connection['name'])} may go to its trash from now on")
