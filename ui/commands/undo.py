"""``pyarchive undo``: take a removal back."""

from __future__ import annotations

import argparse

from ui import output
from ui.link import open_link
from ui.words import clean


def run(args: argparse.Namespace) -> int:
    with open_link(args) as link:
        archive = link.ask("archive/undo", archive=args.archive)
    output.emit_or(args.json, archive, f"{clean(archive['title'])} ({archive['id']}) is back, {archive['rung']}")
    return 0
