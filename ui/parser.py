"""The grammar of the command line. It imports nothing but argparse: what a subcommand needs is imported when it runs."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ui.moments import typed_moment

ARCHIVE_HELP = "id, unique beginning of one, or unique title"
CONNECTION_HELP = "id, unique beginning of one, or name"
_DATA_HELP = "data folder of the appliance that is meant"
_EXIT_STATUS = "Exit status: 0 done, 1 failed (stderr says why and what to do next), 2 wrong usage."

Add = Callable[..., argparse.ArgumentParser]


def build_parser() -> argparse.ArgumentParser:
    """Sets ``module`` (below ui.commands) and ``command`` (its full name) beside the arguments."""
    parser = argparse.ArgumentParser(
        prog="pyarchive", description="Hands files to the PyArchive appliance, watches it carry them to a remote, and brings them back.",
        epilog=_EXIT_STATUS, allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("--data", type=Path, metavar="DIR", help=_DATA_HELP)
    parser.set_defaults(json=False)
    add = _adder(parser.add_subparsers(required=True, metavar="COMMAND", title="commands"), "")
    for group in (_processes, _looking, _files, _copies, _pins, _transfers, _checks, _connections, _users, _scripts, _settings, _others):
        group(add)
    return parser


def _adder(subparsers: Any, prefix: str) -> Add:
    def add(name: str, text: str, module: str, *, json: bool = True, **defaults: Any) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = subparsers.add_parser(name, help=text, description=_sentence(text), allow_abbrev=False)
        # SUPPRESS: a default here would override what was said before the subcommand.
        parser.add_argument("--data", type=Path, metavar="DIR", help=_DATA_HELP, default=argparse.SUPPRESS)
        if json:
            parser.add_argument("--json", action="store_true", help="print JSON", default=argparse.SUPPRESS)
        parser.set_defaults(module=module, command=prefix + name, **defaults)
        return parser

    return add


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _archive(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("archive", metavar="ARCHIVE", help=ARCHIVE_HELP)
    return parser


def _waiting(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--wait", action="store_true", help=text)
    parser.add_argument("--timeout", type=_seconds, metavar="S", help="give up after S seconds (exit status 1)")


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ValueError(text)
    return seconds


_seconds.__name__ = "number of seconds"  # argparse puts it into its message


def _held(text: str) -> float:
    seconds = float(text)
    if not 0.05 <= seconds <= 120:  # noqa: PLR2004 - what the appliance takes
        raise ValueError(text)
    return seconds


_held.__name__ = "number of seconds from 0.05 to 120"


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65536:  # noqa: PLR2004 - what a port can be
        raise ValueError(text)
    return port


_port.__name__ = "port"


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1000:  # noqa: PLR2004 - what the appliance answers at most
        raise ValueError(text)
    return number


_count.__name__ = "number from 1 to 1000"


def _size(text: str) -> int:
    """``500MB``, ``1.5 GB``, ``64MiB``, ``1000000``: bytes."""
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgt]i?)?b?\s*", text.lower())
    number, unit = found.groups() if found else ("0", None)
    size_bytes = int(float(number) * (1 if unit is None else (1024 if "i" in unit else 1000) ** ("kmgt".index(unit[0]) + 1)))
    if size_bytes < 1:
        raise ValueError(text)
    return size_bytes


_size.__name__ = "size, such as 500MB"


def _processes(add: Add) -> None:
    demo = add("demo", "run everything on this computer: broker, appliance, web panel and a folder as remote, on 127.0.0.1", "demo")
    demo.add_argument("--port", type=_port, default=None, metavar="N", help="port of the web panel (8080)")
    add("appliance", "run the appliance in the foreground", "appliance", json=False)
    add("panel", "run the web panel in the foreground", "panel", json=False)
    add("scripts", "run the runner of scripts in the foreground", "scripts", json=False)


def _looking(add: Add) -> None:
    add("status", "one look at the appliance; exit status 1 unless it is online", "status")
    add("doctor", "look at everything and say what to mend; nothing is changed; exit status 1 where something must be mended", "doctor")
    watch = add("watch", "live view until Ctrl-C", "watch")
    watch.add_argument("--timeout", type=_seconds, metavar="S", help="end after S seconds")


def _files(add: Add) -> None:
    put = add("put", "hand files in; returns when each is received", "put")
    put.add_argument("files", nargs="+", metavar="FILE", help="is read, never touched")
    put.add_argument("--owner", metavar="U", help="who the archive belongs to")
    put.add_argument("--title", metavar="T", help="what to call the archive (the file's name)")
    _waiting(put, "until all are on a remote")
    listing = add("list", "all archives, newest first", "list")
    listing.add_argument("--search", metavar="TEXT", help="only those with TEXT in title or file name")
    listing.add_argument("--owner", metavar="U", help="only those of this owner")
    listing.add_argument("--rung", choices=["received", "partial", "remote", "proven"], help="only those on this rung")
    listing.add_argument("--removed", action="store_true", help="those that were removed and can be undone")
    _archive(add("show", "all that is known of one archive", "show"))
    get = _archive(add("get", "copy an archive out of the store, checked", "get"))
    get.add_argument("destination", metavar="DEST", help="file or folder")
    get.add_argument("--force", action="store_true", help="overwrite an existing file")


def _copies(add: Add) -> None:
    rename = _archive(add("rename", "give an archive another title", "rename"))
    rename.add_argument("title", metavar="TITLE")
    _archive(add("remove", "remove an archive; `undo` takes it back for 30 days", "remove"))
    _archive(add("undo", "take a removal back", "undo"))
    _archive(add("release", "free the local copy of an archive that is on a remote", "release"))
    restore = _archive(add("restore", "bring the local copy back from a remote", "restore"))
    _waiting(restore, "until the local copy is back")


def _transfers(add: Add) -> None:
    add(
        "sync",
        "try everything that waits for another try now",
        "transfers",
        verb="transfer/sync",
        done="everything that waited is tried again",
    )
    add("pause", "move nothing until `resume`", "transfers", verb="transfer/pause", done="transfers are paused; `pyarchive resume` ends it")
    add("resume", "end a pause", "transfers", verb="transfer/resume", done="transfers go on")
    press = add("press", "press the button of the front panel: sync; held for 3 s pause or resume, for 10 s shutdown", "press")
    press.add_argument("seconds", nargs="?", type=_held, default=0.2, metavar="SECONDS", help="how long it is held (0.2)")

    first = _standing(add, "first", "put an archive first in the order made by hand", "transfer/first", "{title} is number {place} now")
    first.add_argument("--position", type=_count, default=1, metavar="N", help="another place in that order (1)")
    text, done = "take an archive out of the order made by hand", "{title} is no longer put first; its turn comes by itself"
    _standing(add, "usual", text, "transfer/usual", done)


def _pins(add: Add) -> None:
    _standing(add, "pin", "keep the local copy, however short space gets", "archive/pin", "{title} is pinned: its local copy stays")
    _standing(add, "unpin", "let the local copy go when space gets short", "archive/unpin", "{title} is not pinned")


def _standing(add: Add, name: str, text: str, verb: str, done: str) -> argparse.ArgumentParser:
    return _archive(add(name, text, "standing", verb=verb, done=done, position=None))


def _checks(add: Add) -> None:
    verify = add("verify", "check copies; exit status 1 if damage remains", "verify")
    verify.add_argument("archives", nargs="*", metavar="ARCHIVE", help=f"{ARCHIVE_HELP}; all where none is named")
    verify.add_argument("--local", action="store_true", help="read the local copies")
    verify.add_argument("--remote", action="store_true", help="ask the remotes")
    verify.add_argument("--read-back", action="store_true", help="read every byte back from the remotes")
    verify.add_argument(
        "--budget", type=_size, metavar="SIZE", help="with --read-back: no more than this, such as 500MB; the longest unread first"
    )
    verify.add_argument("--repair", action="store_true", help="mend damaged batches from the good side")
    orphans = add("orphans", "what lies on remotes or disk that no archive knows; nothing is deleted", "orphans")
    what = orphans.add_mutually_exclusive_group()
    what.add_argument("--adopt", action="store_true", help="make archives of them")
    what.add_argument("--tombstones", action="store_true", help="what of ours is to go to the remotes' trash, when, and what holds it back")
    what.add_argument("--bury", metavar="CONNECTION", help="let the tombstones' objects go that are so many that the appliance asks first")
    test = add("self-test", "what the appliance finds out about itself within half a minute", "self_test")
    test.add_argument("--accept", metavar="TRIAL_ID", help="the upgrade of that id is taken if all is well; install.sh does it")
    test.add_argument(
        "--known",
        type=Path,
        metavar="FILE",
        help="with --accept: what the version before printed with --json; what was wrong then too does not count",
    )
    recover = add("recover", "rebuild the catalog from a remote; nothing there is changed or deleted", "recover")
    recover.add_argument(
        "connection", nargs="?", metavar="CONNECTION", help=f"{CONNECTION_HELP}; without it the recovery that was begun is followed"
    )
    recover.add_argument("--from", dest="appliance_id", metavar="APPLIANCE_ID", help="whose archives, where several could be meant")
    recover.add_argument("--dry-run", action="store_true", help="only say what could be recovered")


def _connection(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("connection", metavar="CONNECTION", help=CONNECTION_HELP)
    return parser


def _connections(add: Add) -> None:
    parser = add("connection", "configured remotes", "connection", json=False)
    sub = _adder(parser.add_subparsers(required=True, metavar="ACTION", title="actions"), "connection ")
    _adding(sub)
    sub("list", "all of them", "connection", action="list")
    for action, text in (
        ("show", "all that is known of one"), ("validate", "write, read and delete a probe there"),
        ("activate", "carry archives there from now on"), ("rename", "give it another name"),
        ("remove", "forget it; nothing on the remote changes"),
    ):  # fmt: skip
        each = _connection(sub(action, text, "connection", action=action))
        if action == "rename":
            each.add_argument("name", metavar="NAME")
    _drive(sub)
    _tidying(sub)


def _adding(sub: Add) -> None:
    new = sub("add", "configure a remote; validate and activate it next", "connection", action="add")
    new.add_argument(
        "kind", choices=["folder", "drive"], metavar="KIND", help="folder: a disk or share that is mounted; drive: Google Drive"
    )
    new.add_argument("--name", required=True, metavar="N", help="what to call it")
    new.add_argument("--path", type=Path, metavar="DIR", help="folder: which one")
    _credentials(new)
    new.add_argument("--folder-id", metavar="ID", help="drive: use this folder; without it the app's own is found or made")


def _credentials(parser: argparse.ArgumentParser) -> None:
    text = "drive: JSON file of an OAuth client, with which the sign-in follows, or of a sign-in made elsewhere; - is standard input"
    parser.add_argument("--credentials", metavar="FILE", help=text)
    parser.add_argument("--no-wait", action="store_true", help="drive: show link and code of the sign-in, and do not wait for its end")


def _drive(sub: Add) -> None:
    sign_in = _connection(sub("sign-in", "sign in at Google on another device", "sign_in"))
    _credentials(sign_in)
    claim = _connection(
        sub("claim", "end adopt mode without a recovery: this appliance writes there from now on", "connection", action="claim")
    )
    claim.add_argument("--confirm", required=True, metavar="NAME", help="the connection's name, typed")


def _tidying(sub: Add) -> None:
    empty = _connection(sub("empty", "move everything of ours there to its trash; says first what that is", "emptying", action="empty"))
    empty.add_argument("--confirm", metavar="NAME", help="the connection's name, typed; without it nothing is changed")
    trash = _connection(sub("trash", "our trash there, and its size", "emptying", action="trash"))
    trash.add_argument("--purge", action="store_true", help="delete for ever what of it no archive needs")


def _users(add: Add) -> None:
    parser = add("user", "people with accounts, and whose archives are whose", "user", json=False)
    sub = _adder(parser.add_subparsers(required=True, metavar="ACTION", title="actions"), "user ")
    sub("list", "all of them, and owners without an account", "user", action="list")
    new = _named(sub, "add", "a new user; the password is asked for, or read from standard input")
    new.add_argument("--admin", action="store_true", help="who sees and does everything; without it a member")
    new.add_argument("--display-name", metavar="TEXT", help="as the person is called")
    new.add_argument("--email", metavar="ADDRESS")
    new.add_argument("--no-password", action="store_true", help="nobody can sign in until `passwd` sets one")
    _named(sub, "passwd", "set a password, asked for or read from standard input; the user's sessions end")
    _named(sub, "role", "change what a user may do").add_argument("role", choices=["admin", "member"], metavar="admin|member")
    _named(sub, "remove", "remove a user who owns nothing")
    giving = sub("give", "give all archives of one owner to a user", "user", action="give")
    giving.add_argument("from_owner", metavar="FROM", help="with or without an account")
    giving.add_argument("to_owner", metavar="TO", help="a user")
    _codes(sub)


def _named(sub: Add, action: str, text: str) -> argparse.ArgumentParser:
    parser = sub(action, text, "user", action=action)
    parser.add_argument("name", metavar="NAME")
    return parser


def _codes(sub: Add) -> None:
    sub("setup-code", "a new code with which the first admin claims the appliance", "user", action="setup-code")
    invite = sub("invite", "a code with which one person may register", "user", action="invite")
    invite.add_argument("--admin", action="store_true", help="as an admin; without it as a member")
    sub("invitations", "those that were not used yet", "user", action="invitations")
    sub("uninvite", "take an invitation back", "user", action="uninvite").add_argument("id", metavar="ID")


def _scripts(add: Add) -> None:
    parser = add("script", "admin scripts: save, run, deploy and watch them", "script", json=False)
    sub = _adder(parser.add_subparsers(required=True, metavar="ACTION", title="actions"), "script ")
    sub("list", "all of them, and what is deployed", "script", action="list")
    _script(sub, "show", "print the source").add_argument("--version", type=_count, metavar="N", help="an older version")
    save = _script(sub, "save", "save a file as a script, or as a new version of one; what is not named stays as it was")
    save.add_argument("file", type=Path, metavar="FILE")
    save.add_argument("--title", metavar="T")
    save.add_argument("--description", metavar="TEXT", help="what it does, for people")
    save.add_argument("--permission", choices=["read", "change"], help="what its runs may ask the appliance for (read)")
    _running(sub)
    _deploying(sub)
    _script(sub, "delete", "forget a script that is not deployed")
    log = sub("log", "what a run wrote; or the last runs, of a script or of all", "script", action="log")
    log.add_argument("what", nargs="?", metavar="RUN|SCRIPT")
    log.add_argument("--limit", type=_count, default=20, metavar="N", help="runs at the most, the latest (20)")


def _script(sub: Add, action: str, text: str) -> argparse.ArgumentParser:
    parser = sub(action, text, "script", action=action)
    parser.add_argument("script", metavar="SCRIPT", help="the script's id")
    return parser


def _running(sub: Add) -> None:
    run = sub("run", "run a script that is saved, or a file that is not", "script", action="run")
    run.add_argument("script", nargs="?", metavar="SCRIPT", help="the script's id")
    run.add_argument("--file", type=Path, metavar="FILE", help="run this; it is not saved")
    _arguments(run)
    _waiting(run, "until it has ended, with what it writes; exit status 1 unless it ended with 0")
    sub("kill", "end a run", "script", action="kill").add_argument("run_id", metavar="RUN")


def _deploying(sub: Add) -> None:
    deploy = _script(sub, "deploy", "run a script again and again")
    when = deploy.add_mutually_exclusive_group(required=True)
    when.add_argument("--every", dest="every_s", type=_seconds, metavar="S", help="every S seconds")
    when.add_argument("--cron", metavar="EXPR", help="minute, hour, day of month, month, day of week: '30 3 * * mon-fri'")
    deploy.add_argument("--time-zone", metavar="ZONE", help="of the cron expression, such as Europe/Berlin; the computer's")
    deploy.add_argument("--overlap", choices=["skip", "queue", "end_the_old_one"], help="while the last run still runs (skip)")
    deploy.add_argument("--catch-up", choices=["no", "once"], help="for turns that were missed (no)")
    _arguments(deploy)
    _script(sub, "undeploy", "run it no more; a deployment's id ends that one alone")


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--argument", dest="arguments", action="append", default=[], metavar="WORD", help="for the script; may be given several times"
    )


def _settings(add: Add) -> None:
    parser = add("settings", "read and change settings", "settings", json=False)
    sub = _adder(parser.add_subparsers(required=True, metavar="ACTION", title="actions"), "settings ")
    sub("get", "settings and where each came from", "settings", action="get").add_argument("name", nargs="?", metavar="NAME")
    change = sub("set", "change a setting; kept over restarts", "settings", action="set")
    change.add_argument("name", metavar="NAME")
    value = change.add_mutually_exclusive_group(required=True)
    value.add_argument("value", nargs="?", metavar="VALUE")
    value.add_argument("--default", action="store_true", help="take back what was set")


def _others(add: Add) -> None:
    log = add("log", "what the appliance has logged", "log")
    log.add_argument("--limit", type=_count, default=100, metavar="N", help="lines at the most, the latest (100)")
    log.add_argument("--level", choices=["debug", "info", "warning", "error"], default="info", help="at least this level (info)")
    log.add_argument("--text", metavar="TEXT", help="only lines with TEXT")
    log.add_argument("--archive", metavar="ARCHIVE", help="only lines about this archive")
    log.add_argument("--source", metavar="SOURCE", help="only lines of this part of the appliance, as in the third column")
    log.add_argument("--since", type=typed_moment, metavar="WHEN", help="from then on: an age like 30m, 2h or 3d, or a date and time")
    log.add_argument("--until", type=typed_moment, metavar="WHEN", help="up to then")
    safe_mode = add("safe-mode", "whether the appliance is held back after repeated crashes", "safe_mode")
    safe_mode.add_argument("--end", action="store_true", help="begin anew, with everything")
    completion = add("completion", "print the completion script of a shell", "completion", json=False)
    completion.add_argument("shell", choices=["bash", "zsh"], metavar="bash|zsh")
