"""Who did what, and when: the last few thousand acts, kept in the catalog, and a line in the log for each. Never a secret."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import Any

from appliance import clock
from appliance.access import Caller
from appliance.catalog.journal import CatalogDB
from appliance.errors import ApplianceError
from mqtt.text import harmless
from mqtt.verb import Verb

log = logging.getLogger("audit")
AUDIT = "audit"
MOST_KEPT = 2000
_TOLD = (
    "act",
    "archive",
    "archives",
    "connection",
    "name",
    "role",
    "from_owner",
    "to_owner",
    "id",
    "position",
    "title",
    "confirm",
    "appliance_id",
    "script",
    "version",
    "permission",
    "run_id",
    "every_s",
    "cron",
    "enabled",
    "paused",
)
"""The parameters that say what an act was about. No other is ever written down: a new one may be a secret."""
_LONGEST = 120


class Audit:
    """Thread-safe."""

    def __init__(self, db: CatalogDB) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._ids = sorted(db.table(AUDIT).ids())

    def note(self, caller: Caller, what: str, about: str = "", outcome: str = "ok") -> None:
        """Never raises: what was done is done, and a full disk must not make it look undone."""
        who = caller.name
        if caller.run is not None:
            about = f"{about}, by run {caller.run.run_id} of {harmless(caller.run.title)[:_LONGEST]}".removeprefix(", ")
        row = {"at": clock.iso(clock.now()), "login": caller.login, "user": caller.user, "what": what, "about": about, "outcome": outcome}
        log.info("%s: %s%s%s", who, what, f" ({about})" if about else "", "" if outcome == "ok" else f": {outcome}")
        with self._lock:
            next_id = f"{int(self._ids[-1]) + 1 if self._ids else 1:012d}"
            gone = self._ids[: max(0, len(self._ids) + 1 - MOST_KEPT)]
            with contextlib.suppress(ApplianceError):
                self._db.apply({AUDIT: {next_id: {k: v for k, v in row.items() if v is not None}, **dict.fromkeys(gone)}})
                self._ids = [*self._ids[len(gone) :], next_id]

    def newest(self, limit: int) -> list[dict[str, Any]]:
        """The newest first, with all fields."""
        with self._lock:
            ids = self._ids[-limit:][::-1]
        return [{"user": None, **row} for row in self._db.table(AUDIT).get(doc_ids=ids)]


def about(asked: Verb) -> str:
    """What a request is about, in one line."""
    told = ((name, getattr(asked, name, None)) for name in _TOLD)
    return ", ".join(f"{name} {harmless(str(value))[:_LONGEST]}" for name, value in told if value is not None)
