"""``pyarchive safe-mode``: is it on, and its end."""

from __future__ import annotations

import argparse
from typing import Any

from ui import output
from ui.link import open_link
from ui.words import clean


def run(args: argparse.Namespace) -> int:
    with open_link(args) as link:
        state = link.ask("safe-mode/show")
        if args.end and state["mode"] != "full":
            link.ask("safe-mode/end")
            output.emit_or(args.json, {"mode": "full"}, "safe mode is ended; the appliance begins anew")
            return 0
    output.emit_or(args.json, state, _words(state))
    return 0


def _words(state: dict[str, Any]) -> str:
    if state["mode"] == "full":
        return "safe mode is off"
    return f"safe mode is on: {clean(state['reason'])}; {clean(state['next_step'])}"
