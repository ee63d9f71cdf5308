"""Where a person may have meant to point: a download unpacks one folder deeper than one thinks, or is given one too deep."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from appliance.names import ARCHIVE_ID
from appliance.remotes.layout import MANIFEST_NAME
from mqtt.topics import APPLIANCE_ID

_MOST_LOOKED_AT = 1000


def nearby(folder: Path) -> Path | None:
    """A folder right below or up to two levels above in which an appliance has archives; None: there is none to be seen."""
    with contextlib.suppress(OSError):
        return next(filter(_holds_archives, [*_folders(folder), *folder.parents[:2]]), None)
    return None


def _holds_archives(place: Path) -> bool:
    """``place/<appliance id>/<archive id>/manifest.json`` is there."""
    appliances = [each for each in _folders(place) if APPLIANCE_ID.fullmatch(each.name)]
    archives = (one for each in appliances for one in _folders(each) if ARCHIVE_ID.fullmatch(one.name))
    return any((archive / MANIFEST_NAME).is_file() for archive in archives)


def _folders(place: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from (each for each in islice(place.iterdir(), _MOST_LOOKED_AT) if each.is_dir() and not each.is_symlink())
