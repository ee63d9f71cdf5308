"""The log of an outage that lasts for days is short, and tells what happened."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import clock
from appliance.log_folding import Folding
from appliance.transfer.lines import Lines
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024


class Said(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name} {record.getMessage()}")


@pytest.fixture
def journal() -> Iterator[tuple[Said, Said]]:
    """Two handlers that share a folding, as standard error and the files do."""
    folding, both = Folding(), (Said(), Said())
    root = logging.getLogger()
    for handler in both:
        handler.addFilter(folding)
        root.addHandler(handler)
    yield both
    for handler in both:
        root.removeHandler(handler)


def test_a_hundred_failed_tries_are_a_handful_of_lines(tmp_path: Path, journal: tuple[Said, Said], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger(), "level", logging.INFO)
    failed: list[int] = []
    real = Lines.failed

    def count(self: Lines, *args: object, **more: object) -> int:
        failed.append(1)
        return real(self, *args, **more)  # type: ignore[arg-type]  # as they came

    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        connection_id = inside.connect(tmp_path / "disk")
        (tmp_path / "disk" / ".pyarchive").rename(tmp_path / "marker")
        ids = [inside.put(b"x" * BATCH, f"{number}.bin") for number in range(5)]
        wait_for(lambda: connection_id in {problem.about for problem in inside.app.problems.standing()})
        monkeypatch.setattr(Lines, "failed", count)
        before = len(journal[0].lines)

        def tries() -> bool:
            inside.app.engine.sync_now()
            return len(failed) >= 100

        wait_for(tries)
        assert len(journal[0].lines) - before <= 5, journal[0].lines[before:]
        (tmp_path / "marker").rename(tmp_path / "disk" / ".pyarchive")
        for archive_id in ids:
            inside.wait_remote(archive_id)


def test_the_same_line_is_said_five_times_and_then_once_an_hour_with_its_number(
    journal: tuple[Said, Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    log, now_s = logging.getLogger("housekeeping"), [1000.0]
    monkeypatch.setattr(clock, "monotonic_s", lambda: now_s[0])
    for minute in range(3 * 24 * 60):
        now_s[0] = 1000.0 + minute * 60
        log.warning("the archive %s cannot be freed yet", "film")
    for handler in journal:
        assert 3 * 24 <= len(handler.lines) <= 3 * 24 + 5
        assert handler.lines[-1].endswith("cannot be freed yet (and 59 times more since this was said last)")


def test_other_lines_errors_and_what_people_did_are_said_each_time(journal: tuple[Said, Said]) -> None:
    for number in range(20):
        logging.getLogger("intake").warning("file %d is odd", number)
        logging.getLogger("audit").warning("cli: archive/release")
        logging.getLogger("jobs").error("a job failed", exc_info=ValueError(number))
    assert len(journal[0].lines) == 60


def test_what_is_remembered_of_lines_is_bounded() -> None:
    folding = Folding()
    for number in range(2000):
        folding.filter(logging.LogRecord("a", logging.WARNING, "f", 1, f"line {number}", (), None))
    assert len(folding._lines) == 500
