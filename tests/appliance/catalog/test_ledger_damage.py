"""Crashes of the process, power cuts, bad disks and bad bits under a ledger."""

from __future__ import annotations

import errno
import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance import durable
from appliance.catalog import ledger_format as form
from appliance.catalog.ledger import Ledger
from appliance.durable import DurableFile, Operation
from appliance.errors import Conflict, DiskFull, LedgerDamaged, NewerFormat, NotFound, StoreUnavailable
from tests.appliance.catalog.ledger_samples import (
    ID,
    answers,
    facts_of,
    live_a_full_life,
    make,
    table_of,
    watched,
)
from tests.waiting import wait_for


@pytest.fixture
def operations() -> Iterator[list[Operation]]:
    with watched() as seen:
        yield seen


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


def test_names_are_given_to_synced_files_only_and_synced_then(tmp_path: Path, operations: list[Operation]) -> None:
    ledger = make(tmp_path, 3)
    assert [each.kind for each in operations] == ["create", "write", "write", "sync", "rename", "sync_dir"]
    operations.clear()
    assert ledger._file.compact(lambda: True)
    assert [each.kind for each in operations] == ["create", "write", "sync", "rename", "sync", "sync_dir"]


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
        (tmp_path / ID).write_bytes(content)
        flip(tmp_path / ID, at)
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

    def slow_and_broken_once(fd: int) -> None:
        if not failing.is_set():
            failing.set()
            go_on.wait(10)
            raise OSError(errno.EIO, "Input/output error")

    def store(index: int) -> None:
        try:
            ledger.stored("usb", index, "id")
        except StoreUnavailable as error:
            told.append(str(error))

    monkeypatch.setattr(durable.os, "fdatasync", slow_and_broken_once)  # type: ignore[attr-defined]  # the module is looked into
    threads = [threading.Thread(target=store, args=(index,)) for index in range(3)]
    threads[0].start()
    assert failing.wait(10)
    for thread in threads[1:]:
        thread.start()
    wait_for(lambda: ledger.stored_count("usb") == 3)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert (len(told), ledger.stored_count("usb")) == (3, 0)


def test_an_id_that_was_taken_back_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, seen = make(tmp_path, 2), list[str | None]()
    ledger.plan("usb", 1, "begin")

    def looked_at_and_broken(fd: int) -> None:
        seen.append(ledger.remote_id("usb", 0))
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(durable.os, "fdatasync", looked_at_and_broken)  # type: ignore[attr-defined]  # the module is looked into
    with pytest.raises(StoreUnavailable):
        ledger.plan("usb", 0, "lost")
    monkeypatch.undo()
    ledger.plan("usb", 0, "kept")
    assert (seen, ledger.remote_id("usb", 0)) == (["lost"], "kept")
