"""``pyarchive sync``, ``pause`` and ``resume``."""

from __future__ import annotations

import argparse

from ui import output
from ui.link import open_link


def run(args: argparse.Namespace) -> int:
    """``verb`` and ``done`` come from the grammar."""
    with open_link(args) as link:
        answer = link.ask(args.verb)
    output.emit_or(args.json, answer, args.done)
    return 0
