"""One batch of a local copy against its checksum."""

from __future__ import annotations

from appliance.archive import Archive
from appliance.catalog.ledger import Ledger
from appliance.errors import ApplianceError
from appliance.integrity.checking import Checking
from appliance.integrity.report import Report
from appliance.problems import Problems
from appliance.store import batch_is_right


def check_next(archive: Archive, ledger: Ledger, index: int, checking: Checking, problems: Problems) -> int | None:
    """The next one's index, or None at the end. Damage is written to the ledger, so that the engine mends it, and is a problem."""
    if ledger.is_released:
        return None
    library = checking.library
    try:
        library.folder.check_store()
    except ApplianceError as error:
        checking.report.unknown.append(f"{archive.title}: {error}")
        return None
    checking.report.batches_checked += 1
    if not ledger.is_cached(index):
        checking.report.add(archive, index, "local", "was found damaged before")
    elif not batch_is_right(library.local_file(archive), ledger, index, checking.job.count):
        library.folder.check_store(past_cache=True)  # a disk that went away meanwhile is no damage
        _note(archive, ledger, index, checking.report, problems)
    return index + 1 if index + 1 < ledger.batch_count else None


def _note(archive: Archive, ledger: Ledger, index: int, report: Report, problems: Problems) -> None:
    ledger.uncached(index, "checksum wrong at a check")
    report.add(archive, index, "local", "checksum wrong")
    problems.raise_(
        "damaged",
        archive.id,
        f"batch {index} of {archive.title!r} is damaged on the appliance's disk",
        "it is mended from a remote where one has it; check the disk",
        needs_you=False,
    )
