"""The ledger of one archive, on real files: what it says, what it costs, several at once, compaction."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance import durable
from appliance.catalog.ledger import Ledger
from appliance.durable import Operation
from appliance.errors import BadRequest
from mqtt.messages import Direction
from tests.appliance.catalog.ledger_samples import (
    ID,
    NOW,
    SECOND,
    SECRET,
    answers,
    facts_of,
    live_a_full_life,
    make,
    syncs,
    table_of,
    watched,
    written_bytes,
)
from tests.waiting import wait_for


@pytest.fixture
def operations() -> Iterator[list[Operation]]:
    with watched() as seen:
        yield seen


# What it says


def test_a_new_ledger_tells_the_facts_and_the_table_and_that_all_is_here(tmp_path: Path) -> None:
    ledger = make(tmp_path, 3)
    assert (ledger.facts, ledger.title, ledger.owner, ledger.table()) == (facts_of(3), "Ferien 🏖", "ada", table_of(3))
    assert [ledger.range_of(index) for index in range(3)] == [(0, 10), (10, 10), (20, 7)]
    assert (ledger.cached_count, ledger.is_released, ledger.wanted_local, ledger.connections()) == (3, False, True, set())
    assert ledger.batch_sha256(2) == b"\2\0\0\0" * 8
    assert stat.S_IMODE((tmp_path / ID).stat().st_mode) == 0o600


def test_an_empty_file_has_one_empty_batch(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path / ID, facts_of(1, size_bytes=0), [b"\0" * 32])
    assert (ledger.batch_count, ledger.range_of(0)) == (1, (0, 0))


def test_an_archive_that_only_a_remote_has_begins_as_released(tmp_path: Path) -> None:
    ledger = Ledger.create(tmp_path / ID, facts_of(3), table_of(3), local=False)
    assert (ledger.is_released, ledger.wanted_local, ledger.cached_count) == (True, False, 0)
    assert answers(Ledger.open(tmp_path / ID)) == answers(ledger)


def test_names_of_any_characters_come_back_as_they_were(tmp_path: Path) -> None:
    title = "a\udcff\u0000\U0001f600 'quoted\"\n"
    Ledger.create(tmp_path / ID, facts_of(1, file_name=title), table_of(1)).retitled(title)
    ledger = Ledger.open(tmp_path / ID)
    assert (ledger.facts.file_name, ledger.title) == (title, title)


def test_all_that_was_said_survives_reopening_and_compaction(tmp_path: Path) -> None:
    ledger = make(tmp_path)
    live_a_full_life(ledger)
    told, history = answers(ledger), ledger.history(100)
    assert told["on"]["usb"]["stored"] == (5, [True] * 5 + [False])
    assert told["on"]["drive"]["sessions"][1] == (SECRET, 7)
    assert answers(Ledger.open(tmp_path / ID)) == told
    assert ledger._file.compact(lambda: True)
    assert (answers(ledger), ledger.history(100)) == (told, history)
    again = Ledger.open(tmp_path / ID)
    assert (answers(again), again.history(100)) == (told, history)


def test_the_number_of_each_batch_is_checked(tmp_path: Path) -> None:
    ledger = make(tmp_path, 3)
    asked: list[Callable[[int], object]] = [
        ledger.range_of, ledger.batch_sha256, ledger.is_cached, ledger.cached, lambda i: ledger.is_stored("usb", i),
        lambda i: ledger.plan("usb", i, "x"), lambda i: ledger.stored("usb", i, "x"), lambda i: ledger.uncached(i, "why"),
        lambda i: ledger.read_back("usb", i, 1, NOW), lambda i: ledger.confirmed("usb", i, 1), lambda i: ledger.unstored("usb", i, "why"),
    ]  # fmt: skip
    for ask in asked:
        for index in (-1, 3):
            with pytest.raises(IndexError):
                ask(index)
    assert ledger.connections() == set()


def test_a_plan_withdraws_what_was_stored_under_another_id(tmp_path: Path) -> None:
    ledger = make(tmp_path, 3)
    ledger.stored_many("usb", [(0, "a"), (1, "b"), (2, "c")])
    ledger.session("usb", 1, "")
    ledger.plan("usb", 1, "better")
    assert ([ledger.is_stored("usb", i) for i in range(3)], ledger.remote_id("usb", 1)) == ([True, False, True], "better")
    ledger.stored("usb", 1, "best")
    assert (ledger.stored_count("usb"), ledger.remote_ids("usb")) == (3, ["a", "best", "c"])


def test_a_stored_batch_has_no_upload_session_any_more(tmp_path: Path) -> None:
    ledger = make(tmp_path, 2)
    ledger.plan("drive", 0, "id")
    ledger.session("drive", 0, SECRET)
    ledger.confirmed("drive", 0, 5)
    assert ledger.session_of("drive", 0) == (SECRET, 5)
    ledger.session("drive", 0, SECRET + "2")
    assert ledger.session_of("drive", 0) == (SECRET + "2", 0)
    ledger.stored("drive", 0, "id")
    assert ledger.session_of("drive", 0) is None


def test_the_next_batch_is_found_past_those_that_are_done_or_skipped(tmp_path: Path) -> None:
    ledger = make(tmp_path)
    assert (ledger.next_unstored("usb", 0, ()), ledger.next_unstored("usb", 2, {2, 3})) == (0, 4)
    ledger.stored_many("usb", [(0, "a"), (1, "b"), (4, "e")])
    assert (ledger.next_unstored("usb", 0, {2}), ledger.next_unstored("usb", 4, ()), ledger.next_unstored("usb", 6, ())) == (3, 5, None)
    assert ledger.next_unstored("usb", 0, {2, 3, 5}) is None
    assert ledger.remote_ids("usb") == ["a", "b", None, None, "e", None]
    assert ledger.next_uncached(0, ()) is None
    ledger.uncached_range(2, 3, "gone")
    assert (ledger.next_uncached(0, ()), ledger.next_uncached(0, {2, 3}), ledger.next_uncached(5, ())) == (2, 4, None)


def test_a_proof_holds_only_while_every_stored_batch_was_read_back_since(tmp_path: Path) -> None:
    ledger = make(tmp_path, 3)
    assert (ledger.read_back_oldest("usb"), ledger.next_to_read_back("usb")) == (None, None)
    ledger.stored_many("usb", [(0, "a"), (1, "b"), (2, "c")])
    ledger.read_back("usb", 0, 2, NOW)
    assert (ledger.read_back_oldest("usb"), ledger.next_to_read_back("usb")) == (None, 2)
    ledger.read_back("usb", 2, 1, NOW + timedelta(hours=1))
    assert (ledger.read_back_oldest("usb"), ledger.next_to_read_back("usb")) == (SECOND, 0)
    ledger.read_back("usb", 0, 2, NOW + timedelta(hours=2))
    assert (ledger.read_back_oldest("usb"), ledger.next_to_read_back("usb")) == (SECOND + timedelta(hours=1), 2)
    ledger.read_back("usb", 1, 1, NOW - timedelta(hours=1))  # a clock that was set back
    assert (ledger.read_back_oldest("usb"), ledger.next_to_read_back("usb")) == (SECOND - timedelta(hours=1), 1)
    ledger.unstored("usb", 1, "absent")
    ledger.stored("usb", 1, "b")
    assert (ledger.read_back_oldest("usb"), ledger.next_to_read_back("usb")) == (None, 1)
    ledger.read_back("usb", 0, 3, NOW - timedelta(days=9))
    assert ledger.read_back_oldest("usb") == SECOND - timedelta(days=9)


def test_a_manifest_is_current_until_title_owner_or_an_id_changes(tmp_path: Path) -> None:
    ledger = make(tmp_path, 2)
    ledger.stored_many("usb", [(0, "a"), (1, "b")])
    changes: list[Callable[[], None]] = [lambda: ledger.retitled("new"), lambda: ledger.given("bob"), lambda: ledger.plan("usb", 1, "c")]
    for number, change in enumerate(changes):
        ledger.manifest_stored("usb", "m", bytes([number]) * 32)
        assert ledger.manifest_is_current("usb")
        change()
        assert (ledger.manifest("usb"), ledger.manifest_is_current("usb")) == (("m", bytes([number]) * 32), False)
    ledger.manifest_lost("usb")
    assert (ledger.manifest("usb"), answers(Ledger.open(tmp_path / ID))) == (None, answers(ledger))


def test_a_manifest_made_before_a_renaming_is_not_current_after_it(tmp_path: Path) -> None:
    ledger = make(tmp_path, 1)
    version = ledger.manifest_version
    ledger.retitled("while it was uploaded")
    ledger.manifest_stored("usb", "m", bytes(32), version)
    assert (ledger.manifest("usb"), ledger.manifest_is_current("usb")) == (("m", bytes(32)), False)
    ledger.manifest_stored("usb", "m", bytes(32), ledger.manifest_version)
    assert ledger.manifest_is_current("usb")


def test_a_forgotten_connection_that_comes_back_begins_with_nothing(tmp_path: Path) -> None:
    ledger = make(tmp_path, 2)
    ledger.stored("usb", 0, "a")
    ledger.forget("usb")
    assert (ledger.connections(), ledger.stored_count("usb"), ledger.remote_id("usb", 0)) == (set(), 0, None)
    ledger.stored("usb", 1, "b")
    assert (ledger.remote_ids("usb"), answers(Ledger.open(tmp_path / ID))) == ([None, "b"], answers(ledger))


def test_the_history_is_told_newest_first_without_secrets(tmp_path: Path) -> None:
    ledger = make(tmp_path)
    live_a_full_life(ledger)
    history = ledger.history(1000)
    assert [each.kind for each in history[:4]] == ["removed", "given", "retitled", "cached"]
    failed = next(each for each in history if each.kind == "failed")
    assert (failed.connection_id, failed.index, failed.direction, failed.text) == ("drive", 0, Direction.UP, "the line is away")
    assert SECRET not in repr(history) + repr(ledger) + repr(ledger._file.state.on)
    assert ledger.history(2) == history[:2]
    assert ledger.history(0) == []


def test_ids_and_texts_that_cannot_be_kept_are_refused(tmp_path: Path) -> None:
    ledger = make(tmp_path, 2)
    for remote_id in ("", "a\0b", "x" * 20_000):
        with pytest.raises(BadRequest):
            ledger.plan("usb", 0, remote_id)
    with pytest.raises(BadRequest):
        ledger.retitled("x" * 20_000)
    ledger.failed("usb", 0, Direction.DOWN, "ü" * 5000)
    assert ledger.history(1)[0].text == "ü" * 150


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 7), st.sampled_from(["usb", "drive"])), max_size=40), st.integers(0, 40))
def test_any_order_of_changes_gives_the_same_answers_alive_reopened_and_compacted(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int, str]], compact_after: int
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    ledger, stored = make(folder, 8), dict[str, set[int]]()
    for number, (step, index, on) in enumerate(steps):
        _do(ledger, step, index, on, number)
        _expect(stored, step, index, on)
        if number == compact_after:
            ledger._file.compact(lambda: True)
    assert {on: {i for i in range(8) if ledger.is_stored(on, i)} for on in stored} == stored
    assert answers(Ledger.open(folder / ID)) == answers(ledger)
    shutil.rmtree(folder)


def _do(ledger: Ledger, step: int, index: int, on: str, number: int) -> None:
    steps: list[Callable[[], None]] = [
        lambda: ledger.plan(on, index, f"id{number}"),
        lambda: ledger.session(on, index, SECRET if number % 2 else ""),
        lambda: ledger.confirmed(on, index, number),
        lambda: ledger.stored(on, index, f"id{index}"),
        lambda: ledger.unstored(on, index, "why"),
        lambda: ledger.read_back(on, index, 8 - index, NOW + timedelta(seconds=number)),
        lambda: ledger.cached_range(index, 8 - index),
        lambda: ledger.uncached(index, "why"),
        ledger.restored if number % 2 else ledger.released,
        lambda: ledger.want_local(bool(number % 2)),
        lambda: ledger.forget(on),
        lambda: ledger.manifest_stored(on, f"m{number}", bytes(32)),
    ]
    steps[step]()


def _expect(stored: dict[str, set[int]], step: int, index: int, on: str) -> None:
    if step == 3:
        stored.setdefault(on, set()).add(index)
    elif step in {0, 4}:
        stored.setdefault(on, set()).discard(index)
    elif step == 10:
        stored[on] = set()


# What it costs


def test_a_batch_costs_at_most_a_kib_and_two_syncs(tmp_path: Path, operations: list[Operation]) -> None:
    ledger = make(tmp_path, 2)
    operations.clear()
    ledger.plan("usb", 0, f"{ID}/00000000")
    ledger.session("usb", 0, "")
    for offset in (3, 6, 10):
        ledger.confirmed("usb", 0, offset)
    ledger.stored("usb", 0, f"{ID}/00000000")
    assert written_bytes(operations) <= 1024
    assert syncs(operations) == 2


def test_a_record_of_the_last_of_a_million_batches_is_as_small_as_of_the_first(tmp_path: Path, operations: list[Operation]) -> None:
    ledger = Ledger.create(tmp_path / ID, facts_of(1_000_000), bytes(32_000_000))
    costs = []
    ledger.plan("usb", 5, "elsewhere")
    for index in (0, 999_999):
        operations.clear()
        ledger.plan("usb", index, "remote-id")
        ledger.stored("usb", index, "remote-id")
        ledger.unstored("usb", index, "absent")
        ledger.uncached(index, "wrong")
        costs.append((written_bytes(operations), syncs(operations)))
    assert costs[0] == costs[1]
    assert costs[0][0] < 200


def test_saying_again_what_is_known_writes_nothing(tmp_path: Path, operations: list[Operation]) -> None:
    ledger = make(tmp_path, 2)
    known: list[Callable[[], None]] = [
        lambda: ledger.stored("usb", 1, "id"), lambda: ledger.retitled("t"), ledger.released, lambda: ledger.removed(NOW),
        lambda: ledger.manifest_stored("usb", "m", bytes(32)), lambda: ledger.confirmed("usb", 0, 1), lambda: ledger.forget("other"),
    ]  # fmt: skip
    for say in known:
        say()
        operations.clear()
        say()
        assert written_bytes(operations) == 0


def test_what_a_killed_process_may_not_have_synced_is_synced_before_it_is_confirmed(tmp_path: Path, operations: list[Operation]) -> None:
    make(tmp_path, 2).released()
    operations.clear()
    Ledger.open(tmp_path / ID).released()
    assert [each.kind for each in operations] == ["sync"]
    operations.clear()
    Ledger.open(tmp_path / ID).retitled("the first change of a process, which vouches for all before it")
    assert [each.kind for each in operations] == ["sync", "write", "sync"]


def test_no_descriptor_is_kept(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    ledgers = [Ledger.create(tmp_path / f"archive-{n}", facts_of(2), table_of(2)) for n in range(20)]
    for ledger in ledgers:
        live_a_full_life(ledger) if ledger.batch_count > 2 else ledger.stored("usb", 0, "x")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# Several at once


def test_many_threads_lose_nothing(tmp_path: Path) -> None:
    ledger, together = make(tmp_path, 240), threading.Barrier(8)

    def store(first: int) -> None:
        together.wait()
        for index in range(first, 240, 8):
            ledger.stored("usb", index, f"id{index}")
            ledger.confirmed("drive", index, index)

    threads = [threading.Thread(target=store, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ledger.stored_count("usb") == 240
    assert answers(Ledger.open(tmp_path / ID)) == answers(ledger)


def test_those_who_wait_for_the_disk_are_served_by_one_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, busy, go_on, calls = make(tmp_path, 8), threading.Event(), threading.Event(), list[int]()
    fdatasync = os.fdatasync

    def first_is_slow(fd: int) -> None:
        calls.append(fd)
        busy.set()
        go_on.wait(10)
        fdatasync(fd)

    monkeypatch.setattr(durable.os, "fdatasync", first_is_slow)  # type: ignore[attr-defined]  # the module is looked into
    threads = [threading.Thread(target=ledger.stored, args=("usb", index, "id")) for index in range(8)]
    threads[0].start()
    assert busy.wait(10)
    for thread in threads[1:]:
        thread.start()
    wait_for(lambda: ledger.stored_count("usb") == 8)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert len(calls) == 2


def test_compaction_between_changes_of_other_threads_loses_nothing(tmp_path: Path) -> None:
    ledger, ended = make(tmp_path, 100), threading.Event()

    def store() -> None:
        for index in range(100):
            ledger.stored("usb", index, f"id{index}")
        ended.set()

    thread = threading.Thread(target=store)
    thread.start()
    compactions = 0
    while not ended.is_set():
        compactions += ledger._file.compact(lambda: True)
    thread.join(10)
    assert compactions
    assert ledger.remote_ids("usb") == [f"id{index}" for index in range(100)]
    assert answers(Ledger.open(tmp_path / ID)) == answers(ledger)


# Compaction


def test_a_ledger_is_compacted_only_when_that_frees_much(tmp_path: Path) -> None:
    ledger = make(tmp_path, 1000)
    ledger.plan_many("usb", [(index, f"{ID}/{index:08}" * 4) for index in range(1000)])
    assert not ledger.compact_if_worthwhile()
    for round_ in range(4):
        for index in range(1000):
            ledger.confirmed("usb", index, round_ + 1)
    told, size = answers(ledger), (tmp_path / ID).stat().st_size
    ledger.stored_many("usb", [(index, f"{ID}/{index:08}" * 4) for index in range(1000)])
    told = answers(ledger)
    assert ledger.compact_if_worthwhile()
    assert (tmp_path / ID).stat().st_size < size * 0.75
    assert answers(ledger) == answers(Ledger.open(tmp_path / ID)) == told
    assert not ledger.compact_if_worthwhile()
    assert ledger.remote_id("usb", 999) == f"{ID}/{999:08}" * 4


def test_compaction_leaves_out_ids_and_secrets_that_do_not_hold_any_more(tmp_path: Path) -> None:
    ledger = make(tmp_path, 3)
    for number in range(200):
        ledger.plan("drive", 1, f"id-{number}" * 20)
        ledger.session("drive", 1, SECRET)
    ledger.stored("drive", 1, "id-199" * 20)
    assert ledger._file.compact(lambda: True)
    content = (tmp_path / ID).read_bytes()
    assert (b"id-198" in content, b"id-199" in content, SECRET.encode() in content) == (False, True, False)


def test_compaction_keeps_the_last_two_hundred_of_the_history(tmp_path: Path) -> None:
    ledger = make(tmp_path, 400)
    ledger.stored_many("usb", [(index, "id") for index in range(400)])
    assert ledger._file.compact(lambda: True)
    history = ledger.history(1000)
    assert [each.index for each in history] == list(range(399, 199, -1))
    assert {(each.kind, each.connection_id) for each in history} == {("stored", "usb")}


def test_the_history_is_read_from_the_end_of_a_long_file(tmp_path: Path) -> None:
    ledger = make(tmp_path, 100_000)
    ledger.stored_many("usb", [(index, "id") for index in range(100_000)])
    for each in (ledger, Ledger.open(tmp_path / ID)):
        assert [entry.index for entry in each.history(3)] == [99_999, 99_998, 99_997]
