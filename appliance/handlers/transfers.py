"""What is asked of transfers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance import access
from appliance.access import Caller
from appliance.connections import Connections
from appliance.handlers.table import handles
from appliance.library import Library
from appliance.states import States
from appliance.transfer.engine import Engine
from appliance.transfer_history import lately
from mqtt import verbs, view_verbs
from mqtt.messages import ArchiveState, Direction
from mqtt.verb_answers import Nothing, TransferPage, WaitingTransfer
from mqtt.view_answers import MovedPage


@dataclass(frozen=True, slots=True)
class Transfers:
    """``transfer/…``."""

    library: Library
    connections: Connections
    engine: Engine
    states: States
    set_paused: Callable[[bool], None]

    @handles(verbs.TransferFirst)
    def transfer_first(self, asked: verbs.TransferFirst) -> ArchiveState:
        archive_id = self.library.find(asked.archive)
        self.engine.put_first(archive_id, asked.position)
        return self._state(archive_id)

    @handles(verbs.TransferUsual)
    def transfer_usual(self, asked: verbs.TransferUsual) -> ArchiveState:
        archive_id = self.library.find(asked.archive)
        self.engine.order.drop(archive_id)
        return self._state(archive_id)

    @handles(verbs.TransferRetry)
    def transfer_retry(self, asked: verbs.TransferRetry) -> ArchiveState:
        archive_id = self.library.find(asked.archive)
        self.engine.retry(archive_id)
        return self._state(archive_id)

    def _state(self, archive_id: str) -> ArchiveState:
        return self.states.archive(self.library.view(archive_id))

    # What moves, and the queue

    @handles(verbs.TransferList)
    def transfer_list(self, asked: verbs.TransferList, caller: Caller) -> TransferPage:
        owner = access.whose(asked.owner, caller)
        moving = [state for _, one in sorted(self.engine.moving.items()) if (state := self.states.transfer(one))]
        queues = {way: self._queue(way, owner) for way in Direction}
        waiting = [(archive_id, way) for way, queue in queues.items() for archive_id in queue]
        under_way = {(one.archive_id, one.direction) for one in moving}
        page = waiting[asked.offset : asked.offset + asked.limit]
        return TransferPage(
            moving=[one for one in moving if owner in {None, one.owner}],
            waiting=[found for each in page if (found := self._waiting(*each, moves=each in under_way))],
            waiting_total=len(waiting), up_total=len(queues[Direction.UP]), down_total=len(queues[Direction.DOWN]),
        )  # fmt: skip

    def _queue(self, way: Direction, owner: str | None) -> list[str]:
        queue = self.engine.outlook.queue(way)
        return queue if owner is None else [archive_id for archive_id in queue if self.library.owner_of(archive_id) == owner]

    def _waiting(self, archive_id: str, direction: Direction, *, moves: bool) -> WaitingTransfer | None:
        view = self.library.views.get(archive_id)
        if view is None:
            return None
        state = self.states.archive(view)
        here = view.standings.get(self.library.active or "")
        missing = view.batches - ((here.batches_stored if here else 0) if direction is Direction.UP else view.cached)
        wait = self.engine.outlook.first_wait(archive_id)
        return WaitingTransfer(
            archive_id=archive_id, owner=state.owner, title=state.title, direction=direction, batches=missing,
            bytes=min(state.size_bytes, missing * state.batch_bytes), reason=state.waiting_for, attempts=wait.attempts if wait else 0,
            next_try_at=state.waiting_until_at, moving=moves, position=state.position,
        )  # fmt: skip

    @handles(view_verbs.TransferHistory)
    def transfer_history(self, asked: view_verbs.TransferHistory, caller: Caller) -> MovedPage:
        end = asked.offset + asked.limit
        found = lately(self.library, self.connections.names().get, access.whose(asked.owner, caller), end + 1)
        return MovedPage(happenings=found[asked.offset : end], more=len(found) > end)

    # All of them

    @handles(verbs.TransferSync)
    def transfer_sync(self, _asked: verbs.TransferSync, _caller: Caller) -> Nothing:
        self.engine.sync_now()
        return Nothing()

    @handles(verbs.TransferPause)
    def transfer_pause(self, _asked: verbs.TransferPause) -> Nothing:
        self.set_paused(True)
        return Nothing()

    @handles(verbs.TransferResume)
    def transfer_resume(self, _asked: verbs.TransferResume) -> Nothing:
        self.set_paused(False)
        return Nothing()
