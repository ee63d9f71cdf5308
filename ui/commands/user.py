"""``pyarchive user``: people with accounts, invitations, and whose archives are whose."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from ui import output
from ui.link import Link, open_link
from ui.passwords import ask_password
from ui.words import age, clean, count, moment, size

_HEADERS = ("NAME", "ROLE", "ARCHIVES", "SIZE", "LAST SEEN", "SIGN-IN", "CALLED")
_HASH_S = 60.0
"""A password is hashed by an appliance that may be slow and busy."""


def run(args: argparse.Namespace) -> int:
    """``action`` comes from the grammar."""
    password = ask_password(clean(args.name)) if _needs_password(args) else None
    with open_link(args) as link:
        _ACTIONS[args.action](link, args, password)
    return 0


def _needs_password(args: argparse.Namespace) -> bool:
    return args.action == "passwd" or (args.action == "add" and not args.no_password)


def _list(link: Link, args: argparse.Namespace, _: str | None) -> None:
    answer = link.ask("user/list")
    if args.json:
        output.emit(answer)
        return
    if answer["users"]:
        header, *lines = output.table(_HEADERS, [_row(user) for user in answer["users"]], right=frozenset({2, 3}), flexible=6)
        output.say(output.paint(header, "bold"))
        for line in lines:
            output.say(line)
    else:
        output.say("no users yet; `pyarchive user setup-code` prints the code with which the first one claims the appliance in the panel")
    for other in answer["others"]:
        output.say(f"{clean(other['name'])} has no account and owns {count(other['archives'], 'archive')}, {size(other['bytes'])}")


def _row(user: dict[str, Any]) -> tuple[str, ...]:
    seen = user["last_seen_at"]
    return (
        clean(user["name"]), user["role"], str(user["archives"]), size(user["bytes"]), age(seen) if seen else "never",
        "" if user["can_sign_in"] else "no password", clean(user["display_name"]),
    )  # fmt: skip


def _add(link: Link, args: argparse.Namespace, password: str | None) -> None:
    role = "admin" if args.admin else "member"
    asked = {"name": args.name, "role": role, "password": password, "display_name": args.display_name, "email": args.email}
    user = link.ask("user/add", timeout_s=_HASH_S, **asked)
    word = "" if user["can_sign_in"] else "; `pyarchive user passwd` sets a password"
    output.emit_or(args.json, user, f"added {clean(user['name'])}, {user['role']}{word}")


def _passwd(link: Link, args: argparse.Namespace, password: str | None) -> None:
    link.ask("user/passwd", timeout_s=_HASH_S, name=args.name, password=password)
    output.emit_or(args.json, {"name": args.name}, f"{clean(args.name)} has a new password; sessions of before have ended")


def _role(link: Link, args: argparse.Namespace, _: str | None) -> None:
    user = link.ask("user/role", name=args.name, role=args.role)
    output.emit_or(args.json, user, f"{clean(user['name'])} is {user['role']} from now on")


def _remove(link: Link, args: argparse.Namespace, _: str | None) -> None:
    link.ask("user/remove", name=args.name)
    output.emit_or(args.json, {"name": args.name}, f"{clean(args.name)} is removed")


def _give(link: Link, args: argparse.Namespace, _: str | None) -> None:
    archives, left = 0, 1
    while left:
        answer = link.ask("user/give", timeout_s=_HASH_S, from_owner=args.from_owner, to_owner=args.to_owner)
        archives, left = archives + answer["archives"], answer["left"]
    line = f"{count(archives, 'archive')} of {clean(args.from_owner)} belong to {clean(args.to_owner)} now"
    output.emit_or(args.json, {"archives": archives}, line)


def _setup_code(link: Link, args: argparse.Namespace, _: str | None) -> None:
    answer = link.ask("user/setup-code")
    output.emit_or(args.json, answer, f"{answer['code']}  (good once, until {moment(answer['expires_at'])}; the panel asks for it)")


def _invite(link: Link, args: argparse.Namespace, _: str | None) -> None:
    answer = link.ask("user/invite", role="admin" if args.admin else "member")
    line = f"{answer['code']}  (for one {answer['role']}, until {moment(answer['expires_at'])}; taken back with `uninvite {answer['id']}`)"
    output.emit_or(args.json, answer, line)


def _invitations(link: Link, args: argparse.Namespace, _: str | None) -> None:
    answer = link.ask("user/invitations")
    if args.json:
        output.emit(answer)
        return
    for each in answer["invitations"]:
        output.say(f"{each['id']}  for one {each['role']}, until {moment(each['expires_at'])}")
    if not answer["invitations"]:
        output.say("no invitation is open")


def _uninvite(link: Link, args: argparse.Namespace, _: str | None) -> None:
    link.ask("user/uninvite", id=args.id)
    output.emit_or(args.json, {"id": args.id}, f"invitation {clean(args.id)} is good no more")


_ACTIONS: dict[str, Callable[[Link, argparse.Namespace, str | None], None]] = {
    "list": _list, "add": _add, "passwd": _passwd, "role": _role, "remove": _remove, "give": _give, "setup-code": _setup_code,
    "invite": _invite, "invitations": _invitations, "uninvite": _uninvite,
}  # fmt: skip
