"""``pyarchive show``: all that is known of one archive."""

from __future__ import annotations

import argparse
from typing import Any

from ui import output
from ui.link import open_link
from ui.words import age, clean, count, moment, percent, size


def run(args: argparse.Namespace) -> int:
    with open_link(args) as link:
        archive = link.ask("archive/show", archive=args.archive)
    if args.json:
        output.emit(archive)
    else:
        show(archive)
    return 0


def show(archive: dict[str, Any]) -> None:
    """One archive, each fact in a line."""
    output.say(output.paint(clean(archive["title"]), "bold"))
    output.facts(_facts(archive))
    for placement in archive["placements"]:
        output.say(f"on {clean(placement['connection_name'])} ({placement['connection_id']}{', active' if placement['active'] else ''})")
        output.facts(_placement(placement, archive["batches_total"]))


def _facts(archive: dict[str, Any]) -> list[tuple[str, str]]:
    facts = [
        ("id", archive["id"]),
        ("file name", clean(archive["file_name"])),
        ("owner", clean(archive["owner"])),
        ("size", f"{size(archive['size_bytes'])} ({archive['size_bytes']} bytes) in {_batches(archive)}"),
        ("SHA-256", archive["sha256"]),
        ("received", _when(archive["created_at"])),
        ("rung", f"{output.rung(archive['rung'])}, {percent(archive['progress_ratio'])} stored"),
        ("health", output.health(archive["health"])),
        ("local copy", _local(archive)),
        ("at risk", size(archive["at_risk_bytes"]) if archive["at_risk_bytes"] else "nothing"),
    ]
    if archive["position"] is not None:
        facts.append(("order", f"number {archive['position'] + 1} by hand; `pyarchive usual {archive['id']}` ends that"))
    if archive["waiting_for"]:
        until = archive["waiting_until_at"]
        facts.append(("waits", clean(archive["waiting_for"]) + (f", next try {age(until)}" if until else "")))
    if archive["removed_at"]:
        facts.append(("removed", f"{_when(archive['removed_at'])}; `pyarchive undo {archive['id']}` takes it back"))
    return facts


def _batches(archive: dict[str, Any]) -> str:
    return f"{count(archive['batches_total'], 'batch')} of at most {size(archive['batch_bytes'])}"


def _local(archive: dict[str, Any]) -> str:
    return _where(archive) + (", pinned" if archive["pinned"] else "")


def _where(archive: dict[str, Any]) -> str:
    if archive["local"]:
        return "yes" if archive["wanted_local"] else "yes, about to be released"
    if archive["wanted_local"]:
        return f"on its way back, {archive['batches_cached']} of {count(archive['batches_total'], 'batch')}"
    return f"released; `pyarchive restore {archive['id']}` brings it back"


def _placement(placement: dict[str, Any], batches_total: int) -> list[tuple[str, str]]:
    facts = [
        ("rung", output.rung(placement["rung"])),
        ("stored", f"{placement['batches_stored']} of {count(batches_total, 'batch')}, {_manifest(placement)}"),
    ]
    proven_at = placement["proven_at"]
    return [*facts, ("proven", _when(proven_at) if proven_at else "not yet: not every batch was read back")]


def _manifest(placement: dict[str, Any]) -> str:
    return "manifest stored" if placement["manifest_stored"] else "manifest not yet"


def _when(at: str) -> str:
    return f"{moment(at)} ({age(at)})"
