"""What a start has to put right: entries, ledgers and files that a crash or a damaged disk left without each other."""

from __future__ import annotations

import logging

from appliance.archive import Archive
from appliance.catalog.ledger import Ledger
from appliance.errors import ApplianceError
from appliance.library import Library
from appliance.names import ARCHIVE_ID
from appliance.placement import Placement
from appliance.problems import Problems

log = logging.getLogger("startup")


def rebuild_missing_entries(library: Library, problems: Problems) -> int:
    """Archives whose ledger is there and whose entry is not, because the catalog was damaged or lost: made again, and said.

    Ledgers of files that were on their way in are left to the intake.
    """
    known = set(library.db.table("archives").ids()) | set(library.db.table("uploads").ids())
    rebuilt = 0
    for name in sorted({path.name for path in library.folder.ledger.iterdir()} - known):
        if not ARCHIVE_ID.fullmatch(name):
            continue
        path = library.folder.ledger / name
        try:
            ledger = Ledger.open(path)
        except (ApplianceError, OSError) as error:
            problems.raise_("ledger", name, str(error), "run `pyarchive orphans --adopt`", needs_you=True)
            continue
        archive = Archive.from_facts(ledger.facts, title=ledger.title, owner=ledger.owner, removed_at=ledger.removed_at)
        library.db.apply({"archives": {archive.id: archive.to_document()}})
        rebuilt += 1
    return rebuilt


def say_catalog_damage(library: Library, problems: Problems, rebuilt: int) -> None:
    """Never in silence: what the catalog could not read, and what was made again from ledgers. Stands until a whole check ran clean."""
    damage = library.db.damage
    if damage:
        problems.raise_(
            "catalog_damaged",
            "catalog",
            f"the catalog was damaged: {' '.join(damage)} {rebuilt} archives were made again from their ledgers",
            "look whether archives and connections are complete, then run `pyarchive verify`",
            needs_you=not library.db.is_complete,
        )
    elif rebuilt:
        problems.raise_(
            "catalog_lost",
            "catalog",
            f"the catalog was gone; {rebuilt} archives were made again from their ledgers",
            "add your connections again, then run `pyarchive verify`",
            needs_you=True,
        )


def say_broken(library: Library, problems: Problems) -> None:
    for archive_id, reason in library.broken.items():
        step = "it is made again from the local copy or a remote's manifest; if this stays, bring them back and restart the appliance"
        problems.raise_("ledger", archive_id, f"archive {archive_id} cannot be used: {reason}", step, needs_you=True)


def settle(library: Library, placement: Placement, problems: Problems) -> None:
    """Local copies that were being freed or moved when the end came. The store must be there."""
    in_trash = {path.name for path in library.folder.trash.iterdir()}
    due = [each.archive.id for each in library.all_views() if each.archive.id in in_trash or each.archive.removed_at or not each.local]
    for archive_id in due:
        try:
            placement.settle(archive_id)
        except OSError as error:
            problems.raise_(
                "store", archive_id, f"the local copy of {archive_id} cannot be moved: {error}", "check the disk", needs_you=True
            )


def note_missing_copies(library: Library, problems: Problems) -> None:
    """Local files that are gone, or have another size, while the ledger calls them local. Only asked of a store that is there."""
    for view in library.all_views():
        if not view.local or view.archive.removed_at or not view.cached:
            continue
        path = library.local_file(view.archive)
        try:
            right = path.stat().st_size == view.archive.size_bytes
        except OSError:
            right = False
        if not right:
            library.folder.check_store()  # it may have left while we looked
            _note_missing(library, problems, view.archive)


def _note_missing(library: Library, problems: Problems, archive: Archive) -> None:
    ledger = library.ledger(archive.id)
    ledger.released()  # the file is not there; a restore puts it together beside its name and renames it when it is whole
    ledger.want_local()
    library.changed(archive.id)
    problems.raise_(
        "damaged",
        archive.id,
        f"the local copy of {archive.title!r} is gone or has another size",
        "it is fetched again from a remote that has it",
        needs_you=bool(library.view(archive.id).lost_batches),
    )
