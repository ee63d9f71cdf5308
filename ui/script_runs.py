"""One run of a script on the command line: what it writes, as it comes, and how it ended."""

from __future__ import annotations

import sys
import time
from typing import Any

from ui import output
from ui.errors import Failed, Silent
from ui.link import Link
from ui.patience import Patience, endless
from ui.words import clean

_LOOK_EVERY_S = 0.3
_UNFINISHED = ("waiting", "running")


def how(run: dict[str, Any]) -> str:
    """``ended with 0``, ``running``, ``lost: …``."""
    status = f" with {run['exit_status']}" if run["exit_status"] is not None else ""
    return f"{run['state'].replace('_', ' ')}{status}"


def follow(link: Link, run_id: str, *, timeout_s: float | None, as_json: bool) -> int:
    """Until it has ended, over restarts of the appliance. Exit status: 0 where it ended with 0."""
    deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
    patience, lines, first = endless(timeout_s, output.note), [], 0
    while True:
        page = _page(link, patience, run_id, first, bounded=timeout_s is not None)
        first = page["lines"][-1]["sequence"] + 1 if page["lines"] else first
        if as_json:
            lines += page["lines"]
        else:
            _print(page["lines"])
        if page["run"]["state"] not in _UNFINISHED and not page["more"]:
            return _ended(page["run"], lines, as_json=as_json)
        if deadline_s is not None and time.monotonic() > deadline_s:
            raise Failed(f"run {run_id} has not ended in time; it goes on, and `pyarchive script kill {run_id}` ends it", "timeout")
        if not page["more"]:
            time.sleep(_LOOK_EVERY_S)


def _page(link: Link, patience: Patience, run_id: str, first: int, *, bounded: bool) -> Any:
    try:
        return link.ask_patiently("script/output", patience, run_id=run_id, from_sequence=first)
    except Silent as error:
        if bounded:  # the time of the command was up before the answer came
            raise Failed(f"run {run_id} has not ended in time; {error}", "timeout") from error
        raise


def _ended(run: dict[str, Any], lines: list[Any], *, as_json: bool) -> int:
    good = run["state"] == "ended" and run["exit_status"] == 0
    if as_json:
        output.emit({"run": run, "lines": lines})
    if not good:
        raise Failed(f"run {run['run_id']} {how(run)}{': ' + clean(run['reason']) if run['reason'] else ''}", "failed")
    return 0


def show_lines(link: Link, run_id: str, *, as_json: bool) -> None:
    """All that is kept of what it has written so far."""
    lines: list[Any] = []
    first, more = 0, True
    while more:
        page = link.ask("script/output", run_id=run_id, from_sequence=first)
        more, first = page["more"], page["lines"][-1]["sequence"] + 1 if page["lines"] else first
        if as_json:
            lines += page["lines"]
        else:
            _print(page["lines"])
    if as_json:
        output.emit({"run": page["run"], "lines": lines})
    else:
        output.note(how(page["run"]))


def _print(lines: list[dict[str, Any]]) -> None:
    for line in lines:
        print(clean(line["text"]), file=sys.stderr if line["stream"] == "stderr" else sys.stdout, flush=True)
