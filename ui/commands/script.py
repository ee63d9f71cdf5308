"""``pyarchive script``: admin scripts, their runs and deployments."""

from __future__ import annotations

import argparse
import base64
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ui import output
from ui.errors import Failed, WrongUsage
from ui.link import Link, open_link
from ui.script_runs import follow, how, show_lines
from ui.words import clean, moment

_HEADERS = ("ID", "TITLE", "MAY", "LAST RUN", "NEXT RUN")
_RUN_HEADERS = ("RUN", "SCRIPT", "ASKED", "BY", "STATE")
_RUN_ID = re.compile("[0-9a-f]{16}")
_SCHEDULE = ("every_s", "cron", "time_zone", "overlap", "catch_up")


def run(args: argparse.Namespace) -> int:
    """``action`` comes from the grammar."""
    with open_link(args) as link:
        return _ACTIONS[args.action](link, args) or 0


def _list(link: Link, args: argparse.Namespace) -> None:
    answer = link.ask("script/list", limit=200)
    deployed = link.ask("deployment/list")
    if args.json:
        output.emit({**answer, **deployed})
        return
    _table(_HEADERS, [_row(script) for script in answer["scripts"]], flexible=1)
    for each in deployed["deployments"]:
        every = f"every {each['every_s']:g} s" if each["cron"] is None else f"{each['cron']} ({each['time_zone'] or 'local time'})"
        output.say(f"{each['id']}: {clean(each['script_id'])} {clean(every)}{'' if each['enabled'] else ', switched off'}")
    if answer["runner"] == "offline":
        output.note("the runner of scripts is away: nothing can run")


def _row(script: dict[str, Any]) -> tuple[str, ...]:
    last, turn = script["last_run"], script["next_run_at"]
    return clean(script["id"]), clean(script["title"]), script["permission"], how(last) if last else "", moment(turn) if turn else ""


def _table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]], flexible: int) -> None:
    if rows:
        header, *lines = output.table(headers, rows, flexible=flexible)
        output.say(output.paint(header, "bold"))
        for line in lines:
            output.say(line)


def _show(link: Link, args: argparse.Namespace) -> None:
    script = link.ask("script/show", script=args.script, version=args.version)
    if args.json:
        output.emit(script)
        return
    output.note(f"{clean(script['title'])}, version {script['shown_version']} of {script['version']}; it may {script['permission']}")
    output.say(base64.b64decode(script["source_base64"]).decode("utf-8", "replace").removesuffix("\n"))


def _save(link: Link, args: argparse.Namespace) -> None:
    """On top of the newest version; what is not named stays as it was."""
    former = _former(link, args.script)
    kept = {name: former[name] for name in ("title", "description", "permission", "limits")} if former else {"title": args.script}
    given = {"title": args.title, "description": args.description, "permission": args.permission}
    facts = {**kept, **{name: value for name, value in given.items() if value is not None}}
    if former:
        facts["based_on"] = former["version"]
    saved = link.ask("script/save", script=args.script, source_base64=_source(args.file), **facts)
    output.emit_or(args.json, saved, f"saved version {saved['version']} of {clean(saved['id'])}; it may {saved['permission']}")


def _former(link: Link, script: str) -> dict[str, Any] | None:
    try:
        return dict(link.ask("script/show", script=script))
    except Failed as error:
        if error.code != "not_found":
            raise
        return None


def _source(path: Path) -> str:
    try:
        return base64.b64encode(path.read_bytes()).decode()
    except OSError as error:
        raise Failed(f"{clean(str(path))} cannot be read: {error.strerror}") from error


def _run(link: Link, args: argparse.Namespace) -> int:
    if (args.script is None) == (args.file is None):
        raise WrongUsage("name a script that is saved, or a --file that is not")
    what = {"script": args.script} if args.file is None else {"source_base64": _source(args.file), "title": args.file.name[:200]}
    run_id = str(link.ask("script/run", arguments=args.arguments, **what)["run_id"])
    if args.wait:
        return follow(link, run_id, timeout_s=args.timeout, as_json=args.json)
    output.emit_or(args.json, {"run_id": run_id}, f"run {run_id} is asked for; `pyarchive script log {run_id}` shows what it writes")
    return 0


def _kill(link: Link, args: argparse.Namespace) -> None:
    link.ask("script/kill", run_id=args.run_id)
    output.emit_or(args.json, {"run_id": args.run_id}, f"run {clean(args.run_id)} is told to end")


def _deploy(link: Link, args: argparse.Namespace) -> None:
    schedule = {name: getattr(args, name) for name in _SCHEDULE}
    deployed = link.ask("deployment/save", script=args.script, arguments=args.arguments, **schedule)
    turn = f"; its next turn is {moment(deployed['next_at'][0])}" if deployed["next_at"] else ""
    output.emit_or(args.json, deployed, f"{clean(args.script)} is deployed as {deployed['id']}{turn}")


def _undeploy(link: Link, args: argparse.Namespace) -> None:
    found = [each["id"] for each in link.ask("deployment/list")["deployments"] if args.script in {each["id"], each["script_id"]}]
    if not found:
        raise Failed(f"nothing is deployed under {clean(args.script)}; `pyarchive script list` shows what is", "not_found")
    for each in found:
        link.ask("deployment/remove", id=each)
    output.emit_or(args.json, {"removed": found}, f"{clean(args.script)} is not deployed any more")


def _delete(link: Link, args: argparse.Namespace) -> None:
    link.ask("script/delete", script=args.script)
    output.emit_or(args.json, {"id": args.script}, f"{clean(args.script)} is deleted; what its runs wrote stays in the log of runs")


def _log(link: Link, args: argparse.Namespace) -> None:
    """Of a run what it wrote; else the last runs, of a script or of all."""
    if args.what and _RUN_ID.fullmatch(args.what):
        show_lines(link, args.what, as_json=args.json)
        return
    answer = link.ask("script/runs", script=args.what, limit=min(args.limit, 200))
    if args.json:
        output.emit(answer)
        return
    rows = [(run["run_id"], clean(run["title"]), moment(run["asked_at"]), clean(run["asked_by"]), how(run)) for run in answer["runs"]]
    _table(_RUN_HEADERS, rows, flexible=1)


_ACTIONS: dict[str, Callable[[Link, argparse.Namespace], int | None]] = {
    "list": _list, "show": _show, "save": _save, "run": _run, "kill": _kill, "deploy": _deploy, "undeploy": _undeploy, "delete": _delete,
    "log": _log,
}  # fmt: skip
