"""``pyarchive remove``: into the trash, from which ``undo`` takes it back."""

from __future__ import annotations

import argparse

from ui import output
from ui.link import open_link
from ui.words import moment


def run(args: argparse.Namespace) -> int:
    with open_link(args) as link:
        removed = link.ask("archive/remove", archive=args.archive)
    archive_id = removed["archive_id"]
    output.emit_or(
        args.json, removed, f"removed {archive_id}; `pyarchive undo {archive_id}` takes that back until {moment(removed['undo_until_at'])}"
    )
    return 0
