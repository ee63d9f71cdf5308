"""Checks: local copies against their checksums, remotes against the ledger, and the mending of what is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from appliance import clock
from appliance.connections import Connection, Connections
from appliance.errors import Stopped
from appliance.integrity.checking import Checking
from appliance.integrity.local_check import check_next
from appliance.integrity.read_back import ReadBack, candidates, sample
from appliance.integrity.remote_check import RemoteCheck
from appliance.integrity.report import Report
from appliance.integrity.rounds import LOCAL
from appliance.jobs import Job
from appliance.library import Library
from appliance.problems import Problems
from appliance.views import View
from mqtt.messages import Direction
from mqtt.verbs import IntegrityVerify

_MEND_LOOK_S = 0.1


@dataclass(slots=True)
class Verifier:
    """``checking`` holds the ids under check right now. ``second_look_s``: when what is absent is looked at again (``Checking``).

    ``on_whole(places, began_at, took_s)``: all there is was looked at there; ``places`` are ``LOCAL`` and ids of connections.
    """

    library: Library
    connections: Connections
    problems: Problems
    is_held: Callable[[Direction], bool]
    checking: set[str] = field(default_factory=set)
    second_look_s: float = 5.0
    on_whole: Callable[[set[str], datetime, float], None] = lambda _places, _began_at, _took_s: None

    def run(self, wanted: IntegrityVerify, job: Job) -> dict[str, Any]:
        """Check, write down what is damaged (the engine then mends it from the good side), and with ``repair`` wait for that.

        An archive's lock is held for one batch, or while one archive is compared with what was listed before.
        """
        began_at, began_s = clock.now(), clock.monotonic_s()
        ids, whole = [self.library.find(text) for text in wanted.archives] or self._all_ids(), not wanted.archives
        read_back = wanted.read_back or wanted.read_back_bytes is not None
        local, remote = wanted.local or not wanted.remote, wanted.remote or read_back or not wanted.local
        job.total_bytes = self._bytes_to_read(ids, wanted, local=local, remote=remote, read_back=read_back)
        report = Report(archives=len(ids))
        report.unknown += [f"{key}: {reason}" for key, reason in self.library.broken.items()]
        checking = Checking(self.library, self.connections, job, report, self.checking, self.second_look_s)
        for archive_id in ids if local else ():
            with checking.shown(archive_id):
                self._check_local(archive_id, checking)
        for connection in self._connections_of(ids) if remote else ():
            RemoteCheck(checking, connection).run(ids, whole=whole)
        if read_back:
            self._read_back(ids, wanted.read_back_bytes, checking)
        if wanted.repair:
            self._wait_until_mended(job, report)
        report.keep(self.library.db, whole=whole)
        if whole:
            self.on_whole(_seen(report, local=local), began_at, clock.monotonic_s() - began_s)
        result = report.to_result()
        if whole and not (result["damage_left"] or result["unknown"]):
            self._all_is_well()
        return result

    def _all_is_well(self) -> None:
        """A check of everything found nothing: what was said of an older damage of the catalog is settled."""
        if self.library.db.damage:
            self.library.db.mended()
        self.problems.clear_about("catalog")

    def _all_ids(self) -> list[str]:
        return [view.archive.id for view in self.library.all_views() if not view.archive.removed_at]

    def _views(self, ids: list[str]) -> list[View]:
        return [view for archive_id in ids if (view := self.library.views.get(archive_id))]

    def _connections_of(self, ids: list[str]) -> list[Connection]:
        """The valid ones on which any of these archives has something."""
        holding = {connection_id for view in self._views(ids) for connection_id in view.standings}
        return [connection for connection in self.connections.all() if connection.id in self.library.valid & holding]

    def _bytes_to_read(self, ids: list[str], wanted: IntegrityVerify, *, local: bool, remote: bool, read_back: bool) -> int:
        """Where a remote knows the checksums of what it has, only what is read back counts."""
        disks = {connection.id for connection in self.connections.all() if self.connections.remote(connection.id).is_local}
        total = back = 0
        for view in self._views(ids):
            total += view.archive.size_bytes if local and view.local else 0
            valid = self.library.valid & view.standings.keys()
            total += sum(view.standings[c].stored_bytes for c in valid & disks) if remote else 0
            back += sum(view.standings[c].stored_bytes for c in valid) if read_back else 0
        return total + min(back, wanted.read_back_bytes or back)

    # Local

    def _check_local(self, archive_id: str, checking: Checking) -> None:
        index: int | None = 0
        while index is not None:
            with checking.archive(archive_id) as held:
                if held is None:
                    if archive_id in self.library.views:
                        checking.report.unknown.append(f"{checking.title(archive_id)}: it is being released or removed")
                    return
                index = check_next(*held, index, checking, self.problems)

    # Read back

    def _read_back(self, ids: list[str], budget_bytes: int | None, checking: Checking) -> None:
        found = candidates(self.library, ids)
        if budget_bytes is None:
            ReadBack(checking).run(found)
            return
        chosen = sample(found, budget_bytes)
        if not chosen and any(view.standings for view in self._views(ids)):
            checking.report.unknown.append(
                f"nothing was read back: a batch is larger than the budget of {budget_bytes:,} bytes; allow at least a batch's size"
            )
        ReadBack(checking).run(sorted(chosen, key=lambda each: (each.archive_id, each.connection_id, each.index)))

    # Mending

    def _wait_until_mended(self, job: Job, report: Report) -> None:
        """The engine mends; this waits while it can, and gives up where no good copy is within reach."""
        for finding in report.findings:
            self.library.changed(finding["archive_id"])
        while any(not finding["repaired"] for finding in report.findings):
            for finding in report.findings:
                finding["repaired"] = self._is_mended(finding)
            if not any(self._can_be_mended(f) for f in report.findings if not f["repaired"]):
                break
            if job.stopped.wait(_MEND_LOOK_S):
                raise Stopped("the appliance is stopping")

    def _is_mended(self, finding: dict[str, Any]) -> bool:
        ledger = self.library.ledger(finding["archive_id"])
        index, where = finding["batch_index"], finding["where"]
        if where == "local":
            return ledger.is_cached(index)
        return ledger.manifest_is_current(where) if index is None else ledger.is_stored(where, index)

    def _can_be_mended(self, finding: dict[str, Any]) -> bool:
        """A good copy is known, its connection is usable, and nothing needs a person."""
        view = self.library.views.get(finding["archive_id"])
        ledger, index, where = self.library.ledger(finding["archive_id"]), finding["batch_index"], finding["where"]
        needing = {problem.about for problem in self.problems.standing() if problem.needs_you}
        way = Direction.DOWN if where == "local" else Direction.UP
        if view is None or self.is_held(way) or needing & {where, "transfer-store", "store"}:
            return False
        is_elsewhere = index is not None and any(ledger.is_stored(each, index) for each in self.library.valid - needing - {where})
        if where == "local":
            return is_elsewhere
        # Of a released archive it is carried over from another connection.
        return where == self.library.active and (index is None or (view.local and ledger.is_cached(index)) or is_elsewhere)


def _seen(report: Report, *, local: bool) -> set[str]:
    """Where all was looked at."""
    return report.asked - report.unasked | ({LOCAL} if local and not report.unknown else set())
