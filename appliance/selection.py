"""Which archives a list shows, and in which order: from views alone, so that ten thousand cost little."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from appliance.library import Library
from appliance.transfer.engine import Engine
from appliance.transfer.queue import needs_upload
from appliance.views import View
from mqtt.messages import Rung
from mqtt.verbs import ArchiveList

_RUNGS = {rung: place for place, rung in enumerate(Rung)}
Test = Callable[[View], bool]


@dataclass(frozen=True, slots=True)
class Selection:
    """``checking``: ids of archives that a check is at."""

    library: Library
    engine: Engine
    checking: set[str]

    def of(self, asked: ArchiveList, owner: str | None) -> list[View]:
        """All of that owner (None: everybody's) that match, in order; the id decides between equals, so that pages do not overlap."""
        found = self.library.all_views()
        for test in self._tests(asked, owner):
            found = [view for view in found if test(view)]
        found.sort(key=self._key(asked.sort), reverse=asked.descending)
        return found

    def _tests(self, asked: ArchiveList, owner: str | None) -> list[Test]:
        """The cheapest first."""
        return [
            lambda view: (view.archive.removed_at is not None) == asked.removed,
            *([lambda view: view.archive.owner == owner] if owner is not None else ()),
            *([lambda view: view.local == asked.local] if asked.local is not None else ()),
            *([lambda view: view.archive.pinned == asked.pinned] if asked.pinned is not None else ()),
            *([self._in_words(asked.search)] if asked.search else ()),
            *([self._on_rungs(frozenset(asked.rungs))] if asked.rungs else ()),
            *([self._of_health(frozenset(asked.healths))] if asked.healths else ()),
            *([self._waiting(wanted=asked.waiting)] if asked.waiting is not None else ()),
        ]

    @staticmethod
    def _in_words(search: str) -> Test:
        words = search.casefold().split()

        def test(view: View) -> bool:
            archive = view.archive
            text = f"{archive.title}\n{archive.file_name}\n{archive.id}".casefold()
            return all(word in text for word in words)

        return test

    def _on_rungs(self, rungs: frozenset[str]) -> Test:
        valid = self.library.valid
        return lambda view: view.best(valid)[1] in rungs

    def _of_health(self, healths: frozenset[str]) -> Test:
        valid, unreachable, checking = self.library.valid, self.engine.lines.unreachable(), frozenset(self.checking)
        return lambda view: view.health(valid, unreachable, checking) in healths

    def _waiting(self, *, wanted: bool) -> Test:
        pending, active = frozenset(self.engine.all_pending()), self.library.active
        moving = {moving.archive_id for moving in list(self.engine.moving.values())}

        def test(view: View) -> bool:
            has_work = view.archive.id in pending or (active is None and needs_upload(view, ""))
            return (has_work and view.archive.id not in moving) == wanted

        return test

    def _key(self, sort: str) -> Callable[[View], tuple[Any, str]]:
        if sort == "rung":
            valid = self.library.valid
            return lambda view: (_RUNGS[view.best(valid)[1]], view.archive.id)
        if sort in {"title", "owner"}:
            return lambda view: (getattr(view.archive, sort).casefold(), view.archive.id)
        return lambda view: (getattr(view.archive, sort), view.archive.id)
