"""``pyarchive press``: the button of the front panel."""

from __future__ import annotations

import argparse
import time
from typing import Any

from ui import output
from ui.errors import Failed
from ui.link import Link, open_link
from ui.words import clean

_LOOK_EVERY_S = 0.2
_MARGIN_S = 30.0  # a shutdown asks the system first


def run(args: argparse.Namespace) -> int:
    """Returns when the button was let go and its deed is done. Raises Failed with the reason where it is not."""
    with open_link(args) as link:
        begun = link.ask("frontpanel/press", seconds=args.seconds)
        press = _ended(link, begun["number"], args.seconds)
    if not press["done"]:
        raise Failed(f"pressed for {press['held_s']:.1f} s, and nothing was done: {clean(press['result'])}")
    output.emit_or(args.json, press, f"pressed for {press['held_s']:.1f} s: {clean(press['result'])}")
    return 0


def _ended(link: Link, number: int, seconds: float) -> dict[str, Any]:
    time.sleep(seconds)
    until_s = time.monotonic() + _MARGIN_S
    while time.monotonic() < until_s:
        presses: list[dict[str, Any]] = link.ask("frontpanel/history")["presses"]
        found = [press for press in presses if press["number"] >= number]
        if found:
            return found[0]
        time.sleep(_LOOK_EVERY_S)
    raise Failed("the button was pressed, and nothing came of it; look at `pyarchive log`, then try again")
