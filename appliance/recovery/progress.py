"""How far a recovery is, and what came of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

_MOST_NAMED = 500


@dataclass(slots=True)
class Progress:
    """Thread-safe. ``skipped``: what did not come back, or not whole, and why, by archive id."""

    done: int = 0
    total: int = 0
    adopted: int = 0
    already_here: int = 0
    removed: int = 0
    users: int = 0
    scripts: int = 0
    deployments: int = 0
    settings: int = 0
    connections: list[dict[str, Any]] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    trouble: str | None = None
    """Why it waits, and will go on by itself."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, total: int) -> None:
        """A sweep begins, perhaps not the first one."""
        with self._lock:
            self.done, self.total, self.already_here = 0, total, 0
            self.skipped.clear()

    def taken(self, archive_id: str, *, was_here: bool, why_not: str | None) -> None:
        """One archive is done with."""
        with self._lock:
            self.done += 1
            self.already_here += was_here
            if why_not is not None:
                self.skipped[archive_id] = why_not

    def to_document(self) -> dict[str, Any]:
        """As ``recovery/state`` answers it; of very many archives that were skipped the first are named."""
        with self._lock:
            named = [{"archive_id": key, "why": why} for key, why in sorted(self.skipped.items())]
            return {
                "archives_done": self.done, "archives_total": self.total, "adopted": self.adopted, "already_here": self.already_here,
                "skipped": named[:_MOST_NAMED], "skipped_total": len(named), "removed": self.removed, "users": self.users,
                "scripts": self.scripts, "deployments": self.deployments, "settings": self.settings, "connections": self.connections,
            }  # fmt: skip
