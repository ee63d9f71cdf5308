"""``pyarchive connection``: configured remotes."""

from __future__ import annotations

import argparse
from typing import Any

from ui import output
from ui.link import Link, open_link
from ui.signing_in import SignIn, check_usage, needs_sign_in, read_credentials
from ui.words import age, clean, moment, size

_HEADERS = ("NAME", "KIND", "VALID", "ACTIVE", "SIGN-IN", "WHERE", "FREE", "ID")
_CHANGE_S = 600.0


def run(args: argparse.Namespace) -> int:
    """``action`` comes from the grammar."""
    if args.action == "add":
        return _add(args)
    with open_link(args) as link:
        {"list": _list, "show": _show, "validate": _validate}.get(args.action, _change)(link, args)
    return 0


def _add(args: argparse.Namespace) -> int:
    check_usage(args.kind, args.path, args.credentials, args.folder_id)
    path = None if args.path is None else str(args.path.expanduser().absolute())
    credentials = None if args.credentials is None else read_credentials(args.credentials)
    with open_link(args) as link:
        answer = link.ask(
            "connection/add", kind=args.kind, name=args.name, path=path, credentials=credentials, folder_id=args.folder_id
        )  # fmt: skip
        if credentials is not None and needs_sign_in(credentials):
            return _signed_in(link, args, answer["id"])
    line = f"added {clean(args.name)} as {answer['id']}; next: `pyarchive connection validate {answer['id']}`, then activate"
    output.emit_or(args.json, {"id": answer["id"]}, line)
    return 0


def _signed_in(link: Link, args: argparse.Namespace, connection_id: str) -> int:
    """The connection is there, whatever becomes of its sign-in."""
    sign_in = SignIn(link, connection_id, as_json=args.json)
    if not args.json:
        output.say(f"added {clean(args.name)} as {connection_id}")
    asked = sign_in.begin()
    if not args.no_wait:
        told_valid(sign_in.wait(asked), as_json=args.json)
    elif args.json:
        output.emit({"id": connection_id, **asked})
    else:
        output.say(f"Afterwards: `pyarchive connection validate {connection_id}`, then activate")
    return 0


def told_valid(connection: dict[str, Any], *, as_json: bool) -> None:
    """What a validated connection needs next."""
    name = clean(connection["name"])
    account = f" as {clean(connection['account'])}" if connection.get("account") else ""
    signed_in = f"signed in{account}; " if connection.get("sign_in", "not_needed") != "not_needed" else ""
    if connection.get("adopting"):
        line = f"{signed_in}{name} is in adopt mode: {clean(connection['adopting'])}; next: `pyarchive recover {connection['id']}`"
    elif connection["active"]:
        line = f"{signed_in}{name} is valid"
    else:
        line = f"{signed_in}{name} is valid; next: `pyarchive connection activate {connection['id']}`"
    output.emit_or(as_json, connection, line)


def _list(link: Link, args: argparse.Namespace) -> None:
    answer = link.ask("connection/list")
    if args.json:
        output.emit(answer)
        return
    connections = answer["connections"]
    if not connections:
        output.say(
            "no connections yet; `pyarchive connection add drive --name NAME --credentials FILE` adds Google Drive, "
            "`pyarchive connection add folder --name NAME --path DIR` a folder"
        )
        return
    header, *lines = output.table(_HEADERS, [_row(connection) for connection in connections], right=frozenset({6}), flexible=5)
    output.say(output.paint(header, "bold"))
    for line in lines:
        output.say(line)
    for connection in connections:
        if need := _need(connection):
            output.say(f"{output.paint(clean(connection['name']), 'yellow')}: {clean(need)}")


def _row(connection: dict[str, Any]) -> tuple[str, ...]:
    free, sign_in = connection["free_bytes"], connection.get("sign_in", "not_needed")
    return (
        clean(connection["name"]), clean(connection["kind"]), output.yes(connection["valid"]), output.yes(connection["active"]),
        "" if sign_in == "not_needed" else sign_in, clean(connection["path"] or connection.get("account") or ""),
        "" if free is None else size(free), connection["id"],
    )  # fmt: skip


def _need(connection: dict[str, Any]) -> str:
    """What stands in its way, the heaviest first."""
    if connection.get("adopting"):
        return f"adopt mode: {connection['adopting']}"
    return connection.get("sign_in_message") or connection["last_error"] or ""


def _validate(link: Link, args: argparse.Namespace) -> None:
    told_valid(link.ask("connection/validate", timeout_s=_CHANGE_S, connection=args.connection), as_json=args.json)


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
        *([("where", clean(connection["path"]))] if connection["path"] else []),
        *_drive_facts(connection),
        ("valid", f"yes, as of {moment(validated)}" if connection["valid"] else f"no; `pyarchive connection validate {connection['id']}`"),
        ("active", "yes" if connection["active"] else "no"),
        ("space", _space(connection)),
        ("trash", f"`pyarchive connection trash {connection['id']}` tells"),
    ]
    if connection.get("adopting"):
        advice = f"`pyarchive recover {connection['id']}`, or `pyarchive connection claim {connection['id']} --confirm NAME`"
        facts.append(("adopt mode", f"yes, nothing there is changed: {clean(connection['adopting'])}; {advice}"))
    if connection["last_error"]:
        next_try = f", next try {age(connection['next_try_at'])}" if connection["next_try_at"] else ""
        facts.append(("last error", clean(connection["last_error"]) + next_try))
    return facts


def _drive_facts(connection: dict[str, Any]) -> list[tuple[str, str]]:
    sign_in = connection.get("sign_in", "not_needed")
    if sign_in == "not_needed":
        return []
    message = f": {clean(connection['sign_in_message'])}" if connection.get("sign_in_message") else ""
    advice = f"; `pyarchive connection sign-in {connection['id']}`" if sign_in == "needed" and not message else ""
    return [
        ("account", clean(connection.get("account") or "not known yet")),
        ("sign-in", f"{sign_in}{message}{advice}"),
        ("client id", clean(connection.get("client_id") or "none")),
        ("folder id", clean(connection.get("folder_id") or "not known yet")),
    ]


def _space(connection: dict[str, Any]) -> str:
    known = [
        f"{size(connection[key])} {word}"
        for key, word in (("free_bytes", "free"), ("used_bytes", "used"), ("limit_bytes", "in all"))
        if connection[key] is not None
    ]
    return ", ".join(known) or "unknown"


def _change(link: Link, args: argparse.Namespace) -> None:
    name, confirm = getattr(args, "name", None), getattr(args, "confirm", None)
    answer = link.ask(f"connection/{args.action}", timeout_s=_CHANGE_S, connection=args.connection, name=name, confirm=confirm)
    done = {
        "activate": "is active: archives are carried there from now on",
        "remove": "is forgotten; nothing there was changed",
        "claim": "is this appliance's to write to from now on; what it does not know there stays as it is",
    }
    shown = clean(answer.get("name", args.connection) if isinstance(answer, dict) else args.connection)
    output.emit_or(args.json, answer, f"{shown} {done.get(args.action, 'is its name now')}")
