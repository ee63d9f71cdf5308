"""``pyarchive orphans``: what lies about that no archive knows."""

from __future__ import annotations

import argparse
from typing import Any

from ui import output
from ui.bars import Bars
from ui.commands import tombstones
from ui.errors import Failed
from ui.link import open_link
from ui.patience import Patience
from ui.waiting import until_job_ends
from ui.words import clean, count, size

_HEADERS = ("NAME", "SIZE", "WHERE", "ADOPTED", "ARCHIVE")


def run(args: argparse.Namespace) -> int:
    if args.tombstones or args.bury:
        return tombstones.run(args)
    with open_link(args) as link, Bars(quiet=args.json) as bars:
        patience = Patience(say=bars.say)

        def start() -> str:
            return str(link.ask_patiently("integrity/orphans", patience, adopt=args.adopt)["job_id"])

        job = until_job_ends(link, start, bars, patience, "looking for orphans")
    if job["state"] == "failed":
        error = job.get("error") or {}
        raise Failed(str(error.get("message", "looking for orphans failed; try again")), str(error.get("code", "failed")))
    if args.json:
        output.emit(job["result"])
    else:
        _show(job["result"], adopt=args.adopt)
    if job["result"].get("unknown"):
        raise Failed("not everything could be looked at; mend what is named, then look again", "unknown")
    return 0


def _show(result: dict[str, Any], *, adopt: bool) -> None:
    orphans = result["orphans"]
    for line in output.table(_HEADERS, [_row(orphan) for orphan in orphans], right=frozenset({1}), flexible=3) if orphans else []:
        output.say(line)
    for what in result.get("unknown", []):
        output.say(f"{output.paint('unknown', 'yellow')}: {clean(what)}")
    number = result["tombstones"]
    graves = f"{count(number, 'object')} with a tombstone" if number else "no tombstones"
    advice = "; `pyarchive orphans --adopt` makes archives of them" if orphans and not adopt else ""
    advice += "; `pyarchive orphans --tombstones` tells when they go" if number else ""
    output.say(f"{count(len(orphans), 'orphan')}, {graves}{advice}")


def _row(orphan: dict[str, Any]) -> tuple[str, ...]:
    adopted = output.yes(orphan["adopted"]) + (f": {clean(orphan['why_not'])}" if orphan.get("why_not") else "")
    return clean(orphan["name"]), size(orphan["size_bytes"] or 0), clean(orphan["where"]), adopted, clean(orphan["archive_id"] or "")
