"""``pyarchive release``: free the local copy of an archive that is on a remote."""

from __future__ import annotations

import argparse

from ui import output
from ui.bars import Bars
from ui.errors import Failed
from ui.link import open_link
from ui.patience import Patience
from ui.waiting import until_job_ends
from ui.words import clean, size


def run(args: argparse.Namespace) -> int:
    """Raises Failed with the appliance's reason where it refuses."""
    with open_link(args) as link, Bars(quiet=args.json) as bars:
        patience = Patience(say=bars.say)
        archive = link.ask("archive/show", archive=args.archive)

        def start() -> str:
            return str(link.ask_patiently("archive/release", patience, archive=archive["id"])["job_id"])

        def is_done() -> bool:
            return not link.ask_patiently("archive/show", patience, archive=archive["id"])["local"]

        what = f"checking the remote copy of {clean(archive['title'])}"
        job = until_job_ends(link, start, bars, patience, what, is_done=is_done)
        if job["state"] == "failed":
            error = job.get("error") or {}
            raise Failed(str(error.get("message", "the release failed; nothing was freed")), str(error.get("code", "failed")))
        archive = link.ask_patiently("archive/show", patience, archive=archive["id"])
    freed = f"released {clean(archive['title'])}: {size(archive['size_bytes'])} freed; `pyarchive restore {archive['id']}` brings it back"
    output.emit_or(args.json, archive, freed)
    return 0
