"""``pyarchive rename``: another title; the file name stays."""

from __future__ import annotations

import argparse

from ui import output
from ui.link import open_link
from ui.words import clean


def run(args: argparse.Namespace) -> int:
    with open_link(args) as link:
        archive = link.ask("archive/rename", archive=args.archive, title=args.title)
    output.emit_or(args.json, archive, f"{archive['id']} is now {clean(archive['title'])}")
    return 0
