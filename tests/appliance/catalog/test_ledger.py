"""The ledger of one archive, on real files."""

from __future__ import annotations

import errno
import os
import random
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance import durable
from appliance.catalog import ledger_format as form
from appliance.catalog.ledger import ArchiveFacts, Ledger
from appliance.durable import DurableFile, Operation
from appliance.errors import BadRequest, Conflict, DiskFull, LedgerDamaged, NewerFormat, NotFound, StoreUnavailable
from mqtt.messages import Direction

ID = "archive-1"
NOW = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)
SECOND = NOW.replace(microsecond=0)
SECRET = "https://upload.example/session?key=secret"


def facts_of(batches: int, **changes: Any) -> ArchiveFacts:
    known: dict[str, Any] = {
        "archive_id": ID, "title": "Ferien 🏖", "file_name": "ferien.tar", "owner": "ada", "size_bytes": batches * 10 - 3,
        "sha256": b"\xab" * 32, "batch_bytes": 10, "created_at": NOW,
    }  # fmt: skip
    return ArchiveFacts(**{**known, **changes})


def table_of(batches: int) -> bytes:
    return b"".join(index.to_bytes(4, "little") * 8 for index in range(batches))


def make(folder: Path, batches: int = 6) -> Ledger:
    return Ledger.create(folder / ID, facts_of(batches), table_of(batches))


def answers(ledger: Ledger) -> dict[str, Any]:
    """Everything that a ledger can be asked."""
    indices = range(ledger.batch_count)
    return {
        "archive": (ledger.facts, ledger.title, ledger.owner, ledger.removed_at, ledger.is_removed),
        "local": (ledger.is_released, ledger.wanted_local, ledger.cached_count, [ledger.is_cached(i) for i in indices]),
        "table": [(ledger.range_of(i), ledger.batch_sha256(i)) for i in indices],
        "summary": ledger.summary(),
        "on": {connection: on_connection(ledger, connection) for connection in ledger.connections()},
    }


def on_connection(ledger: Ledger, connection: str) -> dict[str, Any]:
    indices = range(ledger.batch_count)
    return {
        "stored": (ledger.stored_count(connection), [ledger.is_stored(connection, i) for i in indices]),
        "ids": (ledger.remote_ids(connection), [ledger.remote_id(connection, i) for i in [None, *indices]]),
        "sessions": [ledger.session_of(connection, i) for i in [None, *indices]],
        "manifest": (ledger.manifest(connection), ledger.manifest_is_current(connection)),
        "read back": (ledger.read_back_oldest(connection), ledger.next_to_read_back(connection)),
    }


def live_a_full_life(ledger: Ledger) -> None:
    """Every kind of change, and what a usb disk and a drive leave behind."""
    last = ledger.batch_count - 1
    ledger.plan_many("usb", [(index, f"{ID}/{index:08}") for index in range(last + 1)])
    for index in range(last + 1):
        ledger.session("usb", index, "")
        ledger.confirmed("usb", index, 4)
        ledger.stored("usb", index, f"{ID}/{index:08}")
    ledger.plan("usb", None, f"{ID}/manifest.json")
    ledger.manifest_stored("usb", f"{ID}/manifest.json", b"\x01" * 32)
    ledger.read_back("usb", 0, last + 1, NOW)
    ledger.unstored("usb", last, "different on the remote")
    ledger.plan("drive", 0, "1AbC")
    ledger.session("drive", 0, SECRET)
    ledger.confirmed("drive", 0, 7)
    ledger.failed("drive", 0, Direction.UP, "the line is away")
    ledger.stored("drive", 1, "2DeF")
    ledger.plan("old", 0, "gone")
    ledger.forget("old")
    ledger.uncached(2, "checksum wrong")
    ledger.released()
    ledger.want_local()
    ledger.cached(2)
    ledger.retitled("Ferien 2026")
    ledger.given("bob")
    ledger.removed(NOW)


@pytest.fixture
def operations() -> Iterator[list[Operation]]:
    seen: list[Operation] = []
    durable.observer = seen.append
    yield seen
    durable.observer = None


def syncs(operations: list[Operation]) -> int:
    return sum(each.kind == "sync" for each in operations)


def written_bytes(operations: list[Operation]) -> int:
    return sum(len(each.data) for each in operations)


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
    ledger.unstored("usb", 1, "absent")
    ledger.stored("usb", 1, "b")
    assert (ledger.read_back_oldest("usb"), ledger.next_to_read_back("usb")) == (None, 1)
    ledger.read_back("usb", 0, 3, NOW - timedelta(days=9))  # a clock that was set back
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


def test_no_descriptor_is_kept(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    ledgers = [Ledger.create(tmp_path / f"archive-{n}", facts_of(2), table_of(2)) for n in range(20)]
    for ledger in ledgers:
        live_a_full_life(ledger) if ledger.batch_count > 2 else ledger.stored("usb", 0, "x")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# Crashes and damage


def test_the_repeat_of_a_creation_returns_what_is_there_and_syncs_it(tmp_path: Path, operations: list[Operation]) -> None:
    make(tmp_path, 3).stored("usb", 1, "id")
    (tmp_path / f".{ID}.new").write_bytes(b"left behind")
    operations.clear()
    assert make(tmp_path, 3).is_stored("usb", 1)
    assert [each.kind for each in operations] == ["sync", "sync_dir"]


def test_a_ledger_of_another_file_is_not_overwritten(tmp_path: Path) -> None:
    make(tmp_path, 3).retitled("mine")
    with pytest.raises(Conflict):
        Ledger.create(tmp_path / ID, facts_of(3, sha256=bytes(32)), table_of(3))
    with pytest.raises(Conflict):
        Ledger.create(tmp_path / ID, facts_of(3), bytes(96))
    assert Ledger.open(tmp_path / ID).title == "mine"


def test_a_table_that_does_not_fit_the_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        Ledger.create(tmp_path / ID, facts_of(3), table_of(2))
    assert not list(tmp_path.iterdir())


def test_a_crash_at_any_step_of_a_creation_leaves_it_whole_or_not_there(tmp_path: Path) -> None:
    for step in range(5):
        folder = tmp_path / str(step)
        folder.mkdir()
        with crash_after(step):
            make(folder, 3)
        if (folder / ID).exists():
            assert answers(Ledger.open(folder / ID))["archive"][0] == facts_of(3)
        (folder / f".{ID}.new").touch()
        assert make(folder, 3).batch_count == 3


def test_a_crash_at_any_step_of_a_compaction_changes_no_answer(tmp_path: Path) -> None:
    make(tmp_path)
    live_a_full_life(Ledger.open(tmp_path / ID))
    told = answers(Ledger.open(tmp_path / ID))
    for step in range(6):
        with crash_after(step):
            Ledger.open(tmp_path / ID)._file.compact(lambda: True)
        assert answers(Ledger.open(tmp_path / ID)) == told


class crash_after:  # noqa: N801 (reads as a phrase in a with)
    """The process ends after that many durable operations."""

    class End(BaseException):
        pass

    def __init__(self, steps: int) -> None:
        self._left = steps

    def __enter__(self) -> None:
        durable.observer = self._count

    def _count(self, _: Operation) -> None:
        self._left -= 1
        if self._left < 0:
            raise self.End

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        durable.observer = None
        return kind is self.End


def test_a_ledger_cut_at_any_byte_of_its_last_record_opens_as_before_it_and_can_be_continued(tmp_path: Path) -> None:
    ledger = make(tmp_path)
    live_a_full_life(ledger)
    before, size_before = answers(ledger), (tmp_path / ID).stat().st_size
    ledger.retitled("a last record of some length")
    content = (tmp_path / ID).read_bytes()
    for size in range(size_before, len(content)):
        (tmp_path / ID).write_bytes(content[:size])
        cut = Ledger.open(tmp_path / ID)
        assert answers(cut) == before
        assert (tmp_path / ID).stat().st_size == size_before
        cut.given("carla")
        assert Ledger.open(tmp_path / ID).owner == "carla"


@pytest.mark.parametrize("tail", [b"\0" * 5000, b"\xa5" * 300, random.Random(1).randbytes(70_000), b"\0" * 3_000_000], ids=len)
def test_whatever_stands_behind_the_last_record_is_cut_off(tmp_path: Path, tail: bytes) -> None:
    ledger = make(tmp_path)
    live_a_full_life(ledger)
    content = (tmp_path / ID).read_bytes()
    (tmp_path / ID).write_bytes(content + tail)
    assert answers(Ledger.open(tmp_path / ID)) == answers(ledger)
    assert (tmp_path / ID).read_bytes() == content


def test_a_ledger_cut_in_header_or_table_is_damaged(tmp_path: Path) -> None:
    make(tmp_path, 3)
    content = (tmp_path / ID).read_bytes()
    for size in range(len(content)):
        (tmp_path / ID).write_bytes(content[:size])
        with pytest.raises(LedgerDamaged, match=ID):
            Ledger.open(tmp_path / ID)


def test_a_flipped_bit_anywhere_is_damage_and_in_the_last_record_as_if_that_were_torn(tmp_path: Path) -> None:
    ledger = make(tmp_path, 2)
    states: list[tuple[int, dict[str, Any]]] = []
    changes: list[Callable[[], None]] = [
        lambda: ledger.plan("usb", 0, "id"), lambda: ledger.stored("usb", 0, "id"), lambda: ledger.uncached(1, "wrong"),
        ledger.released, lambda: ledger.retitled("t"),
    ]  # fmt: skip
    for change in changes:
        states.append(((tmp_path / ID).stat().st_size, answers(ledger)))
        change()
    content, (last_at, before_last) = (tmp_path / ID).read_bytes(), states[-1]
    for at in range(len(content)):
        for bit in (at % 8, (at + 3) % 8):
            (tmp_path / ID).write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
            if at < last_at:
                with pytest.raises(LedgerDamaged, match=ID):
                    Ledger.open(tmp_path / ID)
            else:
                assert answers(Ledger.open(tmp_path / ID)) == before_last


def test_a_bad_record_is_damage_even_where_each_process_made_one_change_only(tmp_path: Path) -> None:
    make(tmp_path, 3)
    sizes = []
    for index in range(3):
        Ledger.open(tmp_path / ID).uncached(index, "wrong")
        sizes.append((tmp_path / ID).stat().st_size)
    flip(tmp_path / ID, sizes[0] + 5)
    with pytest.raises(LedgerDamaged, match=f"byte {sizes[0]}"):
        Ledger.open(tmp_path / ID)


def test_a_flipped_bit_anywhere_in_a_compacted_ledger_is_damage_or_changes_no_answer(tmp_path: Path) -> None:
    ledger = make(tmp_path, 3)
    live_a_full_life(ledger)
    assert ledger._file.compact(lambda: True)
    told, content = answers(ledger), (tmp_path / ID).read_bytes()
    for at in range(len(content)):
        flip(tmp_path / ID, at)
        try:
            assert answers(Ledger.open(tmp_path / ID)) == told
            assert at >= len(content) - 12
        except LedgerDamaged:
            assert at < len(content) - 12
        (tmp_path / ID).write_bytes(content)


def flip(path: Path, at: int) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :])


def test_records_that_were_never_synced_may_be_lost_in_any_order(tmp_path: Path) -> None:
    ledger = make(tmp_path, 4)
    ledger.plan_many("usb", [(index, f"id{index}") for index in range(4)])
    safe, size = answers(ledger), (tmp_path / ID).stat().st_size
    for offset in range(1, 6):
        ledger.confirmed("usb", 0, offset)
    content = (tmp_path / ID).read_bytes()
    (tmp_path / ID).write_bytes(content[:size] + bytes(30) + content[size + 30 :])  # their first page did not reach the disk
    assert answers(Ledger.open(tmp_path / ID)) == safe


def test_records_that_were_moved_or_repeated_are_damage(tmp_path: Path) -> None:
    ledger = make(tmp_path, 4)
    sizes = [(tmp_path / ID).stat().st_size]
    for index in range(4):
        ledger.uncached(index, "wrong")
        sizes.append((tmp_path / ID).stat().st_size)
    content = (tmp_path / ID).read_bytes()
    swapped = content[: sizes[0]] + content[sizes[1] : sizes[2]] + content[sizes[0] : sizes[1]] + content[sizes[2] :]
    (tmp_path / ID).write_bytes(swapped)
    with pytest.raises(LedgerDamaged, match=f"byte {sizes[0]}"):
        Ledger.open(tmp_path / ID)
    (tmp_path / ID).write_bytes(content + content[sizes[3] : sizes[4]])
    assert Ledger.open(tmp_path / ID).cached_count == 0
    assert (tmp_path / ID).read_bytes() == content


def test_a_right_record_that_says_what_cannot_be_is_damage(tmp_path: Path) -> None:
    make(tmp_path, 2)
    content = (tmp_path / ID).read_bytes()
    for kind, payload in ((form.Kind.STORED, form.SHORT.pack(9, 0, 0)), (form.Kind.CACHED, bytes([9, 0, 0, 0, 1, 0, 0, 0])), (31, b"")):
        (tmp_path / ID).write_bytes(content + form.encode(kind, payload, len(content), 0))
        with pytest.raises(LedgerDamaged, match="cannot be"):
            Ledger.open(tmp_path / ID)


def test_ids_that_went_bad_after_opening_are_damage_and_no_answer(tmp_path: Path) -> None:
    ledger = make(tmp_path, 2)
    size = (tmp_path / ID).stat().st_size
    ledger.plan("usb", 0, "first-id")
    with (tmp_path / ID).open("r+b") as file:
        file.seek(-3, os.SEEK_END)
        file.write(b"X")
    with pytest.raises(LedgerDamaged, match=f"{ID} is damaged at byte {size}|read back"):
        ledger.remote_id("usb", 0)


def test_a_newer_format_is_refused_and_left_alone(tmp_path: Path) -> None:
    make(tmp_path, 2)
    content = (tmp_path / ID).read_bytes()
    newer = form._preamble(form.VERSION + 1) + b"of which nothing is known"
    (tmp_path / ID).write_bytes(newer)
    with pytest.raises(NewerFormat, match="upgrade"):
        Ledger.open(tmp_path / ID)
    assert (tmp_path / ID).read_bytes() == newer != content


def test_a_ledger_that_is_gone_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Ledger.open(tmp_path / ID)
    ledger = make(tmp_path, 2)
    (tmp_path / ID).unlink()
    with pytest.raises(NotFound):
        ledger.stored("usb", 0, "x")
    with pytest.raises(NotFound):
        ledger.released()
    assert (ledger.stored_count("usb"), ledger.is_released) == (0, False)


def test_a_full_disk_changes_nothing_and_heals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = make(tmp_path, 4)
    ledger.stored("usb", 0, "a")
    told, content, write_at = answers(ledger), (tmp_path / ID).read_bytes(), DurableFile.write_at

    def half_fits(file: DurableFile, offset_bytes: int, data: bytes) -> None:
        write_at(file, offset_bytes, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(DurableFile, "write_at", half_fits)
    changes: list[Callable[[], object]] = [
        lambda: ledger.stored("usb", 1, "b"), lambda: ledger.retitled("t"), lambda: ledger._file.compact(lambda: True)
    ]  # fmt: skip
    for change in changes:
        with pytest.raises(DiskFull, match="free some space"):
            change()
        assert (answers(ledger), (tmp_path / ID).read_bytes()) == (told, content)
    assert [each.name for each in tmp_path.iterdir()] == [ID]
    monkeypatch.undo()
    ledger.stored("usb", 1, "b")
    assert answers(Ledger.open(tmp_path / ID)) == answers(ledger) != told


def test_a_real_full_disk_is_said_so(tmp_path: Path) -> None:
    if os.geteuid() or os.system(f"mount -t tmpfs -o size=64k none {tmp_path} 2>/dev/null"):
        pytest.skip("a small disk can only be mounted by root")
    try:
        ledger = make(tmp_path, 4)
        (tmp_path / "ballast").write_bytes(bytes(30_000))
        with pytest.raises(DiskFull):
            plan_a_thousand_long_ids(ledger)
        assert answers(Ledger.open(tmp_path / ID)) == answers(ledger)
        (tmp_path / "ballast").unlink()
        ledger.plan("usb", 1, "there is room again")
        assert answers(Ledger.open(tmp_path / ID)) == answers(ledger)
    finally:
        os.system(f"umount {tmp_path}")


def plan_a_thousand_long_ids(ledger: Ledger) -> None:
    for number in range(1000):
        ledger.plan("usb", 0, "x" * 1000 + str(number))


def test_what_the_disk_failed_to_keep_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = make(tmp_path, 4)
    ledger.stored("usb", 0, "a")
    told, content = answers(ledger), (tmp_path / ID).read_bytes()

    def broken(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(durable.os, "fdatasync", broken)  # type: ignore[attr-defined]  # the module is looked into
    with pytest.raises(StoreUnavailable, match="check the disk"):
        ledger.stored("usb", 1, "b")
    assert (answers(ledger), (tmp_path / ID).read_bytes()) == (told, content)
    monkeypatch.undo()
    ledger.stored("usb", 1, "b")
    assert answers(Ledger.open(tmp_path / ID)) == answers(ledger) != told


def test_whoever_waited_for_a_sync_that_failed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, failing, go_on, told = make(tmp_path, 4), threading.Event(), threading.Event(), list[str]()

    def slow_and_broken(fd: int) -> None:
        failing.set()
        go_on.wait(10)
        raise OSError(errno.EIO, "Input/output error")

    def store(index: int) -> None:
        try:
            ledger.stored("usb", index, "id")
        except StoreUnavailable as error:
            told.append(str(error))

    monkeypatch.setattr(durable.os, "fdatasync", slow_and_broken)  # type: ignore[attr-defined]  # the module is looked into
    threads = [threading.Thread(target=store, args=(index,)) for index in range(3)]
    threads[0].start()
    assert failing.wait(10)
    for thread in threads[1:]:
        thread.start()
    wait_until(lambda: ledger.stored_count("usb") == 3)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert (len(told), ledger.stored_count("usb")) == (3, 0)


def wait_until(is_so: Callable[[], bool]) -> None:
    tick, left = threading.Event(), 1000
    while not is_so() and left:
        tick.wait(0.01)
        left -= 1
    assert left


# Several at once


def test_many_threads_lose_nothing_and_share_their_syncs(tmp_path: Path, operations: list[Operation]) -> None:
    ledger, fdatasync = make(tmp_path, 240), threading.Barrier(8)
    operations.clear()

    def store(first: int) -> None:
        fdatasync.wait()
        for index in range(first, 240, 8):
            ledger.stored("usb", index, f"id{index}")
            ledger.confirmed("drive", index, index)

    threads = [threading.Thread(target=store, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert ledger.stored_count("usb") == 240
    assert syncs(operations) <= 240
    assert answers(Ledger.open(tmp_path / ID)) == answers(ledger)


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
