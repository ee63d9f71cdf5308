"""A sample within a budget: those first that were read back longest ago, or never."""

from __future__ import annotations

import random
from pathlib import Path

from appliance.integrity.read_back import Candidate, candidates, sample
from tests.appliance.integrity.id_remote import BATCH, Place, with_ids
from tests.inside import Inside
from tests.waiting import wait_for


def some(*times: int, size_bytes: int = 10) -> list[Candidate]:
    found = [Candidate(at_s, "archive-0001", "c", index, size_bytes) for index, at_s in enumerate(times)]
    random.Random(3).shuffle(found)
    return found


def test_a_sample_takes_the_oldest_and_those_never_read_and_no_byte_more_than_the_budget() -> None:
    found = some(50, 0, 30, 20, 0, 40)
    assert [each.index for each in sample(found, 39)] == [1, 4, 3]
    assert [each.index for each in sample(found, 40)] == [1, 4, 3, 2]
    assert len(sample(found, 10**9)) == 6


def test_a_sample_ends_at_the_first_that_does_not_fit() -> None:
    found = [Candidate(0, "a", "c", 0, 30), Candidate(1, "a", "c", 1, 100), Candidate(2, "a", "c", 2, 1)]
    assert [each.index for each in sample(found, 60)] == [0]
    assert sample(found, 29) == []


def test_a_budget_of_a_few_batches_a_run_comes_round_to_all_archives_and_connections(tmp_path: Path, place: Place) -> None:
    with with_ids(tmp_path, place) as inside:
        inside.connect(tmp_path / "disk")
        first = inside.put(random.Random(1).randbytes(3 * BATCH), "first")
        inside.wait_remote(first)
        inside.connect(tmp_path / "ids", "ids")
        second = inside.put(random.Random(2).randbytes(2 * BATCH), "second")
        inside.wait_remote(second)
        inside.app.engine.sync_now()
        _until_carried(inside, first)
        seen = 0
        for run in range(1, 5):
            job = inside.job("integrity/verify", remote=True, read_back=True, read_back_bytes=2 * BATCH)
            assert (job["result"]["findings"], job["result"]["unknown"]) == ([], [])
            seen = sum(each.read_at_s > 0 for each in candidates(inside.app.library, [first, second]))
            assert seen == 2 * run
        assert inside.show(second)["rung"] == "proven"


def _until_carried(inside: Inside, archive_id: str) -> None:
    inside.wait_remote(archive_id)
    ids = inside.app.connections.find("ids").id
    wait_for(lambda: ids in (standings := inside.app.library.view(archive_id).standings) and standings[ids].batches_stored == 3)


def test_a_budget_smaller_than_a_batch_reads_nothing_and_says_so(ids: Inside, stored: str, place: Place) -> None:
    place.calls.clear()
    job = ids.job("integrity/verify", remote=True, read_back_bytes=BATCH - 1)
    assert place.calls["get"] == 0
    assert "larger than the budget" in job["result"]["unknown"][0]
    assert ids.show(stored)["rung"] == "remote"
