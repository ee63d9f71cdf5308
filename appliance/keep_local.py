"""The keep-local policy: when space gets short, the oldest archives that are proven on a remote are released."""

from __future__ import annotations

import heapq
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from appliance import clock
from appliance.connections import Connections
from appliance.errors import ApplianceError, Stopped
from appliance.intake.admission import in_words
from appliance.jobs import Job
from appliance.library import Library
from appliance.placement import Placement
from appliance.problems import Problems
from appliance.settings import SettingsStore
from appliance.spaces import store_disk
from appliance.views import View
from mqtt.messages import Health, Rung

log = logging.getLogger("keep-local")
_ABOUT = "keep-local"
_MOST_REFUSED = 3
_REFUSED_FOR_S = 600.0
_REST_S = 60.0
_HISTORY = 200
_PINNED, _NOT_PROVEN, _NOT_RIGHT = "pinned", "not yet proven", "not found right on a remote just now"
_STEPS = {
    _NOT_PROVEN: "what is remote is proven by and by, or now with `pyarchive verify --read-back`",
    _PINNED: "take pins back with `pyarchive unpin`",
    _NOT_RIGHT: "look at the remote with `pyarchive status`",
}


@dataclass(slots=True)
class KeepLocal:
    """One look after another, from one thread. Nothing is released without a fresh listing (``Placement.release``).

    ``unreachable()`` names the connections that do not answer at the moment, ``checking`` the archives that a check is at. Order is
    not age: a clock that is wrong changes which archive goes first, and makes none unsafe.
    """

    library: Library
    connections: Connections
    placement: Placement
    settings: SettingsStore
    problems: Problems
    unreachable: Callable[[], frozenset[str]]
    checking: set[str]
    _refused: dict[str, float] = field(default_factory=dict)
    _rests_until_s: float = 0.0

    def look(self, stop: threading.Event) -> None:
        """Make room where it is needed and can be; say why where it cannot."""
        try:
            self.library.folder.check_store()
        except ApplianceError:  # said elsewhere; what is free on a disk that is away is not known
            return
        if self._missing_bytes() <= 0:
            self.problems.clear("disk_low", _ABOUT)
        elif clock.monotonic_s() >= self._rests_until_s:
            self._make_room(stop)

    def _missing_bytes(self) -> int:
        return self._target_bytes() - store_disk(self.library.folder, None).free_bytes

    def _target_bytes(self) -> int:
        return (self.settings.current.keep_free_mib or 0) << 20

    def _make_room(self, stop: threading.Event) -> None:
        missing, freed, refused = self._missing_bytes(), 0, 0
        adopting = any(connection.adopting for connection in self.connections.all())
        for view in self._oldest_first() if not adopting else ():
            if stop.is_set() or freed >= missing or refused >= _MOST_REFUSED or self._missing_bytes() <= 0:
                break
            if self._is_released(view, stop):
                freed += view.archive.size_bytes
            else:
                refused += 1
        if stop.is_set() or self._missing_bytes() <= 0:
            return
        if freed >= missing:  # who still reads a file keeps its room for a while: that is no reason to release more
            self._rests_until_s = clock.monotonic_s() + _REST_S
        else:
            self._say_why_not("a connection is in adopt mode" if adopting else "")

    def _is_released(self, view: View, stop: threading.Event) -> bool:
        why = f"to keep {in_words(self._target_bytes())} free; of those that are proven it was here longest"
        job = Job("keep-local", f"release of {view.archive.title}", lambda _: None, stopped=stop)
        try:
            self.placement.release(view.archive.id, job, why)
        except Stopped:
            return False
        except (ApplianceError, OSError) as error:
            log.warning("%s is not released to make room: %s", view.archive.title, error, extra={"archive_id": view.archive.id})
            now_s = clock.monotonic_s()
            for archive_id in [each for each, until_s in self._refused.items() if until_s <= now_s]:
                del self._refused[archive_id]
            self._refused[view.archive.id] = now_s + _REFUSED_FOR_S
            return False
        return True

    # Which

    def _oldest_first(self) -> Iterator[View]:
        """By the time they came here, or came back: what was restored just now is not the first to go."""
        heap = [(view.archive.created_at, False, view.archive.id) for view in self.library.all_views() if self._why_kept(view) is None]
        heapq.heapify(heap)
        while heap:
            at, is_sure, archive_id = heapq.heappop(heap)
            view = self.library.views.get(archive_id)
            if view is None or self._why_kept(view):
                continue
            here_since = at if is_sure else max(at, self._restored_at(archive_id) or at)
            if here_since > at:
                heapq.heappush(heap, (here_since, True, archive_id))
            else:
                yield view

    def _restored_at(self, archive_id: str) -> datetime | None:
        try:
            history = self.library.ledger(archive_id).history(_HISTORY)
        except ApplianceError:  # said elsewhere; its release would be refused
            return None
        return next((entry.at for entry in history if entry.kind == "restored"), None)

    def _why_kept(self, view: View) -> str | None:
        """None: it may go. "": it has nothing here that would make room, or is not to be touched."""
        valid = self.library.valid
        healthy = view.health(valid, frozenset(), frozenset()) is Health.OK and view.archive.id not in self.checking
        if not (view.local and view.wanted_local and view.archive.size_bytes and healthy) or view.archive.removed_at:
            return ""
        if view.archive.pinned:
            return _PINNED
        proven = {c for c in valid & view.standings.keys() if view.standings[c].rung is Rung.PROVEN and not view.standings[c].manifest_due}
        if not proven:
            return _NOT_PROVEN
        was_refused = self._refused.get(view.archive.id, 0.0) > clock.monotonic_s()
        return _NOT_RIGHT if was_refused or proven <= self.unreachable() else None

    def _say_why_not(self, reason: str) -> None:
        kept = Counter(why for view in self.library.all_views() if (why := self._why_kept(view)))
        counts = ", ".join(f"{count} {why}" for why, count in sorted(kept.items())) or "nothing is here that could go"
        steps = [step for why, step in _STEPS.items() if kept[why]]
        self.problems.raise_(
            "disk_low", _ABOUT,
            f"less than {in_words(self._target_bytes())} is free (keep_free_mib), and no more archives can be released: {reason or counts}",
            "; ".join([*steps, "or use a larger disk"]), needs_you=False,
        )  # fmt: skip
