"""What is asked to see of archives: lists, figures, maps, histories, and what a removal would take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from appliance import access, batch_map, clock
from appliance.access import Caller
from appliance.connections import Connections
from appliance.handlers.table import handles
from appliance.history import batches_past, history
from appliance.library import Library
from appliance.placement import Placement
from appliance.selection import Selection
from appliance.states import States
from appliance.transfer.choosing import Wait
from appliance.views import View
from mqtt import verbs, view_verbs
from mqtt.messages import ArchiveState, Direction, Health, Rung
from mqtt.verb_answers import ArchivePage, Batch, BatchPage
from mqtt.view_answers import BatchMap, CopyThere, HistoryPage, Removal, Summary


@dataclass(frozen=True, slots=True)
class ArchiveViews:
    """``archive/…``, where nothing is changed."""

    library: Library
    connections: Connections
    placement: Placement
    states: States
    selection: Selection

    @handles(verbs.ArchiveList)
    def archive_list(self, asked: verbs.ArchiveList, caller: Caller) -> ArchivePage:
        found = self.selection.of(asked, access.whose(asked.owner, caller))
        page = found[asked.offset : asked.offset + asked.limit]
        return ArchivePage(archives=[self.states.archive(view) for view in page], total=len(found))

    @handles(view_verbs.ArchiveSummary)
    def archive_summary(self, asked: view_verbs.ArchiveSummary, caller: Caller) -> Summary:
        t = self.library.totals_of(access.whose(asked.owner, caller))
        return Summary(
            archives=t.archives, received=t.rungs[Rung.RECEIVED], partial=t.rungs[Rung.PARTIAL], remote=t.rungs[Rung.REMOTE],
            proven=t.rungs[Rung.PROVEN], ok=t.healths[Health.OK], unknown=t.healths[Health.UNKNOWN], damaged=t.healths[Health.DAMAGED],
            lost=t.healths[Health.LOST], local=t.local, removed=t.removed, size_bytes=t.size_bytes, released_bytes=t.released_bytes,
            bytes_at_risk=t.at_risk_bytes, batches_up=t.remaining_up_batches, bytes_up=t.remaining_up_bytes,
            batches_down=t.remaining_down_batches, bytes_down=t.remaining_down_bytes,
            progress_ratio=self.states.progress_ratio(t.size_bytes, t.remaining_up_bytes), oldest_proof_at=t.oldest_proof_at,
            last_proof_at=t.last_proof_at,
        )  # fmt: skip

    @handles(verbs.ArchiveShow)
    def archive_show(self, asked: verbs.ArchiveShow) -> ArchiveState:
        return self.states.archive(self._view(asked.archive))

    def _view(self, archive: str) -> View:
        """Removed ones too."""
        return self.library.view(self.library.find(archive, removed=None))

    # Batches

    @handles(view_verbs.ArchiveBatchMap)
    def archive_batch_map(self, asked: view_verbs.ArchiveBatchMap) -> BatchMap:
        view = self._view(asked.archive)
        connection_id = self._connection(asked.connection, view)
        letters = self._letters(view, connection_id)
        there = view.standings.get(connection_id or "")
        return BatchMap(
            archive_id=view.archive.id, connection_id=connection_id, offset=asked.offset, total=view.batches,
            map=letters[asked.offset : asked.offset + asked.limit].decode(), counts=batch_map.counts(letters),
            manifest_stored=there is not None and there.manifest_stored,
        )  # fmt: skip

    def _connection(self, asked: str | None, view: View) -> str | None:
        """The one that is asked for, else the active one, else that on which the archive stands best."""
        if asked is not None:
            return self.connections.find(asked).id
        return self.library.active or view.best(self.library.valid)[0]

    def _letters(self, view: View, connection_id: str | None) -> bytearray:
        ledger = self.library.ledger(view.archive.id)
        others = [ledger.stored_flags(other) for other in self.library.valid & ledger.connections() - {connection_id}]
        letters = batch_map.batch_map(
            ledger.cached_flags(), ledger.stored_flags(connection_id or ""), others, is_complete=view.local and view.wanted_local
        )
        batch_map.put(letters, self.states.engine.outlook.waits(view.archive.id), batch_map.WAITS)
        for moving in list(self.states.engine.moving.values()):
            if moving.archive_id == view.archive.id and (moving.direction is Direction.DOWN or moving.connection_id == connection_id):
                batch_map.put(letters, [moving.index], batch_map.UP if moving.direction is Direction.UP else batch_map.DOWN)
        return letters

    @handles(verbs.ArchiveBatches)
    def archive_batches(self, asked: verbs.ArchiveBatches) -> BatchPage:
        ledger = self.library.ledger(self.library.find(asked.archive, removed=None))
        end = min(asked.offset + asked.limit, ledger.batch_count)
        past, waits = batches_past(ledger, asked.offset, end), self.states.engine.outlook.waits(ledger.facts.archive_id)
        known = {connection: ledger.stored_flags(connection) for connection in sorted(ledger.connections())}
        batches = []
        for index in range(asked.offset, end):
            (offset, size), its = ledger.range_of(index), past[index]
            wait = waits.get(index)
            batches.append(Batch(
                index=index, offset_bytes=offset, size_bytes=size, sha256=ledger.batch_sha256(index).hex(), cached=ledger.is_cached(index),
                stored=[connection for connection, flags in known.items() if flags[index]], stored_at=its.stored_at,
                failure=wait.reason if wait else its.failure, failed_at=its.failed_at, next_try_at=_next_try_at(wait),
            ))  # fmt: skip
        return BatchPage(batches=batches, total=ledger.batch_count)

    # What was, and what would be

    @handles(view_verbs.ArchiveHistory)
    def archive_history(self, asked: view_verbs.ArchiveHistory) -> HistoryPage:
        ledger, end = self.library.ledger(self.library.find(asked.archive, removed=None)), asked.offset + asked.limit
        found = history(ledger, self.connections.names().get)
        return HistoryPage(happenings=found[asked.offset : end], more=len(found) > end)

    @handles(view_verbs.ArchiveRemoval)
    def archive_removal(self, asked: view_verbs.ArchiveRemoval) -> Removal:
        view = self.library.view(self.library.find(asked.archive))
        copies = [
            CopyThere(
                connection_id=connection.id, name=connection.name, kind=connection.kind, valid=connection.valid, rung=here.rung,
                batches_stored=here.batches_stored, stored_bytes=here.stored_bytes, is_whole=here.rung in {Rung.REMOTE, Rung.PROVEN},
            )
            for connection in self.connections.all()
            if (here := view.standings.get(connection.id)) is not None and here.batches_stored
        ]  # fmt: skip
        whole = [copy.connection_id for copy in copies if copy.valid and copy.is_whole]
        is_here = view.local and view.cached == view.batches
        settings = self.placement.settings.current
        return Removal(
            archive_id=view.archive.id, title=view.archive.title, size_bytes=view.archive.size_bytes,
            local_bytes=min(view.archive.size_bytes, view.cached * view.archive.batch_bytes), copies=copies,
            only_here=is_here and not whole, only_on=whole[0] if len(whole) == 1 and not is_here else None,
            undo_until_at=clock.now() + timedelta(days=settings.undo_days), grace_days=settings.grace_days,
        )  # fmt: skip


def _next_try_at(wait: Wait | None) -> Any:
    return clock.date_of(wait.until_s) if wait and wait.until_s > clock.monotonic_s() else None
