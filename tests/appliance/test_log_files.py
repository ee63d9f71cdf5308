"""The log over restarts: bounded, found again, and nobody waits for it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from appliance import durable, logs
from appliance.log_files import FILES, LogFiles
from appliance.log_query import LogFilter
from appliance.logs import Harmless, RecentLines
from mqtt.messages import LogLine
from tests.waiting import wait_for


def recent(log: logging.Logger, folder: Path) -> RecentLines:
    for former in log.handlers:
        assert isinstance(former, RecentLines)
        former.keep_in(None)
    handler = RecentLines()
    handler.setFormatter(Harmless("%(message)s"))
    log.handlers = [handler]
    handler.keep_in(folder)
    return handler


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    log = logging.getLogger(f"test.{secrets.token_hex(4)}")
    log.setLevel(logging.DEBUG)
    yield log
    for handler in log.handlers:
        assert isinstance(handler, RecentLines)
        handler.keep_in(None)


def messages(handler: RecentLines, offset: int = 0, limit: int = 1000, **wanted: object) -> list[str]:
    found, _ = handler.query(LogFilter(**wanted), offset=offset, limit=limit)  # type: ignore[arg-type]  # by name
    return [line.message for line in found]


def test_lines_from_before_a_start_are_found_and_none_is_found_twice(log: logging.Logger, tmp_path: Path) -> None:
    before = recent(log, tmp_path)
    for n in range(5):
        log.info("before %d", n)
    log.debug("only in memory")
    before.keep_in(None)
    after = recent(log, tmp_path)
    for n in range(3):
        log.warning("after %d", n)
    assert messages(after) == [*(f"before {n}" for n in range(5)), *(f"after {n}" for n in range(3))]
    assert messages(after, level="debug") == messages(after)
    assert messages(after, offset=2, limit=3) == ["before 3", "before 4", "after 0"]
    assert after.query(LogFilter(), limit=3)[1] is True
    assert messages(after, level="warning", text="AFTER 1") == ["after 1"]


def test_what_memory_has_dropped_is_found_in_the_files(log: logging.Logger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_KEPT", 10)
    handler = recent(log, tmp_path)
    for n in range(50):
        log.info("line %d", n)
    assert messages(handler) == [f"line {n}" for n in range(50)]


def test_time_source_and_archive_narrow_it(log: logging.Logger, tmp_path: Path) -> None:
    recent(log, tmp_path)
    log.info("of an archive", extra={"archive_id": "abcd1234"})
    log.info("of none")
    handler = recent(log, tmp_path)
    now = datetime.now(UTC)
    assert messages(handler, archive_id="abcd1234") == ["of an archive"]
    assert messages(handler, source=log.name) == ["of an archive", "of none"]
    assert messages(handler, source="other") == []
    assert messages(handler, since_at=now - timedelta(minutes=1), until_at=now + timedelta(minutes=1)) == ["of an archive", "of none"]
    assert messages(handler, since_at=datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))) == messages(handler)
    assert messages(handler, since_at=now + timedelta(days=2)) == messages(handler, until_at=now - timedelta(minutes=1)) == []


def line(text: str, level: str = "info") -> LogLine:
    return LogLine.model_validate({"at": datetime.now(UTC), "level": level, "source": "test", "message": text})


def test_the_files_stay_bounded_and_the_newest_lines_stay(tmp_path: Path) -> None:
    files = LogFiles(tmp_path, file_bytes=20_000)
    for n in range(2_000):
        files.add(n, line(f"{n:05d} " + "x" * 100))
        if n % 50 == 0:
            files.flush()
    files.stop()
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == ["log", "log.1", "log.2", "log.3"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < FILES * 50_000
    found = list(files.newest_first())
    assert b"01999 x" in found[0]
    numbers = [int(raw.split(b'"message":"')[1][:5]) for raw in found]
    assert numbers == sorted(numbers, reverse=True), "in order over all files"


def test_lines_are_written_in_blocks_and_an_error_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[int] = []
    monkeypatch.setattr(durable, "observer", lambda done: writes.append(len(done.data)) if done.kind == "write" else None)
    files = LogFiles(tmp_path)
    for n in range(100):
        files.add(n, line("x" * 100))
    assert writes == []
    files.add(100, line("at once", "error"))
    wait_for(lambda: writes)
    assert len(writes) == 1
    files.stop()


def test_a_torn_line_is_passed_over_and_the_next_one_begins_anew(log: logging.Logger, tmp_path: Path) -> None:
    handler = recent(log, tmp_path)
    log.info("whole")
    handler.keep_in(None)
    path = tmp_path / "log"
    path.write_bytes(path.read_bytes() + b'{"run":"x","n":7,"at":"2026-')
    handler = recent(log, tmp_path)
    log.info("after the power cut")
    handler.keep_in(None)
    assert messages(recent(log, tmp_path)) == ["whole", "after the power cut"]


def test_a_full_disk_costs_lines_and_nothing_else(log: logging.Logger, tmp_path: Path) -> None:
    handler = recent(log, tmp_path / "gone")
    log.error("said although it cannot be written")
    assert messages(handler) == ["said although it cannot be written"]


def test_an_answer_never_grows_beyond_what_a_message_holds(log: logging.Logger, tmp_path: Path) -> None:
    handler = recent(log, tmp_path)
    for _ in range(200):
        log.info("ä" * 3_000)
    found, more = handler.query(LogFilter(), limit=1000)
    assert more is True
    assert sum(len(each.model_dump_json().encode()) for each in found) < 256 * 1024
