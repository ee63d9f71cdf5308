"""Checks: local copies against their checksums, remotes against the ledger, and the mending of what is found."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from appliance import clock
from appliance.archive import Archive
from appliance.catalog.ledger import Ledger
from appliance.connections import Connections
from appliance.errors import ApplianceError, RemoteError, Stopped
from appliance.integrity.listing import list_archive
from appliance.jobs import Job
from appliance.library import Library
from appliance.problems import Problems
from appliance.remotes.remote import Remote
from appliance.store import batch_is_right
from appliance.transfer.gates import CheckGate
from mqtt.verbs import IntegrityVerify

log = logging.getLogger("integrity")
_MEND_LOOK_S = 0.1


@dataclass(slots=True)
class Report:
    """What ``integrity/job`` answers for a check."""

    archives: int = 0
    batches_checked: int = 0
    unknown: list[str] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)

    def add(self, archive: Archive, index: int | None, where: str, what: str) -> None:
        self.findings.append(
            {"archive_id": archive.id, "title": archive.title, "batch_index": index, "where": where, "what": what, "repaired": False}
        )

    def to_result(self) -> dict[str, Any]:
        repaired = sum(finding["repaired"] for finding in self.findings)
        return {
            "archives": self.archives, "batches_checked": self.batches_checked, "batches_damaged": len(self.findings),
            "batches_repaired": repaired, "damage_left": len(self.findings) - repaired, "unknown": self.unknown,
            "findings": self.findings[:1000],
        }  # fmt: skip


@dataclass(slots=True)
class Verifier:
    """``checking`` holds the ids under check right now. ``mended(finding)`` is asked while a repair is waited for."""

    library: Library
    connections: Connections
    problems: Problems
    is_paused: Callable[[], bool]
    checking: set[str] = field(default_factory=set)

    def run(self, wanted: IntegrityVerify, job: Job) -> dict[str, Any]:
        """Check, write down what is damaged (the engine then mends it from the good side), and with ``repair`` wait for that."""
        ids = [self.library.find(text) for text in wanted.archives] or self._all_ids()
        local, remote = wanted.local or not wanted.remote, wanted.remote or wanted.read_back or not wanted.local
        job.total_bytes = self._bytes_to_read(ids, local=local, remote=remote, read_back=wanted.read_back)
        report = Report()
        report.unknown += [f"{key}: {reason}" for key, reason in self.library.broken.items()]
        for archive_id in ids:
            self._check(archive_id, job, report, local=local, remote=remote, read_back=wanted.read_back)
        if wanted.repair:
            self._wait_until_mended(job, report)
        result = report.to_result()
        if not (wanted.archives or result["damage_left"] or result["unknown"]):
            self._all_is_well()
        return result

    def _all_is_well(self) -> None:
        """A check of everything found nothing: what was said of an older damage of the catalog is settled."""
        if self.library.db.damage:
            self.library.db.mended()
        self.problems.clear_about("catalog")

    def _all_ids(self) -> list[str]:
        return [view.archive.id for view in self.library.all_views() if not view.archive.removed_at]

    def _bytes_to_read(self, ids: list[str], *, local: bool, remote: bool, read_back: bool) -> int:
        total = 0
        for archive_id in ids:
            view = self.library.view(archive_id)
            total += view.archive.size_bytes if local and view.local else 0
            stored = sum(view.standings[c].stored_bytes for c in self.library.valid & view.standings.keys())
            total += stored * (remote + read_back)
        return total

    def _check(self, archive_id: str, job: Job, report: Report, *, local: bool, remote: bool, read_back: bool) -> None:
        with self.library.locks.share(archive_id) as shared:
            if not shared:
                report.unknown.append(f"{archive_id}: busy with a release or removal")
                return
            archive, ledger = self.library.archive(archive_id), self.library.ledger(archive_id)
            report.archives += 1
            self.checking.add(archive_id)
            try:
                if local:
                    self._check_local(archive, ledger, job, report)
                for connection_id in sorted(self.library.valid & ledger.connections()) if remote else ():
                    self._check_remote(archive, ledger, connection_id, job, report, read_back=read_back)
            finally:
                self.checking.discard(archive_id)
                self.library.changed(archive_id)

    # Local

    def _check_local(self, archive: Archive, ledger: Ledger, job: Job, report: Report) -> None:
        if ledger.is_released:
            return
        try:
            self.library.folder.check_store()
        except ApplianceError as error:
            report.unknown.append(f"{archive.title}: {error}")
            return
        for index in range(ledger.batch_count):
            report.batches_checked += 1
            if not ledger.is_cached(index):
                report.add(archive, index, "local", "was found damaged before")
            elif not batch_is_right(self.library.local_file(archive), ledger, index, job.count):
                self._note_local(archive, ledger, index, report)

    def _note_local(self, archive: Archive, ledger: Ledger, index: int, report: Report) -> None:
        self.library.folder.check_store()  # a disk that went away meanwhile is no damage
        ledger.uncached(index, "checksum wrong at a check")
        report.add(archive, index, "local", "checksum wrong")
        self.problems.raise_(
            "damaged",
            archive.id,
            f"batch {index} of {archive.title!r} is damaged on the appliance's disk",
            "it is mended from a remote where one has it; check the disk",
            needs_you=False,
        )

    # Remote

    def _check_remote(self, archive: Archive, ledger: Ledger, connection_id: str, job: Job, report: Report, *, read_back: bool) -> None:
        gate = CheckGate(job.stopped.is_set, job.count)
        try:
            remote = self.connections.remote(connection_id)
            listing = list_archive(ledger, connection_id, remote, gate)
            report.batches_checked += len(listing.right) + len(listing.absent) + len(listing.different)
            for index in listing.absent:
                self._note_remote(archive, ledger, connection_id, index, "missing on the remote", report)
            for index in listing.different:
                self._note_remote(archive, ledger, connection_id, index, "different on the remote", report)
            for index in listing.returned:
                ledger.stored(connection_id, index, ledger.remote_id(connection_id, index) or "")
            if ledger.manifest(connection_id) and not listing.manifest_right:
                ledger.manifest_lost(connection_id)
                report.add(archive, None, connection_id, "manifest missing or different")
            if read_back:
                self._read_back(archive, ledger, connection_id, listing.right, remote, gate, report)
        except Stopped:
            raise
        except RemoteError as error:
            report.unknown.append(f"{archive.title}: {error}")

    def _note_remote(self, archive: Archive, ledger: Ledger, connection_id: str, index: int, what: str, report: Report) -> None:
        log.warning("batch %d of %s: %s", index, archive.title, what, extra={"archive_id": archive.id})
        ledger.unstored(connection_id, index, what)
        report.add(archive, index, connection_id, what)

    def _read_back(
        self, archive: Archive, ledger: Ledger, connection_id: str, indices: list[int], remote: Remote, gate: CheckGate, report: Report
    ) -> None:
        first = count = 0
        for index in indices:
            if not _reads_right(ledger, connection_id, index, remote, gate):
                self._note_remote(archive, ledger, connection_id, index, "reads back different", report)
                continue
            if count and index == first + count:
                count += 1
            else:
                _write_down(ledger, connection_id, first, count)
                first, count = index, 1
        _write_down(ledger, connection_id, first, count)

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
        in_the_way = {where, "transfer-store", "store"}
        if view is None or self.is_paused() or any(p.needs_you and p.about in in_the_way for p in self.problems.standing()):
            return False
        if where == "local":
            return any(ledger.is_stored(connection, index) for connection in self.library.valid)
        return where == self.library.active and (
            index is None or (view.local and ledger.is_cached(index)) or self._comes_back(ledger, index)
        )

    def _comes_back(self, ledger: Ledger, index: int) -> bool:
        return ledger.wanted_local and any(ledger.is_stored(connection, index) for connection in self.library.valid)


def _reads_right(ledger: Ledger, connection_id: str, index: int, remote: Remote, gate: CheckGate) -> bool:
    digest = hashlib.sha256()
    for piece in remote.get(ledger.remote_id(connection_id, index) or "", 0, ledger.range_of(index)[1], gate):
        digest.update(piece)
    return digest.digest() == ledger.batch_sha256(index)


def _write_down(ledger: Ledger, connection_id: str, first: int, count: int) -> None:
    if count:
        ledger.read_back(connection_id, first, count, clock.now())
