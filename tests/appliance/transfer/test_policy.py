"""Timetable, metered mode, order and pins in the engine: obeyed within a second, and said wherever something waits."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance import clock
from appliance.errors import BadRequest, Conflict, NotFound
from appliance.settings import SettingsError
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024
ALWAYS = "daily 00:00-24:00"
Start = Callable[..., Inside]


def content(batches: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(batches * BATCH)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[Inside] = []

    def started(batch_bytes: int = BATCH, **settings: Any) -> Inside:
        inside = Inside(tmp_path / "data", batch_bytes=batch_bytes, **settings)
        running.append(inside.__enter__())
        inside.connect(tmp_path / "disk")
        return inside

    yield started
    for inside in running:
        inside.__exit__(None, None, None)


def put_a_large_one(inside: Inside) -> str:
    """On its way, and far from its end."""
    inside.ask("settings/set", name="upload_limit_kb_per_s", value=200)
    archive_id = inside.put(content(40), "large")
    wait_for(lambda: inside.app.engine.moving)
    return archive_id


def published(inside: Inside, topic: str) -> str:
    return inside.outbox.retained.get(f"pyarchive/{inside.app.folder.appliance_id}/{topic}", b"").decode()


def state(inside: Inside) -> Any:
    """As it was published last."""
    return json.loads(published(inside, "appliance/state"))


def nothing_moves(inside: Inside) -> None:
    """Nor is anything begun, for half a second."""
    with pytest.raises(AssertionError):
        wait_for(lambda: inside.app.engine.moving, 0.5)


CLOSING = [
    ({"timetable": f"{ALWAYS} pause"}, {"timetable": None}, "the timetable pauses uploads"),
    ({"metered": True}, {"metered": False}, "the line is metered: nothing moves"),
]


@pytest.mark.parametrize(("close", "open_again", "words"), CLOSING)
def test_what_closes_the_way_up_ends_what_moves_within_a_second_and_opens_it_as_fast(
    start: Start, close: dict[str, Any], open_again: dict[str, Any], words: str
) -> None:
    inside = start(batch_bytes=64 * BATCH)  # one batch would take longer than the test
    archive_id = put_a_large_one(inside)
    inside.ask("settings/set", name=next(iter(close)), value=next(iter(close.values())))
    wait_for(lambda: not inside.app.engine.moving, 1.0, "the slots to end")
    shown = inside.show(archive_id)
    assert shown["waiting_for"] == words
    [waiting] = inside.ask("transfer/list")["waiting"]
    assert waiting["reason"] == words
    wait_for(lambda: state(inside)["status"] == "waiting" and words in state(inside)["status_reason"], 2.0)
    said = state(inside)
    assert (said["upload_window"]["allowed"], said["upload_window"]["reason"]) == (False, words)
    assert said["metered"] is ("metered" in close)
    assert (said["eta_s"], said["protected_by_at"]) == (None, None)
    wait_for(lambda: words in published(inside, f"archive/{archive_id}/state"), 2.0)
    inside.ask("settings/set", name=next(iter(open_again)), value=next(iter(open_again.values())))
    wait_for(lambda: inside.app.engine.moving, 1.0, "the slots to go on")


@pytest.mark.parametrize(("close", "open_again", "words"), CLOSING)
def test_sync_ends_neither_the_timetable_nor_metered_mode(
    start: Start, close: dict[str, Any], open_again: dict[str, Any], words: str
) -> None:
    inside = start(**close)
    archive_id = inside.put(content(1))
    inside.ask("transfer/sync")
    nothing_moves(inside)
    assert inside.show(archive_id)["waiting_for"] == words


def test_the_timetable_holds_no_restore_and_a_metered_line_without_a_limit_does(start: Start) -> None:
    inside = start()
    archive_id = inside.put(content(3))
    inside.wait_remote(archive_id)
    inside.release(archive_id)
    inside.ask("settings/set", name="metered", value=True)
    inside.ask("archive/restore", archive=archive_id)
    nothing_moves(inside)
    assert inside.show(archive_id)["waiting_for"] == "the line is metered: nothing moves"
    inside.ask("settings/set", name="timetable", value=f"{ALWAYS} pause")
    inside.ask("settings/set", name="metered_limit_kb_per_s", value=1)
    inside.wait_local(archive_id)


def test_a_timetable_takes_effect_on_time_and_says_until_when(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    real_now = clock.now
    begin = datetime.fromisoformat("2027-03-02T07:59:57+00:00")
    offset = begin - real_now()
    monkeypatch.setattr(clock, "now", lambda: real_now() + offset)
    inside = start(time_zone="UTC", timetable="tue 08:00-18:00 pause")
    archive_id = put_a_large_one(inside)
    assert state(inside)["upload_window"]["until_at"] == "2027-03-02T08:00:00Z"
    wait_for(lambda: clock.now() >= begin + timedelta(seconds=3))
    wait_for(lambda: not inside.app.engine.moving, 1.0, "the slots to end")
    assert clock.now() < begin + timedelta(seconds=4.5)
    shown = inside.show(archive_id)
    assert (shown["waiting_for"], shown["waiting_until_at"]) == ("the timetable pauses uploads until 18:00", "2027-03-02T18:00:00Z")
    offset += timedelta(hours=9, minutes=59, seconds=58)  # somebody sets the clock
    wait_for(lambda: inside.app.engine.moving, 5.0, "the slots to go on")


def test_while_the_clock_is_not_right_uploads_wait_if_there_is_a_timetable(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    real_now = clock.now
    monkeypatch.setattr(clock, "now", lambda: real_now() - timedelta(days=365 * 50))
    inside = start()
    inside.wait_remote(inside.put(content(1)))
    inside.ask("settings/set", name="timetable", value=f"{ALWAYS} 5000")
    archive_id = inside.put(content(1, 2))
    wait_for(lambda: "the clock is not right yet" in (inside.show(archive_id)["waiting_for"] or ""))
    monkeypatch.undo()
    inside.wait_remote(archive_id)


def test_bad_text_for_a_setting_is_refused_and_changes_nothing(start: Start) -> None:
    inside = start(timetable=f"{ALWAYS} pause")
    with pytest.raises(BadRequest, match="set by the environment"):
        inside.ask("settings/set", name="timetable", value="")
    for name, value in (("time_zone", "Atlantis"), ("metered", "perhaps"), ("metered_limit_kb_per_s", -1), ("keep_free_mib", -1)):
        with pytest.raises(SettingsError, match=name):
            inside.ask("settings/set", name=name, value=value)


# Order


def test_what_is_put_first_goes_first_also_after_a_restart_and_is_out_of_the_order_once_it_is_done(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Inside(data, batch_bytes=BATCH, transfers=1) as inside:
        inside.ask("transfer/pause")
        inside.connect(tmp_path / "disk")
        ids = [inside.put(content(2, seed), f"file-{seed}") for seed in range(5)]
        inside.ask("transfer/first", archive=ids[3])
        assert inside.ask("transfer/first", archive=ids[4])["position"] == 0
        assert inside.ask("transfer/first", archive=ids[2], position=9)["position"] == 2
        assert inside.ask("transfer/usual", archive=ids[2])["position"] is None
        assert inside.ask("transfer/usual", archive=ids[2])["position"] is None
        wait_for(lambda: '"position":1' in published(inside, f"archive/{ids[3]}/state"))
    with Inside(data, batch_bytes=BATCH, transfers=1) as inside:
        assert [inside.show(each)["position"] for each in ids] == [None, None, None, 1, 0]
        waiting = [each["archive_id"] for each in inside.ask("transfer/list")["waiting"]]
        assert waiting[:2] == [ids[4], ids[3]]
        done: list[str] = []
        inside.app.library.on_change(lambda archive_id: _note_done(inside, archive_id, done))
        inside.ask("transfer/resume")
        for each in ids:
            inside.wait_remote(each)
        assert done[:2] == [ids[4], ids[3]]
        assert [inside.show(each)["position"] for each in ids] == [None] * 5
        with pytest.raises(Conflict, match="nothing of this archive is to be moved"):
            inside.ask("transfer/first", archive=ids[0])
        wait_for(lambda: not inside.app.db.table("order").ids(), 5.0, "the order to be written down")


def _note_done(inside: Inside, archive_id: str, done: list[str]) -> None:
    view = inside.app.library.views[archive_id]
    if archive_id not in done and any(each.batches_stored == view.batches for each in view.standings.values()):
        done.append(archive_id)


def test_a_removed_archive_leaves_the_order_and_a_place_can_be_given_before_there_is_a_connection(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        first, second = inside.put(content(1), "a"), inside.put(content(1, 2), "b")
        inside.ask("transfer/first", archive=first)
        inside.ask("transfer/first", archive=second, position=1)
        inside.ask("archive/remove", archive=first)
        assert inside.show(second)["position"] == 0
        with pytest.raises(NotFound):
            inside.ask("transfer/first", archive=first)


def test_the_small_files_of_one_owner_do_not_wait_for_the_terabyte_of_another(start: Start) -> None:
    inside = start(transfers=1)
    inside.ask("transfer/pause")
    large = inside.put(content(60), "large", owner="anna")
    small = [inside.put(content(2, seed), f"small-{seed}", owner="ben") for seed in range(2, 7)]
    inside.ask("settings/set", name="upload_limit_kb_per_s", value=2000)
    inside.ask("transfer/resume")
    for each in small:
        inside.wait_remote(each)
    stored = inside.show(large)["batches_stored"]
    assert 4 <= stored <= 25


def test_of_ten_thousand_waiting_archives_the_next_is_chosen_about_as_fast_as_of_a_hundred(start: Start) -> None:
    inside = start()
    inside.ask("transfer/pause")
    one = inside.app.library.view(inside.put(content(1)))
    engine = inside.app.engine

    def cost_s(archives: int) -> float:
        with engine._wake:
            for number in range(archives):
                archive = replace(one.archive, id=f"{number:016x}", created_at=one.archive.created_at + timedelta(seconds=number))
                engine._chooser.up.put(replace(one, archive=archive), 1 + number)
            assert len(engine._chooser.up) >= archives
            best = float("inf")
            for _ in range(20):
                began_s = time.perf_counter()
                for _ in range(20):
                    assert engine._chooser.next_up(3) is not None
                best = min(best, time.perf_counter() - began_s)
            return best

    few_s = cost_s(100)
    assert cost_s(10_000) < 5 * few_s


# Pins


def test_a_pinned_archive_is_not_released_until_it_is_unpinned_also_after_a_restart(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        inside.connect(tmp_path / "disk")
        archive_id = inside.put(content(1))
        inside.wait_remote(archive_id)
        for _ in range(2):
            assert inside.ask("archive/pin", archive=archive_id)["pinned"] is True
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        assert inside.show(archive_id)["pinned"] is True
        job = inside.job("archive/release", archive=archive_id)
        assert (job["state"], job["error"]["code"]) == ("failed", "conflict")
        assert f"`pyarchive unpin {archive_id}` first" in job["error"]["message"]
        assert inside.show(archive_id)["local"]
        for _ in range(2):
            assert inside.ask("archive/unpin", archive=archive_id)["pinned"] is False
        inside.release(archive_id)


def test_a_pin_that_comes_while_the_remote_is_listed_still_keeps_the_copy(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = start()
    archive_id = inside.put(content(1))
    inside.wait_remote(archive_id)
    placement = type(inside.app.placement)
    proof = placement._proof

    def pinned_meanwhile(*arguments: Any) -> str:
        inside.ask("archive/pin", archive=archive_id)
        return proof(*arguments)

    monkeypatch.setattr(placement, "_proof", pinned_meanwhile)
    job = inside.job("archive/release", archive=archive_id)
    assert "is pinned" in job["error"]["message"]
    assert inside.local_bytes(archive_id) == content(1)


def test_a_catalog_entry_of_an_older_version_is_not_pinned_and_one_that_is_not_stays_as_short(start: Start) -> None:
    inside = start()
    archive_id = inside.put(content(1))
    document = dict(inside.app.db.table("archives").get(doc_id=archive_id) or {})
    assert "pinned" not in document
    assert not type(inside.app.library.archive(archive_id)).from_document(archive_id, document).pinned
