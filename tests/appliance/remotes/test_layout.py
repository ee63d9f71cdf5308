"""Names, README and manifest: pure, and believing nothing."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import Damaged, NewerFormat
from appliance.remotes.layout import Manifest, batch_name, index_of, is_object_name, readme

CREATED = datetime(2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC)


def manifest_of(size_bytes: int, batch_bytes: int = 10) -> Manifest:
    content = bytes(index % 251 for index in range(size_bytes))
    pieces = [content[at : at + batch_bytes] for at in range(0, max(1, size_bytes), batch_bytes)]
    return Manifest(
        archive_id="archive-0001", title="Ferien 🏖 am Meer", file_name="Ferien.mkv", owner="anna", size_bytes=size_bytes,
        sha256=hashlib.sha256(content).digest(), batch_bytes=batch_bytes, created_at=CREATED,
        batch_sha256=b"".join(hashlib.sha256(piece).digest() for piece in pieces),
        remote_ids=[f"archive-0001/{batch_name(index)}" for index in range(len(pieces))],
    )  # fmt: skip


GOOD: dict[str, Any] = json.loads(manifest_of(25).to_bytes())


@pytest.mark.parametrize("size_bytes", [0, 1, 9, 10, 11, 20, 25])
def test_a_manifest_comes_back_as_it_was_and_its_bytes_are_always_the_same(size_bytes: int) -> None:
    manifest = manifest_of(size_bytes)
    assert Manifest.from_bytes(manifest.to_bytes()) == manifest
    assert manifest.to_bytes() == manifest_of(size_bytes).to_bytes()
    assert sum(batch.size_bytes for batch in manifest.batches()) == size_bytes


def test_a_manifest_says_what_the_contract_lists() -> None:
    assert {key: GOOD[key] for key in ("format", "version", "size_bytes", "created_at", "encryption", "parts")} == {
        "format": "pyarchive-manifest", "version": 1, "size_bytes": 25, "created_at": "2026-11-22T10:00:00.123456Z",
        "encryption": "none", "parts": None,
    }  # fmt: skip
    assert GOOD["batches"][2] == {
        "index": 2, "name": "00000002", "size_bytes": 5, "sha256": hashlib.sha256(bytes(range(20, 25))).hexdigest(),
        "remote_id": "archive-0001/00000002",
    }  # fmt: skip


def test_another_title_makes_another_manifest() -> None:
    manifest = manifest_of(25)
    assert dataclasses.replace(manifest, title="Other").to_bytes() != manifest.to_bytes()


def test_what_a_later_version_adds_is_ignored() -> None:
    assert Manifest.from_bytes(json.dumps({**GOOD, "comment": "hello"}).encode()) == manifest_of(25)


def row(number: int, **changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["batches"][number].update(changes)


def key(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.update(changes)


HOSTILE: dict[str, Callable[[dict[str, Any]], None]] = {
    "another format": key(format="tar"),
    "version 0": key(version=0),
    "version true": key(version=True),
    "archive id that climbs": key(archive_id="../../../etc"),
    "archive id with a newline": key(archive_id="archive-0001\n"),
    "archive id that is a number": key(archive_id=12345678),
    "no title": key(title=""),
    "title with control characters": key(title="a\x1b[2Jb"),
    "title of 2,000 characters": key(title="x" * 2000),
    "title that is a list": key(title=["x"]),
    "title that looks like a row": key(title=GOOD["batches"][0]),
    "file name that climbs": key(file_name="../x"),
    "file name with a separator": key(file_name="a/b"),
    "file name with a backslash": key(file_name="a\\b"),
    "file name ..": key(file_name=".."),
    "file name with NUL": key(file_name="a\0b"),
    "file name of 300 bytes": key(file_name="x" * 300),
    "owner that climbs": key(owner="../root"),
    "negative size": key(size_bytes=-1),
    "size true": key(size_bytes=True),
    "size as text": key(size_bytes="25"),
    "size 1e3": key(size_bytes=1e3),
    "size beyond 64 bits": key(size_bytes=2**63),
    "size larger than its batches": key(size_bytes=26),
    "size of many more batches": key(size_bytes=10**15),
    "batches of no bytes": key(batch_bytes=0),
    "sha256 too short": key(sha256="00"),
    "sha256 in capitals": key(sha256="AB" * 32),
    "no date": key(created_at="yesterday"),
    "date without zone": key(created_at="2026-11-22T10:00:00"),
    "no batches": key(batches=[]),
    "batches null": key(batches=None),
    "batches an object": key(batches={}),
    "a batch twice": lambda document: document["batches"].append(document["batches"][0]),
    "a batch too few": lambda document: document["batches"].pop(),
    "a batch with another key": row(1, extra=1),
    "a batch that is a number": lambda document: document["batches"].__setitem__(1, 7),
    "a batch that is a list like a row": lambda document: document["batches"].__setitem__(1, list(document["batches"][1].values())),
    "index out of order": row(1, index=2),
    "index true": row(1, index=True),
    "index 1.0": row(1, index=1.0),
    "name of another batch": row(1, name="00000002"),
    "name that climbs": row(1, name="../00001"),
    "batch size that does not add up": row(1, size_bytes=9),
    "batch size null": row(1, size_bytes=None),
    "batch sha256 null": row(1, sha256=None),
    "batch sha256 of 63 digits": row(1, sha256="a" * 63),
    "remote id that climbs": row(1, remote_id="../../x"),
    "remote id with a space": row(1, remote_id="a b"),
    "remote id empty": row(1, remote_id=""),
    "remote id a number": row(1, remote_id=7),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_manifest_is_refused_with_a_cause(change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(json.dumps(GOOD))
    change(document)
    with pytest.raises(Damaged, match=r"the manifest cannot be used: ."):
        Manifest.from_bytes(json.dumps(document).encode())


BLOATED = {
    "empty lists": b'{"batches":[' + b"[]," * 2_000_000 + b"[]]}", "numbers": b'{"batches":[' + b"1," * 2_000_000 + b"1]}",
    "keys": b"{" + b",".join(b'"%d":1' % number for number in range(1_000_000)) + b"}",
    "empty rows": b'{"batches":[' + b"{}," * 2_000_000 + b"{}]}",
    "deep": b'{"a":' * 1_000_000 + b"1" + b"}" * 1_000_000,
}  # fmt: skip


@pytest.mark.parametrize("content", BLOATED.values(), ids=BLOATED.keys())
def test_a_small_text_that_would_fill_the_memory_is_refused_before_it_is_parsed(content: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Damaged, match=r"more of '.' than a table of batches has"):
            Manifest.from_bytes(content)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_title_may_hold_any_signs() -> None:
    manifest = dataclasses.replace(Manifest.from_bytes(json.dumps(GOOD).encode()), title="[{,}]" * 200)
    assert Manifest.from_bytes(manifest.to_bytes()) == manifest


@pytest.mark.parametrize("missing", list(GOOD))
def test_a_manifest_without_one_of_its_keys_is_refused(missing: str) -> None:
    with pytest.raises(Damaged):
        Manifest.from_bytes(json.dumps({name: value for name, value in GOOD.items() if name != missing}).encode())


@pytest.mark.parametrize("content", [
    b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b'{"size_bytes": ' + b"9" * 5000 + b"}", b"NaN",
    json.dumps(GOOD["batches"][0]).encode(),
])  # fmt: skip
def test_what_is_no_manifest_at_all_is_refused(content: bytes) -> None:
    with pytest.raises(Damaged):
        Manifest.from_bytes(content)


def test_a_file_of_one_batch_has_its_batch_s_checksum() -> None:
    document = json.loads(manifest_of(7).to_bytes())
    document["batches"][0]["sha256"] = "0" * 64
    with pytest.raises(Damaged, match="only batch"):
        Manifest.from_bytes(json.dumps(document).encode())


def test_an_empty_file_has_the_checksum_of_nothing() -> None:
    document = json.loads(manifest_of(0).to_bytes())
    document["sha256"] = document["batches"][0]["sha256"] = "0" * 64
    with pytest.raises(Damaged, match="empty"):
        Manifest.from_bytes(json.dumps(document).encode())


@pytest.mark.parametrize("changes", [{"version": 2}, {"encryption": "age"}, {"parts": []}, {"version": 7, "batches": "elsewhere"}])
def test_a_manifest_of_a_newer_version_asks_for_an_upgrade(changes: dict[str, Any]) -> None:
    with pytest.raises(NewerFormat):
        Manifest.from_bytes(json.dumps({**GOOD, **changes}).encode())


@given(st.binary(max_size=40), st.integers(min_value=0, max_value=len(manifest_of(25).to_bytes()) - 1))
def test_noise_anywhere_is_refused_or_leaves_a_sound_manifest(noise: bytes, at: int) -> None:
    content = manifest_of(25).to_bytes()
    try:
        found = Manifest.from_bytes(content[:at] + noise + content[at + len(noise) :])
    except (Damaged, NewerFormat):
        return
    assert found.batch_count == len(found.remote_ids) == max(1, -(-found.size_bytes // found.batch_bytes))
    assert "/" not in found.file_name


def test_names_have_eight_digits_and_nothing_else_is_an_object() -> None:
    assert (batch_name(0), batch_name(99_999_999)) == ("00000000", "99999999")
    for outside in (-1, 100_000_000):
        with pytest.raises(ValueError, match="eight digits"):
            batch_name(outside)
    assert index_of("00000042") == 42
    for name in ("manifest.json", "0000004", "00000042\n", "\u0660" * 8, ".00000042.part"):
        assert index_of(name) is None
    assert is_object_name("manifest.json")
    assert is_object_name("00000042")
    assert not is_object_name("manifest.json.part")


def test_the_readme_is_plain_text_for_every_editor() -> None:
    assert readme().isascii()
    assert max(len(line) for line in readme().decode().splitlines()) <= 100
    for word in ("cat ", "sha256sum", "shasum -a 256", "PowerShell", "Get-FileHash", "manifest.json"):
        assert word in readme().decode()
