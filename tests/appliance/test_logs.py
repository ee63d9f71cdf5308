"""What is logged is one line, and nothing foreign in it can look like another."""

from __future__ import annotations

import logging
import secrets

import pytest

from appliance.log_query import LogFilter
from appliance.logs import Harmless, RecentLines

HOSTILE = "a\n2026-11-22 10:00:00,000 ERROR   appliance: forged\r\x1b[2J\x9b1m\u2028b\u202ec\0\ud800"


@pytest.fixture
def logged() -> tuple[logging.Logger, RecentLines, list[str]]:
    log, recent, shown = logging.getLogger(f"test.{secrets.token_hex(4)}"), RecentLines(), list[str]()
    recent.setFormatter(Harmless("%(message)s"))
    handler = logging.Handler()
    handler.setFormatter(Harmless("%(asctime)s %(message)s"))
    handler.emit = lambda record: shown.append(handler.format(record))  # type: ignore[method-assign]  # keeps the text
    log.addHandler(recent)
    log.addHandler(handler)
    return log, recent, shown


def test_foreign_text_stays_in_its_line_and_steers_no_terminal(logged: tuple[logging.Logger, RecentLines, list[str]]) -> None:
    log, recent, shown = logged
    log.warning("bad: %s", HOSTILE)
    ((line,), _) = recent.query(LogFilter(level="debug"))
    for text in (line.message, shown[0]):
        assert text.isprintable()
        assert "forged" in text
    assert line.payload()


def test_a_line_is_bounded(logged: tuple[logging.Logger, RecentLines, list[str]]) -> None:
    log, recent, _ = logged
    log.warning("%s", "x" * 1_000_000)
    ((line,), _) = recent.query(LogFilter(level="debug"))
    assert len(line.message) < 4_100
    assert "1,000,000 characters" in line.message


def test_what_follows_an_error_is_indented_and_cannot_begin_a_line(logged: tuple[logging.Logger, RecentLines, list[str]]) -> None:
    log, _, shown = logged
    log.error("failed", exc_info=ValueError(HOSTILE))
    first, *rest = shown[0].split("\n")
    assert first.endswith("failed")
    assert rest
    assert all(line.startswith("  ") and line.isprintable() for line in rest)
