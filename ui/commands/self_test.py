"""``pyarchive self-test``: what the appliance finds out about itself; and the end of the trial of an upgrade."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ui import output
from ui.errors import Failed, WrongUsage
from ui.link import open_link
from ui.words import clean

_TIMEOUT_S = 60.0


def run(args: argparse.Namespace) -> int:
    """Raises Failed where something is wrong, after saying what."""
    known = _wrong(_read(args.known)) if args.known else []
    with open_link(args) as link:
        result = link.ask("upgrade/self-test", timeout_s=_TIMEOUT_S)
        if args.json:
            output.emit(result)
        else:
            _show(result)
        wrong = [check for check in _wrong(result) if check not in known]
        if wrong:
            raise Failed("; ".join(f"{clean(check['name'])}: {clean(check['words'])}" for check in wrong))
        if args.accept:
            link.ask("upgrade/accept", timeout_s=_TIMEOUT_S, trial_id=args.accept, known=known)
    return 0


def _wrong(result: dict[str, Any]) -> list[Any]:
    return [check for check in result["checks"] if not check["passed"]]


def _read(path: Path) -> dict[str, Any]:
    try:
        result = json.loads(path.read_text())
        _wrong(result)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WrongUsage(f"--known {path}: {error}; give a file with what `pyarchive self-test --json` printed") from None
    return dict(result)


def _show(result: dict[str, Any]) -> None:
    for check in result["checks"]:
        mark = output.paint("good", "green") if check["passed"] else output.paint("wrong", "red")
        output.say(f"{mark}  {clean(check['name'].replace('_', ' '))}: {clean(check['words'])}")
