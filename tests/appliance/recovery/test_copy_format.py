"""A copy of the catalog is believed in nothing: whatever is wrong with it has a cause, and nothing follows from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from appliance.errors import Damaged, NewerFormat
from appliance.recovery.copy_format import HEADER_BYTES, copy_of, header_of, read_copy, tables_of, without_secrets

AT = datetime(2026, 11, 25, 10, tzinfo=UTC)
ARCHIVE = {"title": "Film", "owner": "ben", "file_name": "film.mkv", "size_bytes": 7, "removed_at": None}
CONNECTION = {"kind": "drive", "name": "Drive", "path": None, "folder_id": "folder-1", "client_id": "1.apps", "active": True}
TABLES: dict[str, dict[str, dict[str, Any]]] = {
    "archives": {"archive-0001": ARCHIVE, "archive-0002": {**ARCHIVE, "removed_at": "2026-11-20T10:00:00Z"}},
    "connections": {"c1": CONNECTION}, "settings": {"values": {"undo_days": 60}},
    "users": {"ben": {"role": "admin"}}, "scripts": {"s1": {"source": "print(1)"}}, "deployments": {"d1": {"enabled": True}},
    "tombstones": {"t1": {"archive_id": "archive-0003", "reason": "removed"}, "t2": {"archive_id": "archive-0004", "reason": "replaced"}},
}  # fmt: skip


def made(tables: dict[str, Any]) -> bytes:
    return copy_of(tables_of({name: rows.items() for name, rows in tables.items()}), "the-house", 3, AT)


def forged(tables: bytes, **header: Any) -> bytes:
    """With a checksum that is right: whoever can write there can compute one."""
    facts = {
        "format": "pyarchive-catalog-copy", "version": 1, "appliance_id": "the-house", "serial": 3, "made_at": "2026-11-25T10:00:00Z",
        "sha256": hashlib.sha256(tables).hexdigest(),
    } | header  # fmt: skip
    return json.dumps(facts).encode()[:-1] + b',\n"tables": ' + tables + b"\n}\n"


def test_a_copy_says_what_the_catalog_knew() -> None:
    copy = read_copy(made(TABLES))
    assert (copy.header.appliance_id, copy.header.serial, copy.header.made_at) == ("the-house", 3, AT)
    assert copy.archives["archive-0001"].title == "Film"
    assert [copy.is_removed(f"archive-000{number}") for number in range(1, 6)] == [False, True, True, False, False]
    assert (copy.settings, copy.users, copy.deployments) == ({"undo_days": 60}, {"ben": {"role": "admin"}}, {"d1": {"enabled": True}})
    assert json.loads(made(TABLES))["tables"].keys() == TABLES.keys()


def test_the_same_catalog_makes_the_same_bytes() -> None:
    backwards = {name: dict(reversed(rows.items())) for name, rows in reversed(TABLES.items())}
    assert made(backwards) == made(TABLES)


def test_the_beginning_tells_how_old_it_is() -> None:
    assert header_of(made(TABLES)[:HEADER_BYTES]).serial == 3


def test_an_empty_copy_is_one() -> None:
    assert read_copy(made({})).archives == {}


@pytest.mark.parametrize("at", range(0, len(made(TABLES)), 41))
def test_one_that_was_cut_or_flipped_anywhere_is_damaged(at: int) -> None:
    whole = made(TABLES)
    with pytest.raises(Damaged):
        read_copy(whole[:at])
    flipped = bytearray(whole)
    flipped[at] ^= 1
    try:
        copy = read_copy(bytes(flipped))
    except (Damaged, NewerFormat):
        return
    assert copy.archives == read_copy(whole).archives, "a bit of the header may turn without a trace, one of the tables never"


def archive(**changes: Any) -> dict[str, Any]:
    return {"archives": {"archive-0001": {**ARCHIVE, **changes}}}


HOSTILE: dict[str, dict[str, Any]] = {
    "an id that climbs": {"archives": {"../../etc": ARCHIVE}},
    "an id with a newline": {"archives": {"archive-0001\n": ARCHIVE}},
    "a size as text": archive(size_bytes="7"), "a size true": archive(size_bytes=True), "a negative size": archive(size_bytes=-1),
    "a size beyond 64 bits": archive(size_bytes=2**63), "an owner that climbs": archive(owner="../root"),
    "a title too long": archive(title="x" * 2000),
    "a title that is none": archive(title=""), "removed at no time": archive(removed_at="soon"),
    "archives in a list": {"archives": [ARCHIVE]}, "an archive that is a number": {"archives": {"archive-0001": 7}},
    "a user's name that climbs": {"users": {"../x": {}}}, "a user's name too long": {"users": {"x" * 65: {}}},
    "a user in a list": {"users": {"ben": []}}, "a script with NUL in its name": {"scripts": {"a\0b": {}}},
    "settings in a list": {"settings": []}, "a connection of no kind": {"connections": {"c1": {**CONNECTION, "kind": "../x"}}},
    "connections without end": {"connections": {f"c{number}": CONNECTION for number in range(1001)}},
    "a tombstone that is text": {"tombstones": {"t1": "archive-0001"}},
}  # fmt: skip


@pytest.mark.parametrize("tables", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_copy_is_refused_with_a_cause(tables: dict[str, Any]) -> None:
    with pytest.raises(Damaged, match=r"the copy of the catalog cannot be used: ."):
        read_copy(forged(json.dumps(tables).encode()))


@pytest.mark.parametrize("tables", [
    b"[" * 100_000, b'{"archives": ' * 5_000 + b"1" + b"}" * 5_000, b'{"archives": NaN}', b'{"a": Infinity}', b"\xff\xfe", b"", b"null",
])  # fmt: skip
def test_what_is_no_json_object_is_refused_and_takes_nothing_down(tables: bytes) -> None:
    with pytest.raises(Damaged, match="the copy of the catalog cannot be used"):
        read_copy(forged(tables))


@pytest.mark.parametrize("header", [
    {"version": 0}, {"version": True}, {"version": "1"}, {"serial": 0}, {"serial": 2**60}, {"serial": 1.5}, {"serial": True},
    {"appliance_id": "../x"}, {"made_at": "2026-11-25T10:00:00"}, {"format": "tar"}, {"sha256": "0" * 64}, {"sha256": None},
])  # fmt: skip
def test_a_header_that_cannot_be_is_refused(header: dict[str, Any]) -> None:
    with pytest.raises(Damaged, match="the copy of the catalog cannot be used"):
        read_copy(forged(b"{}", **header))


def test_one_of_a_newer_version_asks_for_an_upgrade() -> None:
    with pytest.raises(NewerFormat, match="upgrade"):
        read_copy(forged(b"{}", version=2))


@pytest.mark.parametrize(
    "name",
    ["password", "password_hash", "PasswordSalt", "refresh_token", "client_secret", "setup_code", "session", "totp_key", "credentials"],
)
def test_what_is_called_like_a_secret_is_left_out_all_the_way_down(name: str) -> None:
    keep: Callable[[Any], Any] = without_secrets
    assert keep({"a": [{name: "x", "b": 1}], name: {"c": 2}}) == {"a": [{"b": 1}]}
