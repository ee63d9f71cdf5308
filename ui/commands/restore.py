"""``pyarchive restore``: bring the local copy back."""

from __future__ import annotations

import argparse

from ui import output
from ui.bars import Bars
from ui.link import open_link
from ui.patience import endless
from ui.waiting import Waiting
from ui.words import clean


def run(args: argparse.Namespace) -> int:
    """Returns when it is asked for; with --wait when the file is back."""
    with open_link(args) as link, Bars(quiet=args.json) as bars:
        patience = endless(args.timeout, bars.say)
        archive = link.ask("archive/restore", archive=args.archive)
        if args.wait:
            archive = Waiting(link, bars, patience).until_local(archive["id"])
    title = clean(archive["title"])
    output.emit_or(
        args.json, archive, f"{title} is local" if archive["local"] else f"{title} is on its way back; `pyarchive watch` shows it"
    )
    return 0
