"""What was moved lately, over all archives: derived from the ledgers, the one that was written last first."""

from __future__ import annotations

import os
from bisect import insort
from collections.abc import Iterator

from appliance.errors import ApplianceError
from appliance.history import Name, moves
from appliance.library import Library
from appliance.views import View
from mqtt.view_answers import Moved

_MOST_LEDGERS = 200


def lately(library: Library, name: Name, owner: str | None, most: int) -> list[Moved]:
    """The last ``most`` happenings, newest first; fewer where they are in more than the 200 ledgers that were written last.

    A ledger tells of nothing after it was written: once enough is known that is younger, no older one is looked into.
    """
    found: list[Moved] = []
    for looked, (written_at_s, view) in enumerate(_newest_first(library, owner)):
        if looked >= _MOST_LEDGERS or (len(found) >= most and found[most - 1].at.timestamp() >= written_at_s):
            break
        for moved in _of_one(library, view, name, most):
            insort(found, moved, key=lambda each: -each.at.timestamp())
        del found[most:]
    return found


def _newest_first(library: Library, owner: str | None) -> Iterator[tuple[float, View]]:
    """Of those of which anything was ever moved."""
    with os.scandir(library.folder.ledger) as entries:
        views = [(entry, library.views.get(entry.name)) for entry in entries]
    wanted = [(entry, view) for entry, view in views if view and view.standings and owner in {None, view.archive.owner}]
    yield from sorted(((entry.stat().st_mtime, view) for entry, view in wanted), key=lambda pair: -pair[0])


def _of_one(library: Library, view: View, name: Name, most: int) -> list[Moved]:
    try:
        found = moves(library.ledger(view.archive.id), name, most)
    except ApplianceError:  # a ledger that cannot be read is said elsewhere
        return []
    archive = view.archive
    return [
        Moved.model_validate({**happening.model_dump(), "archive_id": archive.id, "title": archive.title, "owner": archive.owner})
        for happening in found
    ]
