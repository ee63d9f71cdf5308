"""What timetable, metered mode and limit allow: the lowest limit, whatever closes, and the words for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from appliance import clock
from appliance.settings import Settings, SettingsStore
from appliance.transfer.window import Window, Windows, window
from mqtt.messages import Direction

TUESDAY = datetime(2026, 11, 24, 9, tzinfo=UTC)


def at(*, clock_is_right: bool = True, **settings: Any) -> Window:
    return window(Settings.model_validate({"time_zone": "Europe/Berlin", **settings}), TUESDAY, clock_is_right=clock_is_right)


@pytest.mark.parametrize(
    ("settings", "limit", "words"),
    [
        ({}, 0, None),
        ({"upload_limit_kb_per_s": 300}, 300, "upload_limit_kb_per_s limits uploads to 300 kB/s"),
        ({"timetable": "daily 08:00-18:00 200"}, 200, "the timetable limits uploads to 200 kB/s until 18:00"),
        ({"timetable": "daily 08:00-18:00 200", "upload_limit_kb_per_s": 100}, 100, "upload_limit_kb_per_s limits uploads to 100 kB/s"),
        ({"timetable": "daily 08:00-18:00 free", "upload_limit_kb_per_s": 100}, 100, "upload_limit_kb_per_s limits uploads to 100 kB/s"),
        ({"metered": True, "metered_limit_kb_per_s": 50, "upload_limit_kb_per_s": 60}, 50, "the line is metered: uploads at 50 kB/s"),
        ({"metered": False, "metered_limit_kb_per_s": 50}, 0, None),
    ],
)
def test_the_lowest_limit_is_in_force_and_named(settings: dict[str, Any], limit: int, words: str | None) -> None:
    found = at(**settings)
    assert (found.limit_kb_per_s, found.reason) == (limit, words)
    assert found.lets(Direction.UP)
    assert found.lets(Direction.DOWN)


def test_the_timetable_closes_the_way_up_alone_and_what_is_fetched_only_to_be_sent_on() -> None:
    found = at(timetable="daily 08:00-18:00 pause", upload_limit_kb_per_s=5)
    assert not found.lets(Direction.UP)
    assert found.lets(Direction.DOWN)
    assert not found.lets(Direction.DOWN, for_upload=True)
    assert found.why_closed(Direction.UP) == ("the timetable pauses uploads until 18:00", datetime(2026, 11, 24, 17, tzinfo=UTC))
    assert found.why_closed(Direction.DOWN) == (None, None)
    message = found.message()
    assert (message.allowed, message.reason, message.until_at) == (False, found.reason, found.until_at)


def test_a_metered_line_without_a_limit_of_its_own_moves_nothing_either_way() -> None:
    found = at(metered=True, timetable="daily 08:00-18:00 200")
    assert not found.lets(Direction.UP)
    assert not found.lets(Direction.DOWN)
    assert found.why_closed(Direction.DOWN) == ("the line is metered: nothing moves", None)


@pytest.mark.parametrize(
    ("timetable", "words"),
    [
        ("daily 00:00-24:00 pause", "the timetable pauses uploads"),
        ("daily 08:00-24:00 pause", "the timetable pauses uploads until Wed 00:00"),
        ("tue 08:00-24:00 pause; wed-sat 00:00-24:00 pause", "the timetable pauses uploads until Sun 00:00"),
        ("tue-sun 00:00-24:00 pause; mon 00:00-12:00 pause", "the timetable pauses uploads until 2026-11-30 12:00"),
    ],
)
def test_the_end_is_said_with_its_day_where_that_is_not_today(timetable: str, words: str) -> None:
    assert at(timetable=timetable).reason == words


def test_while_the_clock_is_not_right_a_timetable_lets_nothing_up_and_says_so() -> None:
    found = at(timetable="daily 08:00-18:00 200", clock_is_right=False)
    assert not found.lets(Direction.UP)
    assert found.lets(Direction.DOWN)
    assert "the clock is not right yet" in str(found.reason)
    assert "pyarchive settings set timetable --default" in str(found.reason)
    assert at(clock_is_right=False, upload_limit_kb_per_s=7).limit_kb_per_s == 7


def test_a_zone_that_an_upgrade_of_the_system_took_away_keeps_uploads_waiting_and_nothing_else() -> None:
    settings = SettingsStore({"PYARCHIVE_TIME_ZONE": "Old/Name"})
    settings.attach({"timetable": "daily 08:00-18:00 200"}, lambda _: None)
    found = window(settings.current, TUESDAY, clock_is_right=True)
    assert not found.lets(Direction.UP)
    assert found.lets(Direction.DOWN)
    assert found.reason == (
        "the timetable cannot be followed, so uploads wait: time_zone: 'Old/Name' is no time zone; write one like Europe/Berlin"
    )
    settings.set("timetable", None)
    assert window(settings.current, TUESDAY, clock_is_right=True) == Window()


class Watched:
    """Windows over settings that can be changed, at a time that can be moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.clock_is_right, self.times_asked, self.news = TUESDAY, True, 0, 0
        monkeypatch.setattr(clock, "now", lambda: self.now)
        self.settings = SettingsStore({"PYARCHIVE_TIME_ZONE": "UTC"})
        self.settings.attach({}, lambda _: None)
        self.windows = Windows(self.settings, self._ask)
        self.windows.on_change(self._told)

    def _ask(self) -> bool:
        self.times_asked += 1
        return self.clock_is_right

    def _told(self) -> None:
        self.news += 1

    def at(self, hour: int, minute: int = 0) -> bool:
        self.now = TUESDAY.replace(hour=hour, minute=minute)
        self.windows.look()
        return self.windows.current.uploads


def test_a_setting_is_in_force_when_set_returns_and_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    watched.settings.set("metered", True)
    assert not watched.windows.current.uploads
    assert watched.news == 1
    watched.settings.set("undo_days", 3)
    assert watched.news == 1


def test_the_window_changes_with_the_time_and_with_a_wall_clock_that_is_put_forward_or_back(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    watched.settings.set("timetable", "daily 10:00-12:00 pause")
    assert watched.windows.due_s() == 3600
    assert [watched.at(9, 59), watched.at(10), watched.at(11, 59), watched.at(12)] == [True, False, False, True]
    assert [watched.at(11), watched.at(9), watched.at(23), watched.at(10)] == [False, True, True, False]


def test_the_clock_is_not_asked_about_without_a_timetable_and_seldom_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    for minute in range(50):
        watched.at(9, minute)
    assert watched.times_asked == 0
    watched.settings.set("timetable", "daily 10:00-12:00 pause")
    for minute in range(50):
        watched.at(13, minute)
    assert watched.times_asked == 1


def test_a_clock_that_goes_back_is_doubted_at_once_and_believed_when_it_is_right_again(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch)
    watched.settings.set("timetable", "daily 10:00-12:00 200")
    assert watched.at(13)
    watched.clock_is_right = False
    watched.now = datetime(1970, 1, 1, tzinfo=UTC)
    watched.windows.look()
    assert "clock" in str(watched.windows.current.reason)
    watched.now, watched.clock_is_right = TUESDAY + timedelta(hours=5), True
    watched.windows.look()
    assert watched.windows.current.uploads
