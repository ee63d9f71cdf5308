"""What the panel sees of archives: lists, figures, the batch map, histories, and what a removal would take."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance.archive import Archive
from appliance.views import Standing, View
from mqtt.messages import Rung
from tests.appliance.verbs.scripted import Scripted
from tests.inside import Inside
from tests.waiting import at_best, wait_for

BATCH = 64 * 1024
MANY = 10_000


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()


@pytest.fixture
def inside(tmp_path: Path, scripted: Scripted) -> Iterator[Inside]:
    with Inside(tmp_path / "data", batch_bytes=BATCH, wrap=scripted.around) as running:
        yield running


def listed(inside: Inside, **asked: Any) -> list[str]:
    return [archive["title"] for archive in inside.ask("archive/list", **asked)["archives"]]


def test_a_list_is_filtered_by_everything_at_once_and_searched_by_all_words(inside: Inside, tmp_path: Path) -> None:
    inside.ask("transfer/pause")
    inside.connect(tmp_path / "disk")
    holidays = inside.put(b"1", "IMG_0815.jpg", title="Holidays in Österreich", owner="anna")
    letter = inside.put(b"2", "letter.odt", title="Letter", owner="bert")
    assert listed(inside, search="ÖSTERREICH img") == ["Holidays in Österreich"]
    assert listed(inside, search=f"{letter[:6]} lett") == ["Letter"]
    assert listed(inside, search="holidays letter") == []
    inside.ask("archive/pin", archive=letter)
    assert listed(inside, pinned=True) == ["Letter"]
    assert listed(inside, pinned=False, owner="anna", local=True, waiting=True, rungs=["received", "partial"], healths=["ok"]) == [
        "Holidays in Österreich"
    ]
    inside.ask("transfer/resume")
    inside.wait_remote(holidays)
    inside.wait_remote(letter)
    inside.release(holidays)
    assert listed(inside, local=False) == ["Holidays in Österreich"]
    assert listed(inside, rungs=["received", "partial"]) == []
    wait_for(lambda: listed(inside, waiting=True) == [])


def test_the_summary_is_that_of_everybody_or_of_one_owner(inside: Inside, tmp_path: Path) -> None:
    inside.connect(tmp_path / "disk")
    annas = inside.put(b"a" * 100, owner="anna")
    inside.put(b"b" * 3 * BATCH, owner="bert")
    removed = inside.put(b"c", owner="bert")
    for archive in inside.ask("archive/list")["archives"]:
        inside.wait_remote(archive["id"])
    inside.ask("archive/remove", archive=removed)
    inside.release(annas)
    everybody, anna, bert = (inside.ask("archive/summary", owner=owner) for owner in (None, "anna", "bert"))
    assert (everybody["archives"], anna["archives"], bert["archives"]) == (2, 1, 1)
    assert (everybody["removed"], anna["removed"], bert["removed"]) == (1, 0, 1)
    assert (anna["size_bytes"], anna["released_bytes"], anna["local"]) == (100, 100, 0)
    assert (bert["size_bytes"], bert["released_bytes"], bert["local"], bert["ok"]) == (3 * BATCH, 0, 1, 1)
    assert everybody["size_bytes"] == 100 + 3 * BATCH
    assert (bert["bytes_at_risk"], bert["batches_up"], bert["progress_ratio"], bert["oldest_proof_at"]) == (0, 0, 1.0, None)
    inside.job("integrity/verify", read_back=True)
    assert inside.ask("archive/summary", owner="bert")["oldest_proof_at"] is not None
    assert inside.ask("archive/summary", owner="nobody")["archives"] == 0


def many_views(inside: Inside, connection_id: str) -> None:
    """Ten thousand archives without their ledgers: lists and figures ask for views alone."""
    first = datetime(2026, 1, 1, tzinfo=UTC)
    with inside.app.library._lock:
        for n in range(MANY):
            archive = Archive(
                id=f"{n:016x}", title=f"Holiday {n} in the mountains", file_name=f"holiday-{n}.tar", owner=("anna", "bert")[n % 2],
                size_bytes=n + 1, sha256="0" * 64, batch_bytes=BATCH, created_at=first + timedelta(minutes=n),
            )  # fmt: skip
            there = Standing(Rung.REMOTE, 1, n + 1, manifest_stored=True, manifest_due=False, proven_at=None)
            inside.app.library._put_view(View(archive, 1, 1, local=True, wanted_local=True, standings={connection_id: there}))


def test_with_ten_thousand_archives_a_page_takes_50_ms_and_a_summary_20(inside: Inside, tmp_path: Path) -> None:
    many_views(inside, inside.connect(tmp_path / "disk"))

    def seconds(verb: str, **asked: Any) -> float:
        begin = time.perf_counter()
        inside.ask(verb, **asked)
        return time.perf_counter() - begin

    assert inside.ask("archive/list", limit=1)["archives"][0]["title"] == f"Holiday {MANY - 1} in the mountains"
    assert at_best(lambda: seconds("archive/summary"), 0.02, tries=30) < 0.02
    assert at_best(lambda: seconds("archive/summary", owner="anna"), 0.02, tries=30) < 0.02
    for asked in ({}, {"search": "holiday 99"}, {"sort": "title", "owner": "anna"}, {"rungs": ["remote"], "healths": ["ok"]}):
        assert at_best(lambda asked=asked: seconds("archive/list", limit=50, **asked), 0.05, tries=30) < 0.05, asked  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    pages = [inside.ask("archive/list", sort="rung", limit=200, offset=offset)["archives"] for offset in range(0, MANY, 200)]
    assert len({archive["id"] for page in pages for archive in page}) == MANY, "equals have an order, too: no page shows what another did"


def letters(inside: Inside, archive_id: str, **more: Any) -> str:
    return str(inside.ask("archive/batch-map", archive=archive_id, **more)["map"])


def test_the_batch_map_tells_where_each_batch_is(inside: Inside, tmp_path: Path, scripted: Scripted) -> None:
    archive_id = inside.put(b"x" * 5 * BATCH)
    assert letters(inside, archive_id) == "ccccc"
    scripted.gate.clear()
    disk = inside.connect(tmp_path / "disk")
    wait_for(lambda: letters(inside, archive_id).count("u") == 3 and letters(inside, archive_id).count("c") == 2)
    scripted.gate.set()
    inside.wait_remote(archive_id)
    found = wait_for(lambda: (m := inside.ask("archive/batch-map", archive=archive_id))["manifest_stored"] and m)
    assert (found["map"], found["counts"], found["total"], found["connection_id"]) == ("bbbbb", {"b": 5}, 5, disk)
    assert letters(inside, archive_id, offset=3, limit=9) == "bb"
    inside.release(archive_id)
    assert letters(inside, archive_id) == "sssss"
    inside.ask("transfer/pause")
    other = inside.connect(tmp_path / "other", "other")
    assert letters(inside, archive_id) == "eeeee", "the active connection has nothing of it, another one has all"
    assert letters(inside, archive_id, connection="disk") == "sssss"
    assert inside.ask("archive/batch-map", archive=archive_id)["connection_id"] == other


def test_the_batch_map_shows_what_failed_what_is_damaged_and_what_is_lost(inside: Inside, tmp_path: Path) -> None:
    inside.connect(tmp_path / "disk")
    archive_id = inside.put(b"x" * 3 * BATCH)
    inside.wait_remote(archive_id)
    inside.ask("transfer/pause")
    ledger = inside.app.library.ledger(archive_id)
    ledger.uncached(0, "the disk cannot read it")
    ledger.uncached(2, "the disk cannot read it")
    ledger.unstored(inside.app.library.active or "", 2, "gone")
    inside.app.library.changed(archive_id)
    assert letters(inside, archive_id) == "xbm"
    batch = inside.ask("archive/batches", archive=archive_id)["batches"][0]
    assert (batch["failure"], batch["cached"]) == ("the disk cannot read it", False)


def test_a_map_of_a_hundred_thousand_batches_fits_into_an_answer_and_takes_no_time(inside: Inside, tmp_path: Path) -> None:
    inside.ask("transfer/pause")
    inside.app.intake.batch_bytes = lambda: 1  # type: ignore[method-assign]  # as many batches as a small file can have
    archive_id = inside.put(b"x" * 100_000)
    inside.connect(tmp_path / "disk")
    found = inside.ask("archive/batch-map", archive=archive_id)

    def seconds() -> float:
        begin = time.perf_counter()
        inside.ask("archive/batch-map", archive=archive_id)
        return time.perf_counter() - begin

    assert at_best(seconds, 0.1) < 0.1
    assert len(found["map"]) == found["total"] == 100_000
    assert len(found["map"].encode()) < 256 * 1024


def test_a_batch_tells_when_it_was_stored_and_why_it_failed_last(inside: Inside, tmp_path: Path, scripted: Scripted) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    inside.connect(tmp_path / "disk")
    archive_id = inside.put(b"x" * 2 * BATCH)
    inside.wait_remote(archive_id)
    first, second = inside.ask("archive/batches", archive=archive_id)["batches"]
    assert datetime.fromisoformat(first["stored_at"]) > before
    assert (first["failure"], second["failure"]) == (None, None)
    page = inside.ask("archive/batches", archive=archive_id, offset=1, limit=1)
    assert ([batch["index"] for batch in page["batches"]], page["total"]) == ([1], 2)


def history(inside: Inside, archive_id: str, **more: Any) -> list[tuple[str, int | None]]:
    found = inside.ask("archive/history", archive=archive_id, **more)["happenings"]
    return [(happening["what"], happening["batches"]) for happening in found]


def test_the_history_is_what_the_ledger_tells_newest_first_and_neighbours_together(inside: Inside, tmp_path: Path) -> None:
    archive_id = inside.put(b"x" * 4 * BATCH)
    assert history(inside, archive_id) == [("created", 4)]
    disk = inside.connect(tmp_path / "disk")
    inside.wait_remote(archive_id)
    inside.ask("archive/rename", archive=archive_id, title="Another name")
    wait_for(lambda: history(inside, archive_id)[0] == ("described", None))
    inside.release(archive_id)
    inside.ask("archive/restore", archive=archive_id)
    inside.wait_local(archive_id)
    whole = [
        ("restored", None), ("fetched", 4), ("restore_asked", None), ("released", None), ("described", None), ("renamed", None),
        ("described", None), ("stored", 4), ("created", 4),
    ]  # fmt: skip
    assert history(inside, archive_id) == whole
    assert history(inside, archive_id, offset=1, limit=2) == whole[1:3]
    assert inside.ask("archive/history", archive=archive_id, limit=2)["more"] is True
    stored = inside.ask("archive/history", archive=archive_id)["happenings"][-2]
    assert (stored["connection_id"], stored["connection_name"], stored["batch_index"]) == (disk, "disk", None)


def test_a_failure_stands_in_the_history_with_its_reason(inside: Inside, tmp_path: Path) -> None:
    inside.ask("transfer/pause")
    inside.connect(tmp_path / "disk")
    archive_id = inside.put(b"x")
    ledger = inside.app.library.ledger(archive_id)
    for _ in range(3):
        ledger.failed(inside.app.library.active or "", 0, "up", "the line was cut")  # type: ignore[arg-type]  # as the enum's value
    newest = inside.ask("archive/history", archive=archive_id)["happenings"][0]
    assert (newest["what"], newest["message"], newest["batches"], newest["direction"]) == ("failed", "the line was cut", 3, "up")
    assert inside.ask("archive/batches", archive=archive_id)["batches"][0]["failure"] == "the line was cut"


def test_what_was_moved_lately_comes_from_all_ledgers_newest_first_without_looking_into_each(inside: Inside, tmp_path: Path) -> None:
    inside.connect(tmp_path / "disk")
    ids = []
    for n in range(3):
        ids.append(inside.put(b"x" * BATCH * 2, title=f"file {n}", owner=("anna", "bert")[n % 2]))
        inside.wait_remote(ids[-1])
    page = inside.ask("transfer/history", limit=2)
    assert [(each["archive_id"], each["what"]) for each in page["happenings"]] in (
        [(ids[2], "described"), (ids[2], "stored")], [(ids[2], "stored"), (ids[2], "described")]  # in the same second
    )  # fmt: skip
    assert page["more"] is True
    assert {each["owner"] for each in inside.ask("transfer/history", owner="bert")["happenings"]} == {"bert"}
    assert inside.ask("transfer/history", offset=6)["happenings"] == []


def test_a_removal_says_beforehand_what_is_lost_where_and_until_when_it_can_be_undone(inside: Inside, tmp_path: Path) -> None:
    archive_id = inside.put(b"x" * 2 * BATCH)
    assert inside.ask("archive/removal", archive=archive_id)["only_here"] is True
    disk = inside.connect(tmp_path / "disk")
    inside.wait_remote(archive_id)
    told = inside.ask("archive/removal", archive=archive_id)
    assert (told["only_here"], told["only_on"], told["local_bytes"]) == (False, None, 2 * BATCH)
    assert [(copy["connection_id"], copy["is_whole"], copy["stored_bytes"]) for copy in told["copies"]] == [(disk, True, 2 * BATCH)]
    left = datetime.fromisoformat(told["undo_until_at"]) - datetime.now(UTC)
    assert timedelta(days=29.9) < left < timedelta(days=30.1)
    inside.release(archive_id)
    told = inside.ask("archive/removal", archive=archive_id)
    assert (told["only_here"], told["only_on"], told["local_bytes"]) == (False, disk, 0)
    assert inside.show(archive_id)["removed_at"] is None, "nothing was changed"


def test_a_batch_that_failed_waits_in_the_map_and_says_why(inside: Inside, tmp_path: Path, scripted: Scripted) -> None:
    scripted.script = [OSError("the file system hiccups")] * 50
    inside.connect(tmp_path / "disk")
    archive_id = inside.put(b"x")
    wait_for(lambda: letters(inside, archive_id) == "w")
    batch = inside.ask("archive/batches", archive=archive_id)["batches"][0]
    assert "hiccups" in batch["failure"]
