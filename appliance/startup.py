"""What a start has to put right: entries, ledgers and files that a crash or a damaged disk left without each other."""

from __future__ import annotations

import logging

from appliance.archive import Archive
from appliance.catalog.ledger import Ledger
from appliance.errors import ApplianceError, Conflict
from appliance.library import Library
from appliance.names import ARCHIVE_ID
from appliance.placement import Placement
from appliance.problems import Problems
from appliance.store import cut_back

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
        rebuilt += archive.removed_at is None  # the end of a removal takes the entry first: a crash in between is no loss
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
        except Conflict:
            continue
        except OSError as error:
            problems.raise_(
                "store", archive_id, f"the local copy of {archive_id} cannot be moved: {error}", "check the disk", needs_you=True
            )


def note_changed_copies(library: Library, problems: Problems) -> None:
    """Local files that are gone, or have another size, while the ledger calls them local. Only asked of a store that is there."""
    for view in library.all_views():
        if not view.local or view.archive.removed_at or not view.cached:
            continue
        try:
            size_bytes = library.local_file(view.archive).stat().st_size
        except OSError:
            size_bytes = None
        if size_bytes != view.archive.size_bytes:
            library.folder.check_store(past_cache=True)  # it may have left while we looked
            _note_changed(library, problems, view.archive, size_bytes)


def _note_changed(library: Library, problems: Problems, archive: Archive, size_bytes: int | None) -> None:
    ledger = library.ledger(archive.id)
    if size_bytes is None:
        what = "is gone"
        ledger.released()  # a restore puts it together beside its name and renames it when it is whole
        ledger.want_local()
    elif size_bytes > archive.size_bytes:
        log.warning("the local copy of %s had grown and is cut back to what was taken in", archive.title)
        cut_back(library.local_file(archive), archive.size_bytes)
        return
    else:
        what = "has lost its end"
        first = size_bytes // ledger.facts.batch_bytes
        ledger.uncached_range(first, ledger.batch_count - first, what)
    library.changed(archive.id)
    problems.raise_(
        "damaged",
        archive.id,
        f"the local copy of {archive.title!r} {what}",
        "it is mended from a remote that has it",
        needs_you=bool(library.view(archive.id).lost_batches),
    )
