"""Data of an older format, made anew in this version's: a copy is brought up, step by step, and then takes the place of the old.

This is the one place where a migration is registered: the format's ``steps`` get, under the older version, what makes the next one of it.
It runs at the start, before anything is read; after an upgrade that is while the upgrade is tested, so that going back loses nothing.
Whatever breaks it off, the next start finds the old data or the new.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from appliance import durable
from appliance.catalog import ledger_format, lines
from appliance.catalog.loading import oldest_version as oldest_catalog
from appliance.errors import ApplianceError

log = logging.getLogger("migrations")
_PIECE_BYTES = 1 << 20
Step = Callable[[Path], None]


class OlderFormat(ApplianceError):
    """The data is of a version from which this one does not know the way. Nothing was changed."""

    code = "older_format"


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """Of all files in one folder below the data folder.

    ``oldest(folder)``: the lowest version in it; None: nothing there has one. ``steps``: by the older version, what turns every file of
    that version in the folder, which is a copy, into the next one; it writes through ``durable``.
    """

    folder: str
    version: int
    oldest: Callable[[Path], int | None]
    steps: Mapping[int, Step] = field(default_factory=dict)


FORMATS = (
    Format(folder="catalog", version=lines.VERSION, oldest=oldest_catalog),
    Format(folder="ledger", version=ledger_format.VERSION, oldest=ledger_format.oldest_version),
)


def migrate(data: Path) -> None:
    """Nothing where all is of this version; a newer one is left to whoever reads it. Raises OlderFormat, OSError."""
    for each in FORMATS:
        folder, fresh, before = data / each.folder, data / f".{each.folder}.migrating", data / f".{each.folder}.before"
        if not folder.exists() and fresh.exists():
            _take_place(fresh, folder)  # the old one had gone aside, and that comes when the copy is whole
        _remove(fresh)
        _remove(before)
        found = each.oldest(folder) if each.steps and folder.exists() else None
        if found is not None and found < each.version:
            _bring_up(each, found, folder, fresh)
            durable.rename(folder, before)
            durable.sync_dir(data)
            _take_place(fresh, folder)
            _remove(before)
            log.warning("the %s was brought from format %d to %d", each.folder, found, each.version)


def _bring_up(each: Format, found: int, folder: Path, fresh: Path) -> None:
    """A copy, synced, in this version's format."""
    missing = [version for version in range(found, each.version) if version not in each.steps]
    if missing:
        raise OlderFormat(
            f"the {each.folder} has format version {found}, from which this version knows no way; upgrade to a version in between first"
        )
    _copy(folder, fresh)
    for version in range(found, each.version):
        each.steps[version](fresh)
    left = each.oldest(fresh)
    if left != each.version:
        raise OlderFormat(f"the {each.folder} could not be brought to format version {each.version}: something in it stayed at {left}")


def _take_place(fresh: Path, folder: Path) -> None:
    durable.rename(fresh, folder)
    durable.sync_dir(folder.parent)


def _copy(source: Path, target: Path) -> None:
    durable.make_dir(target, source.stat().st_mode & 0o777)
    for each in sorted(source.iterdir()):
        if each.is_dir():
            _copy(each, target / each.name)
        else:
            _copy_file(each, target / each.name)
    durable.sync_dir(target)


def _copy_file(source: Path, target: Path) -> None:
    with source.open("rb") as reading, durable.DurableFile.create(target, source.stat().st_mode & 0o777) as file:
        offset_bytes = 0
        while piece := reading.read(_PIECE_BYTES):
            file.write_at(offset_bytes, piece)
            offset_bytes += len(piece)
        file.sync()


def _remove(folder: Path) -> None:
    if folder.exists():
        for each in folder.iterdir():
            _remove(each) if each.is_dir() else durable.unlink(each)
        durable.remove_dir(folder)
