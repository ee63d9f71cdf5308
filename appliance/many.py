"""The same act for many archives, one after another: one that fails does not keep the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from appliance import access
from appliance.access import Caller
from appliance.errors import ApplianceError, Stopped
from appliance.jobs import Job
from appliance.library import Library
from appliance.placement import Placement

Act = Literal["release", "restore", "pin", "unpin", "remove", "undo"]


@dataclass(frozen=True, slots=True)
class Many:
    """A member's own only."""

    library: Library
    placement: Placement
    caller: Caller

    def run(self, act: Act, archives: list[str], job: Job) -> dict[str, Any]:
        """``archives``: ids, unique prefixes or titles. Progress is counted in bytes. Raises Stopped when the appliance ends."""
        views = self.library.views
        meant = (views[text].archive for text in archives if text in views)
        job.total_bytes = sum(archive.size_bytes for archive in meant if self.caller.sees(archive.owner))
        not_done = [failure for text in archives if (failure := self._try(act, text, job)) is not None]
        return {"act": act, "done": len(archives) - len(not_done), "not_done": not_done}

    def _try(self, act: Act, text: str, job: Job) -> dict[str, Any] | None:
        """None: it was done."""
        title = size_bytes = None
        try:
            meant = text if self.caller.is_admin else access.find_own(text, self.caller, self.library)
            archive_id = self.library.find(meant, removed=None if act == "undo" else False)
            archive = self.library.archive(archive_id)
            title, size_bytes = archive.title, archive.size_bytes
            self._act(act)(archive_id, Job(job.id, job.what, lambda _: None, stopped=job.stopped))
        except Stopped:
            raise
        except (ApplianceError, OSError) as error:
            return {"archive": text, "title": title, "error": {"code": getattr(error, "code", "failed"), "message": str(error)}}
        finally:
            job.count(size_bytes or 0)
        return None

    def _act(self, act: Act) -> Callable[[str, Job], object]:
        placement = self.placement
        acts: dict[Act, Callable[[str, Job], object]] = {
            "release": placement.release,
            "restore": lambda archive_id, _: placement.restore(archive_id),
            "pin": lambda archive_id, _: placement.pin(archive_id, pinned=True),
            "unpin": lambda archive_id, _: placement.pin(archive_id, pinned=False),
            "remove": lambda archive_id, _: placement.remove(archive_id),
            "undo": lambda archive_id, _: placement.undo(archive_id),
        }
        return acts[act]
