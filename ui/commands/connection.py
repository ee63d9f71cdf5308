"""``pyarchive connection``: configured remotes."""

from __future__ import annotations

import argparse
from typing import Any

from ui import output
from ui.link import Link, open_link
from ui.words import age, clean, moment, size

_HEADERS = ("NAME", "KIND", "VALID", "ACTIVE", "WHERE", "FREE", "ID", "LAST ERROR")


def run(args: argparse.Namespace) -> int:
    """``action`` comes from the grammar."""
    with open_link(args) as link:
        {"add": _add, "list": _list, "show": _show}.get(args.action, _change)(link, args)
    return 0


def _add(link: Link, args: argparse.Namespace) -> None:
    path = str(args.path.expanduser().absolute())
    answer = link.ask("connection/add", kind=args.kind, name=args.name, path=path)
    line = f"added {clean(args.name)} as {answer['id']}; next: `pyarchive connection validate {answer['id']}`, then activate"
    output.emit_or(args.json, {"id": answer["id"]}, line)


def _list(link: Link, args: argparse.Namespace) -> None:
    answer = link.ask("connection/list")
    if args.json:
        output.emit(answer)
        return
    connections = answer["connections"]
    if not connections:
        output.say("no connections yet; `pyarchive connection add folder --name NAME --path DIR` adds one")
        return
    header, *lines = output.table(_HEADERS, [_row(connection) for connection in connections], right=frozenset({5}), flexible=7)
    output.say(output.paint(header, "bold"))
    for line in lines:
        output.say(line)


def _row(connection: dict[str, Any]) -> tuple[str, ...]:
    free = connection["free_bytes"]
    return (
        clean(connection["name"]), clean(connection["kind"]), output.yes(connection["valid"]), output.yes(connection["active"]),
        clean(connection["path"] or ""), "" if free is None else size(free), connection["id"], clean(connection["last_error"] or ""),
    )  # fmt: skip


def _show(link: Link, args: argparse.Namespace) -> None:
    _tell(link.ask("connection/show", connection=args.connection), args)


def _tell(connection: dict[str, Any], args: argparse.Namespace) -> None:
    if args.json:
        output.emit(connection)
        return
    output.say(output.paint(clean(connection["name"]), "bold"))
    output.facts(_facts(connection))


def _facts(connection: dict[str, Any]) -> list[tuple[str, str]]:
    validated = connection["validated_at"]
    facts = [
        ("id", connection["id"]),
        ("kind", clean(connection["kind"])),
        ("where", clean(connection["path"] or "")),
        ("valid", f"yes, as of {moment(validated)}" if connection["valid"] else f"no; `pyarchive connection validate {connection['id']}`"),
        ("active", "yes" if connection["active"] else "no"),
        ("space", _space(connection)),
    ]
    if connection["last_error"]:
        next_try = f", next try {age(connection['next_try_at'])}" if connection["next_try_at"] else ""
        facts.append(("last error", clean(connection["last_error"]) + next_try))
    return facts


def _space(connection: dict[str, Any]) -> str:
    known = [
        f"{size(connection[key])} {word}"
        for key, word in (("free_bytes", "free"), ("used_bytes", "used"), ("limit_bytes", "in all"))
        if connection[key] is not None
    ]
    return ", ".join(known) or "unknown"


def _change(link: Link, args: argparse.Namespace) -> None:
    name = args.name if args.action == "rename" else None
    answer = link.ask(f"connection/{args.action}", timeout_s=60.0, connection=args.connection, name=name)
    done = {
        "validate": "is valid",
        "activate": "is active: archives are carried there from now on",
        "remove": "is forgotten; nothing there was changed",
    }
    shown = clean(answer.get("name", args.connection) if isinstance(answer, dict) else args.connection)
    output.emit_or(args.json, answer, f"{shown} {done.get(args.action, 'is its name now')}")
