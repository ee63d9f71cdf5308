"""Cutting and hashing, on real files."""

from __future__ import annotations

import hashlib
import os
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import batches
from appliance.batches import Hashes, Range, batch_count, cut, drop_cache, drop_cache_of, hash_file, hash_whole, range_of
from appliance.errors import SourceChanged, Stopped

MIB = 1 << 20


def hashed_simply(content: bytes, batch_bytes: int) -> Hashes:
    pieces = [content[at : at + batch_bytes] for at in range(0, len(content), batch_bytes)] or [b""]
    return Hashes(hashlib.sha256(content).digest(), b"".join(hashlib.sha256(piece).digest() for piece in pieces))


@given(st.integers(0, 10_000), st.integers(1, 3000))
def test_ranges_cover_the_file_without_gap_or_overlap(size: int, batch: int) -> None:
    ranges = list(cut(size, batch))
    assert ranges[0].offset_bytes == 0
    assert all(left.offset_bytes + left.size_bytes == right.offset_bytes for left, right in pairwise(ranges))
    assert sum(each.size_bytes for each in ranges) == size
    assert all(0 < each.size_bytes <= batch for each in ranges) or size == 0
    assert len(ranges) == batch_count(size, batch)


def test_an_empty_file_is_one_empty_range() -> None:
    assert list(cut(0, 16)) == [Range(0, 0)]


def test_a_petabyte_is_cut_without_a_list() -> None:
    ranges = cut(1 << 50, 16 * MIB)
    assert len(ranges) == 1 << 26
    assert ranges[-1 + (1 << 26)] == range_of((1 << 26) - 1, 1 << 50, 16 * MIB) == Range((1 << 50) - 16 * MIB, 16 * MIB)
    assert ranges[5:7] == [Range(5 * 16 * MIB, 16 * MIB), Range(6 * 16 * MIB, 16 * MIB)]


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_batch_outside_the_file(index: int) -> None:
    with pytest.raises(IndexError):
        range_of(index, 30, 10)


@pytest.mark.parametrize(("size", "batch"), [(-1, 10), (10, 0)])
def test_impossible_sizes_are_refused(size: int, batch: int) -> None:
    with pytest.raises(ValueError, match="cannot be cut"):
        cut(size, batch)


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB, 9 * MIB + 5])
@pytest.mark.parametrize("batch", [700_001, MIB, 4 * MIB])
def test_whole_and_batches_are_hashed_as_one_by_one(tmp_path: Path, size: int, batch: int) -> None:
    content = os.urandom(size)
    (tmp_path / "file").write_bytes(content)
    assert hash_file(tmp_path / "file", size, batch) == hashed_simply(content, batch)
    assert hash_whole(tmp_path / "file", size) == hashed_simply(content, batch).sha256


def test_a_sparse_file_is_hashed_as_the_zeros_that_it_reads_as(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.truncate(5 * MIB)
    assert hash_file(tmp_path / "file", 5 * MIB, 2 * MIB) == hashed_simply(bytes(5 * MIB), 2 * MIB)


def test_a_descriptor_keeps_its_position_and_stays_open(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100)
    with (tmp_path / "file").open("rb") as file:
        file.seek(7)
        assert hash_file(file.fileno(), 100, 30) == hashed_simply(b"x" * 100, 30)
        assert file.tell() == 7


def test_progress_goes_up_to_the_size_in_steps_of_at_most_four_mib(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(10 * MIB))
    seen: list[int] = []
    hash_file(tmp_path / "file", 10 * MIB, 16 * MIB, on_progress=seen.append)
    assert seen[-1] == 10 * MIB
    assert all(0 < right - left <= 4 * MIB for left, right in pairwise([0, *seen]))


def test_odd_batches_do_not_make_the_pieces_smaller_and_smaller(tmp_path: Path) -> None:
    batch = 2 * MIB + 1
    (tmp_path / "file").write_bytes(bytes(4 * batch))
    seen: list[int] = []
    hash_file(tmp_path / "file", 4 * batch, batch, on_progress=seen.append)
    assert len(seen) == 12


@pytest.mark.parametrize("actual", [0, 2 * MIB, 3 * MIB - 1, 3 * MIB + 1])
def test_a_file_of_another_size_has_changed(tmp_path: Path, actual: int) -> None:
    (tmp_path / "file").write_bytes(bytes(actual))
    with pytest.raises(SourceChanged):
        hash_file(tmp_path / "file", 3 * MIB, MIB)


@pytest.mark.parametrize("new_size", [MIB, 9 * MIB])
def test_a_file_that_shrinks_or_grows_while_it_is_read_has_changed(tmp_path: Path, new_size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(8 * MIB))

    def change(done_bytes: int) -> None:
        if done_bytes == 2 * MIB:
            os.truncate(path, new_size)

    with pytest.raises(SourceChanged):
        hash_file(path, 8 * MIB, 4 * MIB, on_progress=change)


def test_a_stop_ends_the_work_at_once_and_leaves_no_thread(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(20 * MIB))
    asked, before = 0, threading.active_count()

    def stop() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise Stopped("stopped")

    with pytest.raises(Stopped):
        hash_file(tmp_path / "file", 20 * MIB, 4 * MIB, stop=stop)
    assert (asked, threading.active_count()) == (3, before)


def test_a_vanished_file_is_an_os_error_and_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    with pytest.raises(FileNotFoundError):
        hash_file(tmp_path / "none", 1, 1)
    with pytest.raises(IsADirectoryError):
        hash_file(tmp_path, 1, 1)
    assert threading.active_count() == before


def test_an_error_in_the_second_thread_reaches_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def update(self, _: object) -> None:
            raise MemoryError("no more")

    real, made = hashlib.sha256, []

    def first_is_broken() -> object:
        made.append(1)
        return Broken() if len(made) == 1 else real()

    (tmp_path / "file").write_bytes(bytes(20 * MIB))
    monkeypatch.setattr(batches.hashlib, "sha256", first_is_broken)  # type: ignore[attr-defined]  # the module is looked into
    before = threading.active_count()
    with pytest.raises(MemoryError, match="no more"):
        hash_file(tmp_path / "file", 20 * MIB, 4 * MIB)
    assert threading.active_count() == before


def test_what_was_synced_can_be_read_from_the_disk_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"kept")
    with path.open("rb") as file:
        os.fsync(file.fileno())
        drop_cache(file.fileno())
    drop_cache_of(path)
    assert path.read_bytes() == b"kept"
