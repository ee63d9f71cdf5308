"""``pyarchive verify``: check the copies."""

from __future__ import annotations

import argparse
from typing import Any

from ui import output
from ui.bars import Bars
from ui.errors import Failed, WrongUsage
from ui.link import open_link
from ui.patience import Patience
from ui.waiting import until_job_ends
from ui.words import clean, count

_HEADERS = ("TITLE", "BATCH", "WHERE", "WHAT", "REPAIRED", "ID")


def run(args: argparse.Namespace) -> int:
    """Raises Failed where damage remains, a copy could not be judged, or the check itself failed."""
    if args.budget is not None and not args.read_back:
        raise WrongUsage("--budget limits --read-back; give both")
    with open_link(args) as link, Bars(quiet=args.json) as bars:
        patience = Patience(say=bars.say)

        def start() -> str:
            answer = link.ask_patiently(
                "integrity/verify",
                patience,
                archives=args.archives,
                local=args.local,
                remote=args.remote,
                read_back=args.read_back,
                read_back_bytes=args.budget,
                repair=args.repair,
            )
            return str(answer["job_id"])

        job = until_job_ends(link, start, bars, patience, "checking")
    if job["state"] == "failed":
        error = job.get("error") or {}
        raise Failed(str(error.get("message", "the check failed; run it again")), str(error.get("code", "failed")))
    result = job["result"]
    if args.json:
        output.emit(result)
    else:
        _show(result)
    _judge(result, repaired=args.repair)
    return 0


def _show(result: dict[str, Any]) -> None:
    if result["findings"]:
        header, *lines = output.table(_HEADERS, [_row(finding) for finding in result["findings"]], right=frozenset({1}), flexible=3)
        output.say(output.paint(header, "bold"))
        for line in lines:
            output.say(line)
    for what in result["unknown"]:
        output.say(f"{output.paint('unknown', 'yellow')}: {clean(what)}")
    output.say(
        f"checked {count(result['batches_checked'], 'batch')} of {count(result['archives'], 'archive')}: "
        f"{result['batches_damaged']} damaged, {result['batches_repaired']} repaired, {len(result['unknown'])} unknown"
    )


def _row(finding: dict[str, Any]) -> tuple[str, ...]:
    batch = finding["batch_index"]
    return (
        clean(finding["title"]), "manifest" if batch is None else str(batch), clean(finding["where"]), clean(finding["what"]),
        output.yes(finding["repaired"]), finding["archive_id"],
    )  # fmt: skip


def _judge(result: dict[str, Any], *, repaired: bool) -> None:
    if result["damage_left"]:
        advice = (
            "no good copy of it is known; hand the file in again if you have it"
            if repaired
            else "`pyarchive verify --repair` mends what it can"
        )
        raise Failed(f"damage remains ({result['damage_left']}): {advice}", "damaged")
    if result["unknown"]:
        raise Failed(
            f"{len(result['unknown'])} could not be judged, which is not the same as good; mend what is named, then verify again", "unknown"
        )
