"""The queue as the panel sees it, a retry of one archive, and the same act for many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import RemoteBusy
from tests.appliance.accounts.people import joined
from tests.appliance.verbs.scripted import Scripted
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()


@pytest.fixture
def inside(tmp_path: Path, scripted: Scripted) -> Iterator[Inside]:
    with Inside(tmp_path / "data", batch_bytes=BATCH, wrap=scripted.around, retry_cap_s=3600, transfers=1) as running:
        yield running


def test_the_queue_is_paged_counted_right_and_filtered_by_owner(inside: Inside, tmp_path: Path, scripted: Scripted) -> None:
    scripted.gate.clear()
    inside.connect(tmp_path / "disk")
    ids = [inside.put(b"x" * BATCH, owner=("anna", "bert")[n % 2]) for n in range(5)]
    wait_for(lambda: inside.ask("transfer/list")["moving"])
    page = inside.ask("transfer/list")
    assert [item["archive_id"] for item in page["waiting"] if item["moving"]] == [page["moving"][0]["archive_id"]]
    assert (page["waiting_total"], page["up_total"], page["down_total"]) == (5, 5, 0)
    pages = [inside.ask("transfer/list", offset=offset, limit=2)["waiting"] for offset in (0, 2, 4)]
    assert [item["archive_id"] for each in pages for item in each] == [item["archive_id"] for item in page["waiting"]]
    assert {item["archive_id"] for item in page["waiting"]} == set(ids)
    berts = inside.ask("transfer/list", owner="bert")
    assert ({item["owner"] for item in berts["waiting"]}, berts["waiting_total"]) == ({"bert"}, 2)
    assert all(item["reason"] == "waits for its turn" for item in page["waiting"] if not item["moving"])
    scripted.gate.set()
    wait_for(lambda: inside.ask("transfer/list")["waiting_total"] == 0)


def test_a_retry_ends_the_back_off_of_one_archive_and_no_retry_after(inside: Inside, tmp_path: Path, scripted: Scripted) -> None:
    inside.ask("transfer/pause")
    inside.connect(tmp_path / "disk")
    archive_id = inside.put(b"x")
    scripted.script = [OSError("the file system hiccups")]
    inside.app.engine._random.uniform = lambda a, b: 1000.0  # type: ignore[method-assign]
    inside.ask("transfer/resume")
    wait_for(lambda: "hiccups" in (inside.show(archive_id)["waiting_for"] or ""))
    inside.ask("transfer/retry", archive=archive_id)
    inside.wait_remote(archive_id)
    scripted.script = [RemoteBusy("slow down", 1000.0)]
    other = inside.put(b"y")
    wait_for(lambda: "slow down" in (inside.show(other)["waiting_for"] or ""))
    assert inside.ask("transfer/retry", archive=other)["waiting_until_at"] is not None


def many(inside: Inside, act: str, archives: list[str]) -> Any:
    job = inside.job("archive/many", act=act, archives=archives)
    assert job["state"] == "done"
    return job


def test_the_same_act_for_many_does_what_can_be_done_and_says_what_not(inside: Inside, tmp_path: Path) -> None:
    inside.connect(tmp_path / "disk")
    ids = [inside.put(bytes([n]) * 100, title=f"file {n}") for n in range(3)]
    for archive_id in ids:
        inside.wait_remote(archive_id)
    inside.ask("archive/pin", archive=ids[1])
    job = many(inside, "release", [*ids, "no-such-archive"])
    assert (job["what"], job["result"]["done"], job["total_bytes"], job["done_bytes"]) == ("release of 4 archives", 2, 300, 300)
    pinned, unknown = job["result"]["not_done"]
    assert (pinned["archive"], pinned["title"], pinned["error"]["code"]) == (ids[1], "file 1", "conflict")
    assert (unknown["archive"], unknown["title"], unknown["error"]["code"]) == ("no-such-archive", None, "not_found")
    assert [inside.show(archive_id)["local"] for archive_id in ids] == [False, True, False]
    assert many(inside, "unpin", ids)["result"]["done"] == 3
    assert many(inside, "restore", ids)["result"]["done"] == 3
    for archive_id in ids:
        inside.wait_local(archive_id)
    assert many(inside, "remove", ids[:2])["result"]["done"] == 2
    assert inside.ask("archive/list")["total"] == 1
    assert many(inside, "undo", ids)["result"]["not_done"][0]["archive"] == ids[2]
    assert inside.ask("archive/list")["total"] == 3


def test_a_member_does_nothing_to_what_is_anothers_and_sees_nothing_of_it(inside: Inside, tmp_path: Path) -> None:
    inside.ask("transfer/pause")
    inside.connect(tmp_path / "disk")
    anna = joined(inside, "anna")
    own, other = inside.put(b"a", owner="anna"), inside.put(b"b", owner="bert", title="Secret")
    inside.app.library.ledger(other).failed(inside.app.library.active or "", 0, "up", "cut")  # type: ignore[arg-type]  # as the enum's value
    job_id = anna.ask("archive/many", act="pin", archives=[own, other, "Secret"])["job_id"]
    result = wait_for(lambda: (job := anna.ask("integrity/job", job_id=job_id))["state"] == "done" and job["result"])
    assert (result["done"], [each["error"]["code"] for each in result["not_done"]]) == (1, ["not_found", "not_found"])
    assert [each["title"] for each in result["not_done"]] == [None, None]
    assert inside.show(other)["pinned"] is False
    for owner in (None, "bert", "anna", ""):
        assert anna.ask("transfer/list", owner=owner)["waiting_total"] == (1 if owner in {None, "anna"} else 0)
        assert all(each["owner"] == "anna" for each in anna.ask("transfer/history", owner=owner)["happenings"])
        assert anna.ask("archive/summary", owner=owner)["archives"] == (1 if owner in {None, "anna"} else 0)
        assert anna.ask("archive/list", owner=owner)["total"] == (1 if owner in {None, "anna"} else 0)
