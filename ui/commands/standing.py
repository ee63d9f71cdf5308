"""``pyarchive pin``, ``unpin``, ``first`` and ``usual``: what an archive may claim for itself, room or a turn."""

from __future__ import annotations

import argparse

from ui import output
from ui.link import open_link
from ui.words import clean


def run(args: argparse.Namespace) -> int:
    """``verb`` and ``done``, which names the archive as {title} and its place as {place}, come from the grammar."""
    asked = {} if args.position is None else {"position": args.position - 1}
    with open_link(args) as link:
        archive = link.ask(args.verb, archive=args.archive, **asked)
    place = "" if archive["position"] is None else str(archive["position"] + 1)
    output.emit_or(args.json, archive, args.done.format(title=clean(archive["title"]), place=place))
    return 0
