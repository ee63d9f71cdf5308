"""``pyarchive connection empty`` and ``trash``: what of ours lies on a remote goes, in two steps."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ui import output
from ui.bars import Bars
from ui.errors import Failed
from ui.link import Link, open_link
from ui.patience import Patience
from ui.waiting import until_job_ends
from ui.words import clean, count, size

Result = dict[str, Any]


def run(args: argparse.Namespace) -> int:
    """``action`` comes from the grammar."""
    with open_link(args) as link:
        connection = link.ask("connection/show", connection=args.connection)
        if args.action == "trash":
            _trash(link, connection, args)
        else:
            _empty(link, connection, args)
    return 0


def _empty(link: Link, connection: dict[str, Any], args: argparse.Namespace) -> None:
    """A dry run comes first, and what it found is confirmed by typing the connection's name."""
    typed = args.confirm
    if typed is None:
        found = _job(link, "connection/empty", "counting what is there", args, connection=connection["id"])
        typed = None if args.json or not found["objects"] else _typed(connection["name"], found)
        if typed is None:
            return _tell_dry_run(connection, found, args)
    if typed != connection["name"]:
        raise Failed(f"what was typed is not {clean(connection['name'])}, the connection's name; nothing was changed", "refused")
    done = _job(link, "connection/empty", "moving to the trash", args, connection=connection["id"], confirm=typed)
    line = f"{_objects(done)} moved to the trash of {clean(connection['name'])}"
    return output.emit_or(args.json, done, f"{line}; `pyarchive connection trash {connection['id']} --purge` frees the space")


def _typed(name: str, found: Result) -> str | None:
    """None where nobody can be asked."""
    if not (output.is_terminal(sys.stdin) and output.is_terminal(sys.stdout)):
        return None
    output.say(f"{_objects(found)} of {count(found['archives'], 'archive')} would move to the trash of {clean(name)}.")
    print(f"Type the connection's name ({clean(name)}) to do it: ", end="", flush=True)
    return sys.stdin.readline().strip()


def _tell_dry_run(connection: dict[str, Any], found: Result, args: argparse.Namespace) -> None:
    name = clean(connection["name"])
    if found["objects"]:
        line = f"{_objects(found)} of {count(found['archives'], 'archive')} would move to the trash of {name}; nothing was changed"
        line += f". `pyarchive connection empty {connection['id']} --confirm NAME` does it, with the connection's name"
    else:
        line = f"nothing of ours lies on {name}"
    output.emit_or(args.json, found, line)


def _trash(link: Link, connection: dict[str, Any], args: argparse.Namespace) -> None:
    what = "emptying the trash" if args.purge else "looking into the trash"
    found = _job(link, "connection/trash", what, args, connection=connection["id"], purge=args.purge or None)
    if args.json:
        output.emit(found)
        return
    name = clean(connection["name"])
    if args.purge:
        output.say(f"{count(found['purged'], 'object')} of the trash of {name} deleted for ever")
    elif found["objects"]:
        output.say(
            f"{_objects(found)} of ours in the trash of {name}; `pyarchive connection trash {connection['id']} --purge` deletes them"
        )
    else:
        output.say(f"nothing of ours lies in the trash of {name}")
    if found["kept"]:
        advice = "`pyarchive verify --remote --repair` takes it out of there"
        output.say(f"{output.paint('damage', 'red')}: {count(found['kept'], 'object')} in the trash belong to archives and stay; {advice}")


def _objects(found: Result) -> str:
    return f"{count(found['objects'], 'object')} ({size(found['bytes'])})"


def _job(link: Link, verb: str, what: str, args: argparse.Namespace, **parameters: Any) -> Result:
    with Bars(quiet=args.json) as bars:
        patience = Patience(say=bars.say)
        job = until_job_ends(link, lambda: str(link.ask_patiently(verb, patience, **parameters)["job_id"]), bars, patience, what)
    if job["state"] == "failed":
        error = job.get("error") or {}
        raise Failed(clean(error.get("message", f"{what} failed; try again")), str(error.get("code", "failed")))
    result: Result = job["result"]
    return result
