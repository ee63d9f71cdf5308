"""The ids under which batches will be stored, chosen by several slots at the same time."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from appliance.catalog.ledger import ArchiveFacts, Ledger
from appliance.remotes.remote import Remote
from appliance.transfer.work import remote_id_for
from tests.appliance.catalog.ledger_samples import watched

BATCHES = 3


class Naming:
    """A remote that gives every object a new id, as Drive does, and waits a moment for another slot that asks meanwhile."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._second = threading.Event()
        self.asked = 0
        self.said_new: list[bool] = []

    def new_ids(self, archive_id: str, names: list[str], *, is_new: bool = False) -> list[str]:
        self.asked += 1
        self.said_new.append(is_new)
        if self.asked > 1:
            self._second.set()
        self._second.wait(0.2)
        return [f"{archive_id}-{next(self._numbers)}" for _ in names]


def ledger_in(folder: Path) -> Ledger:
    facts = ArchiveFacts(
        archive_id="archive-1", title="t", file_name="f", owner="o", size_bytes=BATCHES, sha256=bytes(32), batch_bytes=1,
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )  # fmt: skip
    return Ledger.create(folder / facts.archive_id, facts, bytes(32 * BATCHES))


def test_slots_that_begin_together_plan_once_and_no_id_in_use_is_replaced(tmp_path: Path) -> None:
    ledger, naming = ledger_in(tmp_path), Naming()
    with ThreadPoolExecutor(BATCHES) as slots:
        in_use = list(slots.map(lambda index: remote_id_for(ledger, "drive", index, cast("Remote", naming)), reversed(range(BATCHES))))
    assert in_use == [ledger.remote_id("drive", index) for index in reversed(range(BATCHES))]
    assert naming.asked == 1


def test_the_manifests_id_is_planned_with_the_first_batches_in_one_write(tmp_path: Path) -> None:
    ledger, naming = ledger_in(tmp_path), Naming()
    with watched() as written:
        remote_id_for(ledger, "drive", 0, cast("Remote", naming))
        manifest_id = remote_id_for(ledger, "drive", None, cast("Remote", naming))
    assert (naming.asked, manifest_id) == (1, ledger.remote_id("drive", None))
    assert [each.kind for each in written].count("write") == 1


def test_an_archive_is_new_to_a_connection_only_until_something_was_planned_there(tmp_path: Path) -> None:
    ledger, naming = ledger_in(tmp_path), Naming()
    remote_id_for(ledger, "drive", 0, cast("Remote", naming))
    remote_id_for(ledger, "another", None, cast("Remote", naming))
    remote_id_for(Ledger.open(tmp_path / "archive-1"), "another", 0, cast("Remote", naming))
    assert naming.said_new == [True, True, False]
