"""What one batch that is uploaded costs the disk of the appliance: an SD card wears."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

from appliance import durable
from appliance.remotes.layout import MANIFEST_NAME
from appliance.remotes.remote import Object, Remote
from tests.benchmarks.figures import Figure, Order
from tests.inside import Inside
from tests.waiting import wait_for

_BATCH_BYTES = 1024
_SMALL, _LARGE, _SENT_OF_LARGE = 3, 20_000, 256
_CATALOG = 2_000


@dataclass(slots=True)
class _Watch:
    """Counts what the one module for durable writes does; fsyncs also below the remote."""

    data: Path
    written_bytes: int = 0
    syncs: int = 0

    def __call__(self, operation: durable.Operation) -> None:
        self.syncs += operation.kind in {"sync", "sync_dir"}
        if operation.kind == "write" and operation.path.is_relative_to(self.data):
            self.written_bytes += len(operation.data)

    def __enter__(self) -> Self:
        durable.observer = self
        return self

    def __exit__(self, *_: object) -> None:
        durable.observer = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cost:
    """For one batch, and for what comes once an archive."""

    batch_bytes: float
    batch_syncs: float
    end_syncs: int


class _ManifestLater:
    """The remote, which keeps the manifest waiting until it is told to go: before anything is written for it."""

    def __init__(self, remote: Remote, go: threading.Event) -> None:
        self._remote = remote
        self._go = go

    def __getattr__(self, name: str) -> Any:
        return getattr(self._remote, name)

    def put(self, remote_id: str, archive_id: str, name: str, *rest: Any) -> Object:
        if name == MANIFEST_NAME:
            self._go.wait(60)
        return self._remote.put(remote_id, archive_id, name, *rest)


def measure(order: Order) -> list[Figure]:
    """From the plan of its id to `stored`, the rewriting of the ledger included; what the whole archive costs at its end is told apart."""
    go = threading.Event()
    with Inside(order.folder / "data", batch_bytes=_BATCH_BYTES, wrap=lambda remote: cast("Remote", _ManifestLater(remote, go))) as inside:
        inside.connect(order.folder / "remote")
        inside.app.engine.pause(True)
        figures = [*_figures(f"{_SMALL} batches, catalog of 1", _small(inside, go))]
        _grow_catalog(inside)
        figures += _figures(f"{_SMALL} batches, catalog of {_CATALOG:,}", _small(inside, go))
        return figures + _figures(f"{_LARGE:,} batches, catalog of {_CATALOG:,}", _large(inside, go))


def _figures(what: str, cost: _Cost) -> list[Figure]:
    return [
        Figure(name=f"written for a batch ({what})", value=cost.batch_bytes, unit="B", at_most=1024),
        Figure(name=f"fsyncs for a batch ({what})", value=cost.batch_syncs, unit="", at_most=4),
        Figure(name=f"fsyncs for manifest and end ({what})", value=cost.end_syncs, unit=""),
    ]


def _small(inside: Inside, go: threading.Event) -> _Cost:
    archive_id = inside.put(os.urandom(_SMALL * _BATCH_BYTES))
    batches, end = _upload(inside, archive_id, go)
    return _Cost(batch_bytes=batches.written_bytes / _SMALL, batch_syncs=batches.syncs / _SMALL, end_syncs=end.syncs)


def _large(inside: Inside, go: threading.Event) -> _Cost:
    """Nearly all of it was sent before; the rewriting of its ledger is shared by all of its batches."""
    archive_id = inside.put(os.urandom(_LARGE * _BATCH_BYTES))
    _have_sent(inside, archive_id, _LARGE - _SENT_OF_LARGE)
    batches, end = _upload(inside, archive_id, go)
    with _Watch(inside.data) as rewriting:
        inside.app.housekeeper._keeping.rewrite_ledgers(lambda: False)
    assert rewriting.syncs, "the ledger was not rewritten"
    return _Cost(
        batch_bytes=batches.written_bytes / _SENT_OF_LARGE + rewriting.written_bytes / _LARGE,
        batch_syncs=batches.syncs / _SENT_OF_LARGE + rewriting.syncs / _LARGE,
        end_syncs=end.syncs,
    )


def _have_sent(inside: Inside, archive_id: str, batches: int) -> None:
    ledger, active = inside.app.library.ledger(archive_id), inside.app.library.active or ""
    ids: list[tuple[int, str]] = [(index, f"{archive_id}/{index:08}") for index in range(batches)]
    ledger.plan_many(active, [*ids])
    ledger.stored_many(active, ids)
    inside.app.library.changed(archive_id)


def _upload(inside: Inside, archive_id: str, go: threading.Event) -> tuple[_Watch, _Watch]:
    """Until all batches are stored; and then until the archive is remote and the sync is noted."""
    synced_before = inside.app._kept_sync_at
    go.clear()
    with _Watch(inside.data) as batches:
        inside.app.engine.pause(False)
        wait_for(lambda: inside.show(archive_id)["batches_stored"] == inside.show(archive_id)["batches_total"], 120, "the batches")
    with _Watch(inside.data) as end:
        go.set()
        inside.wait_remote(archive_id)
        wait_for(lambda: inside.app._kept_sync_at != synced_before, what="the sync to be noted")
    inside.app.engine.pause(True)
    return batches, end


def _grow_catalog(inside: Inside) -> None:
    """Entries as of other archives; removed ones, so that nothing is done with them."""
    document = next(iter(inside.app.db.table("archives").items()))[1]
    removed = {**document, "removed_at": document["created_at"]}
    inside.app.db.apply({"archives": {f"catalog-{number:08}": removed for number in range(_CATALOG)}})
