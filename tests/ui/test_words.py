"""Sizes, times and foreign text as people read them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from ui import words


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (4_294_967_296, "4.29 GB"),
        (999_999, "1.00 MB"),
        (99_960, "100 kB"),
        (10**18, "1000 PB"),
    ],
)
def test_a_size_is_decimal_with_three_digits(size_bytes: int, text: str) -> None:
    assert words.size(size_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (45, "45 s"), (2040, "34 min"), (19_200, "5 h 20 min"), (7200, "2 h"), (19 * 86_400, "19 days")]
)
def test_a_duration_names_its_units(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_a_hundred_percent_is_said_only_of_what_is_whole() -> None:
    assert words.percent(0.9999) == "99 %"
    assert words.percent(1.0) == "100 %"


def test_what_steers_a_terminal_is_shown_as_its_escape() -> None:
    assert words.clean("a\x1b[2Jb\r\n\x9b\u202egnp.exe\u2028\udcff\x7f") == "a\\x1b[2Jb\\r\\n\\x9b\\u202egnp.exe\\u2028\\udcff\\x7f"


def test_letters_of_all_languages_stay_as_they_are() -> None:
    text = "Fotos Müller 写真 ქართული 👩\u200d👧 \u0645\u06cc\u200c\u062e"
    assert words.clean(text) == text


def test_ages_are_told_from_now() -> None:
    now = datetime.now(UTC)
    assert words.age((now - timedelta(minutes=5)).isoformat()) == "5 min ago"
    assert words.age((now + timedelta(minutes=5, seconds=1)).isoformat()) == "in 5 min"
    assert words.age(None) == "never"


def test_a_moment_is_in_the_zone_of_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert words.moment("2026-11-22T10:00:00Z") == "2026-11-22 19:00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_wide_letters_take_two_cells_when_text_is_fitted() -> None:
    assert words.width("写真") == 4
    assert words.shortened("写真写真", 5) == "写真…"
    assert words.padded("写真", 6) == "写真  "
    assert words.padded("7", 3, right=True) == "  7"


def test_nouns_are_counted_in_english() -> None:
    assert [words.count(1, "batch"), words.count(2, "batch"), words.count(0, "archive")] == ["1 batch", "2 batches", "0 archives"]
