"""``pyarchive log``: what the appliance has logged."""

from __future__ import annotations

import argparse
from typing import Any

from ui import output
from ui.link import open_link
from ui.words import clean, moment

_COLOURS = {"warning": "yellow", "error": "red"}


def run(args: argparse.Namespace) -> int:
    """Oldest first, as one reads."""
    with open_link(args) as link:
        archive_id = link.ask("archive/show", archive=args.archive)["id"] if args.archive else None
        answer = link.ask(
            "log/query", limit=args.limit, level=args.level, text=args.text, archive_id=archive_id, source=args.source, since_at=args.since,
            until_at=args.until,
        )  # fmt: skip
    if args.json:
        output.emit(answer)
        return 0
    for line in answer["lines"]:
        output.say(_line(line))
    return 0


def _line(line: dict[str, Any]) -> str:
    text = f"{moment(line['at'])} {line['level']:<7} {clean(line['source'])}: {clean(line['message'])}"
    return output.paint(text, _COLOURS.get(line["level"], ""))
