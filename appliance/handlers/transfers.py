"""What is asked of transfers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from appliance import clock
from appliance.access import Caller
from appliance.handlers.table import handles
from appliance.library import Library
from appliance.states import States
from appliance.transfer.engine import Engine
from mqtt import verbs
from mqtt.messages import ArchiveState, Direction


@dataclass(frozen=True, slots=True)
class Transfers:
    """``transfer/…``."""

    library: Library
    engine: Engine
    states: States
    set_paused: Callable[[bool], None]

    @handles(verbs.TransferFirst)
    def transfer_first(self, asked: verbs.TransferFirst) -> Any:
        archive_id = self.library.find(asked.archive)
        self.engine.put_first(archive_id, asked.position)
        return self.states.archive(self.library.view(archive_id))

    @handles(verbs.TransferUsual)
    def transfer_usual(self, asked: verbs.TransferUsual) -> Any:
        archive_id = self.library.find(asked.archive)
        self.engine.order.drop(archive_id)
        return self.states.archive(self.library.view(archive_id))

    @handles(verbs.TransferList)
    def transfer_list(self, asked: verbs.TransferList, caller: Caller) -> Any:
        moving = [self.states.transfer(one) for _, one in sorted(self.engine.moving.items())]
        pending = [(archive_id, way) for way in Direction for archive_id in self.engine.waiting(way) if self._is_seen(archive_id, caller)]
        waiting = (self._waiting(archive_id, way) for archive_id, way in pending)
        return {
            "moving": [one.model_dump(mode="json") for one in moving if one and self._is_seen(one.archive_id, caller)],
            "waiting": list(itertools.islice(filter(None, waiting), asked.limit)), "waiting_total": len(pending),
        }  # fmt: skip

    def _is_seen(self, archive_id: str, caller: Caller) -> bool:
        return caller.is_admin or caller.sees(self.library.owner_of(archive_id))

    def _waiting(self, archive_id: str, direction: Direction) -> dict[str, Any] | None:
        view = self.library.views.get(archive_id)
        if view is None:
            return None
        state: ArchiveState = self.states.archive(view)
        here = view.standings.get(self.library.active or "")
        missing = view.batches - ((here.batches_stored if here else 0) if direction is Direction.UP else view.cached)
        wait = self.engine.why_waiting(archive_id)
        return {
            "archive_id": archive_id, "title": state.title, "direction": direction, "batches": missing,
            "bytes": min(state.size_bytes, missing * state.batch_bytes), "reason": state.waiting_for,
            "attempts": wait.attempts if wait else 0, "next_try_at": clock.iso(state.waiting_until_at) if state.waiting_until_at else None,
        }  # fmt: skip

    @handles(verbs.TransferSync)
    def transfer_sync(self, _asked: verbs.TransferSync, _caller: Caller) -> Any:
        self.engine.sync_now()
        return {}

    @handles(verbs.TransferPause)
    def transfer_pause(self, _asked: verbs.TransferPause) -> Any:
        self.set_paused(True)
        return {}

    @handles(verbs.TransferResume)
    def transfer_resume(self, _asked: verbs.TransferResume) -> Any:
        self.set_paused(False)
        return {}
