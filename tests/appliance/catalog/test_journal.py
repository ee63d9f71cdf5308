"""The catalog's files: generations, torn and damaged records, errors of the disk."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance import durable
from appliance.catalog import compaction
from appliance.catalog.journal import CatalogDB, CatalogUnwritable
from appliance.catalog.lines import Place, header
from appliance.errors import DiskFull, NewerFormat
from tests.appliance.catalog.child import found
from tests.waiting import at_best

ROWS = {name: {"n": name * 3} for name in ("ab", "cd", "ef", "gh")}


@pytest.fixture
def folder(memory: Path) -> Path:
    return memory / "catalog"


def filled(folder: Path, rows: dict[str, dict[str, str]] = ROWS) -> CatalogDB:
    """A catalog with one record for each row."""
    db = CatalogDB.open(folder)
    for name, row in rows.items():
        db.table("t").put(name, row)
    return db


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def rows_after_opening(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Documents and damage, having shown that the catalog goes on from there."""
    db = CatalogDB.open(folder)
    rows, damage = dict(db.table("t").items()), db.damage
    db.table("later").put("one", {})
    db.close()
    db = CatalogDB.open(folder)
    assert (dict(db.table("t").items()), len(db.table("later")), db.damage) == (rows, 1, damage)
    db.close()
    return rows, damage


def copies(folder: Path, name: str) -> Iterator[tuple[int, Path, bytes]]:
    """For each byte of that file: its offset, a copy of the folder, and the file's content."""
    content = (folder / name).read_bytes()
    for offset in range(len(content)):
        copy = folder.with_name(f"copy-{offset}")
        shutil.copytree(folder, copy)
        yield offset, copy, content
        shutil.rmtree(copy)


def without(content: bytes, offset: int, base: dict[str, Any]) -> dict[str, Any]:
    """The rows but the one whose line in a journal has this byte."""
    line = content[:offset].count(b"\n")
    return {name: row for number, (name, row) in enumerate(base.items(), 1) if number != line}


# Generations


def test_a_new_catalog_is_new_until_something_was_written(folder: Path) -> None:
    for _ in range(2):
        db = CatalogDB.open(folder)
        assert (db.is_new, db.damage, db.is_complete, db.tables()) == (True, [], True, set())
        db.close()
    filled(folder).close()
    assert not CatalogDB.open(folder).is_new


def test_two_generations_are_kept_and_either_gives_the_state(folder: Path) -> None:
    db = CatalogDB.open(folder)
    for number in range(5):
        db.table("t").put(f"row-{number}", {"n": number})
        db.compact()
    db.table("t").put("last", {"n": 5})
    db.close()
    assert files(folder) == ["journal-5", "journal-6", "snapshot-5", "snapshot-6"]
    state = found(CatalogDB.open(folder))
    for name in ("snapshot-6", "journal-6"):
        (folder / name).rename(folder.with_name(name))
    before = {key: row for key, row in state["t"].items() if key != "last"}
    assert found(CatalogDB.open(folder))["t"] == before


def test_the_journal_is_compacted_when_it_outgrows_the_snapshot_and_a_mebibyte(folder: Path) -> None:
    db = CatalogDB.open(folder)
    row = {"text": "x" * 100_000}
    for number in range(10):
        db.table("t").put(str(number), row)
    assert files(folder) == ["journal-1"]
    db.table("t").put("10", row)
    db._compaction.wait()
    assert files(folder) == ["journal-1", "journal-2", "snapshot-2"]
    for number in range(10):
        db.table("t").put(str(number), {"text": "y" * 100_000})
    db._compaction.wait()
    assert files(folder) == ["journal-1", "journal-2", "snapshot-2"]
    assert len(found(CatalogDB.open(folder))["t"]) == 11


def test_closing_gives_up_a_compaction_within_a_second_and_loses_nothing(folder: Path) -> None:
    def closing_s() -> float:
        shutil.rmtree(folder, ignore_errors=True)
        db = CatalogDB.open(folder)
        db.apply({"t": {str(number): {"n": number} for number in range(30_000)}})
        with db._writing:
            db._compaction.want()
        db.table("t").put("last", {})
        assert db._compaction._thread is not None
        assert db._compaction._thread.is_alive()
        started_s = time.monotonic()
        db.close()
        took_s = time.monotonic() - started_s
        assert not db._compaction._thread.is_alive()
        assert "snapshot-2" not in files(folder)
        assert len(CatalogDB.open(folder).table("t")) == 30_001
        return took_s

    assert at_best(closing_s, 1.0) < 1.0


def test_changes_go_on_while_a_snapshot_is_written_and_are_in_neither_half(folder: Path) -> None:
    db = CatalogDB.open(folder)
    db.apply({"t": {str(number): {"n": 0} for number in range(20_000)}})
    with db._writing:
        db._compaction.want()
    changes = 0
    while (thread := db._compaction._thread) is None or thread.is_alive():
        db.table("t").put(str(changes * 7 % 20_000), {"n": 1})
        changes += 1
    assert changes > 3
    db.close()
    assert "snapshot-2" in files(folder)
    again = CatalogDB.open(folder)
    assert sum(row["n"] for _, row in again.table("t").items()) == min(changes, 20_000)  # then it begins again


def test_a_newer_format_is_refused_and_nothing_is_changed(folder: Path) -> None:
    filled(folder).close()
    body = header("journal", 2, previous_bytes=0).replace(b'"version":1', b'"version":2')
    (folder / "journal-2").write_bytes(Place("journal-2").line(0, body))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(NewerFormat, match="upgrade"):
        CatalogDB.open(folder)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_snapshot_and_its_name_are_synced_before_anything_older_goes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = filled(folder)
    db.compact()
    done: list[tuple[str, str]] = []
    monkeypatch.setattr(durable, "observer", lambda operation: done.append((operation.kind, operation.path.name)))
    db.compact()
    named, first_gone = done.index(("rename", "snapshot-3.new")), done.index(("unlink", "journal-1"))
    assert done[named - 1 : named + 2] == [("sync", "snapshot-3.new"), ("rename", "snapshot-3.new"), ("sync_dir", "catalog")]
    assert named + 1 < first_gone


def test_what_an_unfinished_compaction_left_is_taken_away(folder: Path) -> None:
    filled(folder).close()
    (folder / "snapshot-7.new").write_bytes(b"half")
    assert rows_after_opening(folder) == (ROWS, [])
    assert files(folder) == ["journal-1"]


# Torn and damaged


def test_a_journal_cut_at_any_byte_of_its_last_record_opens_without_that_record(folder: Path) -> None:
    filled(folder).close()
    content = (folder / "journal-1").read_bytes()
    last = content[:-1].rindex(b"\n") + 1
    for offset, copy, _ in copies(folder, "journal-1"):
        if offset >= last:
            (copy / "journal-1").write_bytes(content[:offset])
            assert rows_after_opening(copy) == ({name: ROWS[name] for name in ("ab", "cd", "ef")}, [])


@pytest.mark.parametrize("tail", [b"\0", b"\0" * 5000, b'0badf00d {"t":{}}', b"x" * 300])
def test_what_a_torn_write_left_behind_the_last_record_is_dropped(folder: Path, tail: bytes) -> None:
    filled(folder).close()
    good_bytes = (folder / "journal-1").stat().st_size
    with (folder / "journal-1").open("ab") as file:
        file.write(tail)
    CatalogDB.open(folder).close()
    assert (folder / "journal-1").stat().st_size == good_bytes
    assert rows_after_opening(folder) == (ROWS, [])


@pytest.mark.parametrize(("bad_bytes", "left"), [(1, {"ab", "cd", "ef", "gh"}), (4, {"ab", "cd", "gh"})])
def test_a_torn_end_that_has_a_whole_record_in_it_is_damage(folder: Path, bad_bytes: int, left: set[str]) -> None:
    filled(folder).close()
    content = (folder / "journal-1").read_bytes()
    begin = content[:-1].rindex(b"\n") + 1
    (folder / "journal-1").write_bytes(content[: begin - bad_bytes] + b"?" * bad_bytes + content[begin:-1])
    rows, damage = rows_after_opening(folder)
    assert (set(rows), len(damage)) == (left, 1)


def test_a_good_line_in_another_lines_place_is_damage(folder: Path) -> None:
    filled(folder).close()
    lines = (folder / "journal-1").read_bytes().splitlines(keepends=True)
    (folder / "journal-1").write_bytes(b"".join([*lines[:2], lines[1], *lines[3:]]))
    rows, damage = rows_after_opening(folder)
    assert (set(rows), len(damage)) == ({"ab", "ef", "gh"}, 1)


@pytest.mark.parametrize("newline", [False, True])
def test_a_bad_byte_anywhere_in_the_journal_costs_its_record_and_is_said(folder: Path, newline: bool) -> None:
    filled(folder).close()
    last = (folder / "journal-1").read_bytes()[:-1].rindex(b"\n") + 1
    for offset, copy, content in copies(folder, "journal-1"):
        bad = bytearray(content)
        bad[offset] = 10 if newline else bad[offset] ^ 0x20
        if bytes(bad) == content:
            continue
        (copy / "journal-1").write_bytes(bad)
        rows, damage = rows_after_opening(copy)
        if content[offset] == 10 and offset < last:  # both neighbours of a bad newline are whole
            assert rows == ROWS
        else:
            assert rows == without(content, offset, ROWS)
        if offset < last:
            assert "journal-1 is damaged in line" in damage[0]
            assert (copy / "journal-1.damaged-1").read_bytes() == bad


def test_a_bad_byte_anywhere_in_the_newest_snapshot_costs_nothing_and_is_said(folder: Path) -> None:
    db = filled(folder)
    db.compact()
    db.table("t").put("last", {})
    db.close()
    for offset, copy, content in copies(folder, "snapshot-2"):
        bad = bytearray(content)
        bad[offset] ^= 0x01
        (copy / "snapshot-2").write_bytes(bad)
        rows, damage = rows_after_opening(copy)
        assert rows == ROWS | {"last": {}}
        assert "snapshot-2 is damaged" in damage[0]
        assert "nothing is lost" in damage[0]
        assert (copy / "snapshot-2.damaged-1").read_bytes() == bad


def test_damaged_files_are_kept_but_not_without_end(folder: Path) -> None:
    filled(folder).close()
    for number in range(1, 31):
        (folder / f"journal-{number}.damaged-1").write_bytes(b"of long ago")
    journal = bytearray((folder / "journal-1").read_bytes())
    journal[len(journal) // 2] ^= 0x20
    (folder / "journal-1").write_bytes(journal)
    _, damage = rows_after_opening(folder)
    assert damage
    kept = sorted(int(path.name.split("-")[1].split(".")[0]) for path in folder.glob("*.damaged-*"))
    assert kept == [1, *range(21, 31)]


def test_a_snapshot_cut_at_any_byte_is_recognised(folder: Path) -> None:
    db = filled(folder)
    db.compact()
    db.close()
    for offset, copy, content in copies(folder, "snapshot-2"):
        (copy / "snapshot-2").write_bytes(content[:offset])
        rows, damage = rows_after_opening(copy)
        assert (rows, len(damage)) == (ROWS, 1)


def test_with_every_way_damaged_all_good_records_of_all_generations_are_taken(folder: Path) -> None:
    db = filled(folder)
    db.compact()
    db.apply({"t": {"ab": None, "new": {}, "newer": {}}})
    db.close()
    for name, good, bad in (("journal-1", b'"cd"', b'"CD"'), ("snapshot-2", b'"ef"', b'"EF"')):
        (folder / name).write_bytes((folder / name).read_bytes().replace(good, bad))
    db = CatalogDB.open(folder)
    assert dict(db.table("t").items()) == {"cd": ROWS["cd"], "ef": ROWS["ef"], "gh": ROWS["gh"], "new": {}, "newer": {}}
    assert ([sentence.split()[0] for sentence in db.damage], db.is_complete, db.is_new) == (["journal-1", "snapshot-2"], False, False)


def test_a_good_snapshot_counts_for_more_than_the_damaged_past_before_it(folder: Path) -> None:
    db = filled(folder)
    db.table("t").remove(doc_ids=["ab"])
    db.compact()
    db.apply({"t": {"new": {}}})
    db.apply({"t": {"newer": {}}})
    db.close()
    for name, good, bad in (("journal-1", b'{"ab":null}', b'{"aB":null}'), ("journal-2", b'"new"', b'"neW"')):
        (folder / name).write_bytes((folder / name).read_bytes().replace(good, bad))
    assert set(rows_after_opening(folder)[0]) == {"cd", "ef", "gh", "newer"}


@pytest.mark.parametrize(
    ("gone", "left"),
    [
        (["journal-2", "snapshot-3"], {"ab", "cd", "ef", "gh", "later"}),
        (["snapshot-2", "snapshot-3"], {"last", "later"}),
        (["journal-2", "snapshot-2", "snapshot-3"], {"later"}),
        (["journal-3"], {"ab", "cd", "ef", "gh", "last"}),
    ],
)
def test_a_missing_file_that_is_needed_is_said(folder: Path, gone: list[str], left: set[str]) -> None:
    db = filled(folder)
    db.compact()
    db.table("t").put("last", {})
    db.compact()
    db.table("t").put("later", {})
    db.close()
    for name in gone:
        (folder / name).unlink()
    db = CatalogDB.open(folder)
    assert set(db.table("t").ids()) == left
    assert (any("missing" in sentence for sentence in db.damage), db.is_complete) == (True, False)


def test_a_journal_that_lost_its_end_before_the_next_began_is_damage(folder: Path) -> None:
    db = filled(folder)
    db.compact()
    db.close()
    (folder / "snapshot-2").unlink()
    content = (folder / "journal-1").read_bytes()
    (folder / "journal-1").write_bytes(content[: content[:-1].rindex(b"\n") + 1])
    db = CatalogDB.open(folder)
    assert set(db.table("t").ids()) == {"ab", "cd", "ef"}
    assert "journal-1 is cut off" in db.damage[0]


def test_with_nothing_readable_an_empty_catalog_starts_beside_the_kept_files(folder: Path) -> None:
    filled(folder).close()
    (folder / "journal-1").write_bytes(b"\xff" * 1000)
    db = CatalogDB.open(folder)
    assert (db.tables(), db.is_new, db.is_complete) == (set(), False, False)
    assert "nothing of the catalog could be read" in db.damage[-1]
    assert (folder / "journal-1.damaged-1").read_bytes() == b"\xff" * 1000


def test_an_unreadable_sector_is_damage_and_missing_rights_are_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = filled(folder)
    db.compact()
    db.close()
    real = Path.open

    def failing(number: int) -> None:
        def opened(path: Path, *args: Any, **kwargs: Any) -> Any:
            if path.name == "snapshot-2":
                raise OSError(number, "from the disk")
            return real(path, *args, **kwargs)

        monkeypatch.setattr(Path, "open", opened)

    failing(errno.EACCES)
    with pytest.raises(CatalogUnwritable):
        CatalogDB.open(folder)
    assert files(folder) == ["journal-1", "journal-2", "snapshot-2"]
    failing(errno.EIO)
    db = CatalogDB.open(folder)
    assert (found(db)["t"], len(db.damage)) == (ROWS, 1)


def test_damage_is_said_at_every_start_until_it_is_mended(folder: Path) -> None:
    filled(folder).close()
    content = (folder / "journal-1").read_bytes()
    (folder / "journal-1").write_bytes(content.replace(b"ababab", b"aBabab"))
    first = CatalogDB.open(folder)  # and killed before anybody could rebuild anything
    for _ in range(2):
        db = CatalogDB.open(folder)
        assert (db.damage, db.is_complete, db.tables()) == (first.damage, False, {"t"})
        db.compact()
    db.mended()
    assert (db.damage, db.is_complete) == ([], True)
    assert CatalogDB.open(folder).damage == []
    assert "journal-1.damaged-1" in files(folder)


# Errors of the disk


@pytest.mark.parametrize("room_bytes", [0, 40960])
def test_a_full_disk_changes_nothing_and_heals_without_a_restart(tmp_path: Path, room_bytes: int) -> None:
    child = f'"{sys.executable}" -m tests.appliance.catalog.child full "{tmp_path}" {room_bytes}'
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no small disk can be made here: user namespaces are off")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size=1m tmpfs "{tmp_path}" && exec {child}'],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.startswith("ok"), done.stderr


class BrokenSync:
    """The disk fails so many syncs of a journal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.failures = 0
        self._sync = durable.DurableFile.sync
        monkeypatch.setattr(durable.DurableFile, "sync", lambda file, *, data_only=False: self.sync(file, data_only))

    def sync(self, file: durable.DurableFile, data_only: bool) -> None:
        if file.path.name.startswith("journal") and self.failures:
            self.failures -= 1
            raise OSError(errno.EIO, "Input/output error")
        self._sync(file, data_only=data_only)


def test_after_a_failed_sync_the_change_is_not_there_and_another_journal_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = BrokenSync(monkeypatch)
    db = filled(folder)
    disk.failures = 2  # the record, then the new journal
    for _ in range(2):
        with pytest.raises(CatalogUnwritable):
            db.table("t").put("lost", {})
    assert found(db)["t"] == ROWS
    db.table("t").put("kept", {})
    db._compaction.wait()
    assert files(folder) == ["journal-1", "journal-2", "snapshot-2"]
    assert rows_after_opening(folder) == (ROWS | {"kept": {}}, [])


def test_a_record_whose_sync_failed_stays_out_though_its_bytes_reached_the_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = BrokenSync(monkeypatch)
    db = filled(folder)
    monkeypatch.setattr(durable.DurableFile, "truncate", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "Input/output error")))
    disk.failures = 1
    with pytest.raises(CatalogUnwritable):
        db.table("t").put("lost", {})
    monkeypatch.undo()
    db.table("t").put("kept", {})
    db.close()
    assert b"lost" in (folder / "journal-1").read_bytes()
    (folder / "snapshot-2").unlink(missing_ok=True)
    assert rows_after_opening(folder) == (ROWS | {"kept": {}}, [])


def test_a_half_written_record_that_cannot_be_cut_off_ends_its_journal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = filled(folder)
    write = durable.DurableFile.write_at

    def half(file: durable.DurableFile, offset_bytes: int, data: bytes) -> None:
        write(file, offset_bytes, data[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable.DurableFile, "write_at", half)
    monkeypatch.setattr(durable.DurableFile, "truncate", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "Input/output error")))
    with pytest.raises(DiskFull):
        db.table("t").put("lost", {})
    monkeypatch.undo()
    db.table("t").put("kept", {})
    assert db._journal.generation == 2
    db.close()
    assert rows_after_opening(folder) == (ROWS | {"kept": {}}, [])


def test_a_failing_compaction_is_no_error_of_the_change_and_is_tried_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "_MIN_BYTES", 4096)
    disk = BrokenSync(monkeypatch)
    db = CatalogDB.open(folder)
    for number in range(4):
        db.table("t").put(str(number), {"text": "x" * 900})
    create = durable.DurableFile.create
    monkeypatch.setattr(durable.DurableFile, "create", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
    db.table("t").put("4", {"text": "x" * 1000})
    assert (db._journal.generation, disk.failures) == (1, 0)
    monkeypatch.setattr(durable.DurableFile, "create", create)
    db.table("t").put("5", {"text": "x" * 80_000})
    db._compaction.wait()
    assert "snapshot-2" in files(folder)
    assert len(rows_after_opening(folder)[0]) == 6


def test_a_compaction_that_is_asked_for_says_why_it_failed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = filled(folder)
    monkeypatch.setattr(durable, "rename", lambda *_: (_ for _ in ()).throw(OSError(errno.EROFS, "Read-only file system")))
    with pytest.raises(CatalogUnwritable, match="Read-only"):
        db.compact()
    monkeypatch.undo()
    db.compact()
    assert rows_after_opening(folder) == (ROWS, [])


def test_reading_does_not_wait_for_a_disk_that_hangs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db = filled(folder)
    hanging, go_on = threading.Event(), threading.Event()

    def sync(file: durable.DurableFile, *, data_only: bool = False) -> None:
        hanging.set()
        assert go_on.wait(20)

    monkeypatch.setattr(durable.DurableFile, "sync", sync)
    writer = threading.Thread(target=db.table("t").put, args=("slow", {}))
    writer.start()
    assert hanging.wait(20)
    assert found(db)["t"] == ROWS
    go_on.set()
    writer.join(20)
    assert len(db.table("t")) == 5


def test_a_record_says_its_change_in_plain_json(folder: Path) -> None:
    filled(folder).close()
    lines = (folder / "journal-1").read_text().splitlines()
    assert json.loads(lines[1].partition(" ")[2]) == {"t": {"ab": {"n": "ababab"}}}
