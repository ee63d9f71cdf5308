"""One pass copies and hashes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ui import copying

PIECE = copying.PIECE_BYTES
MIB = 1 << 20


@pytest.fixture
def target(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path / "target", os.O_RDWR | os.O_CREAT)
    yield fd
    os.close(fd)


def copied(source: Path, target: int, size_bytes: int | None = None) -> tuple[str, list[int]]:
    steps: list[int] = []
    fd = os.open(source, os.O_RDONLY)
    try:
        return copying.copy(fd, target, source.stat().st_size if size_bytes is None else size_bytes, steps.append), steps
    finally:
        os.close(fd)


@pytest.mark.parametrize("size_bytes", [0, 1, PIECE - 1, PIECE, 2 * PIECE + 17])
def test_the_target_has_the_bytes_and_the_hash_is_theirs(tmp_path: Path, target: int, size_bytes: int) -> None:
    content = os.urandom(size_bytes)
    (tmp_path / "source").write_bytes(content)
    sha256, steps = copied(tmp_path / "source", target)
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert (tmp_path / "target").read_bytes() == content
    assert steps == sorted(steps)
    assert (steps or [0])[-1] == size_bytes


@pytest.mark.parametrize("layout", ["hole at the start", "hole in the middle", "hole at the end", "nothing but a hole"])
def test_holes_stay_holes_and_are_hashed_as_zeros(tmp_path: Path, target: int, layout: str) -> None:
    source, hole, data = tmp_path / "source", 9 * MIB, os.urandom(MIB)
    with source.open("wb") as file:
        if layout in {"hole in the middle", "hole at the end"}:
            file.write(data)
        file.seek(hole, os.SEEK_CUR)
        if layout in {"hole at the start", "hole in the middle"}:
            file.write(data)
        file.truncate()
    sha256, steps = copied(source, target)
    assert sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert (tmp_path / "target").read_bytes() == source.read_bytes()
    assert steps[-1] == source.stat().st_size
    os.fsync(target)
    assert (tmp_path / "target").stat().st_blocks * 512 < 4 * MIB


def test_what_an_earlier_try_left_in_the_target_is_gone_from_the_holes_too(tmp_path: Path, target: int) -> None:
    os.write(target, b"x" * 3 * MIB)
    with (tmp_path / "source").open("wb") as file:
        file.seek(2 * MIB)
        file.write(b"end")
    copied(tmp_path / "source", target)
    assert (tmp_path / "target").read_bytes() == bytes(2 * MIB) + b"end"


def test_a_source_that_grows_is_read_to_the_announced_size_only(tmp_path: Path, target: int) -> None:
    (tmp_path / "source").write_bytes(b"0123456789")
    sha256, _ = copied(tmp_path / "source", target, size_bytes=4)
    assert sha256 == hashlib.sha256(b"0123").hexdigest()


def test_a_source_that_shrinks_ends_the_copy(tmp_path: Path, target: int) -> None:
    (tmp_path / "source").write_bytes(b"0123456789")
    fd = os.open(tmp_path / "source", os.O_RDONLY)
    copying.copy(fd, target, 3 * PIECE, lambda _done: None)
    os.close(fd)
