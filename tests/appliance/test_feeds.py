"""Events and lines of the log on their way out: in order, counted, never a flood."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appliance import clock
from appliance.event_feed import EventFeed
from appliance.log_feed import LogFeed
from mqtt.messages import Event, LogLine

AT = datetime(2026, 11, 25, tzinfo=UTC)


class Clock:
    """The monotonic time, set by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(clock, "monotonic_s", lambda: made.now_s)
    return made


class Events:
    """A feed, and what it published."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str | None, int | None]] = []
        self.feed = EventFeed(lambda event: self.told.append((event.event, event.archive_id, event.batches)))

    def add(self, name: str, archive_id: str = "a", index: int | None = None) -> None:
        self.feed.add(Event.model_validate({"event": name, "at": AT, "archive_id": archive_id, "batch_index": index}))


def test_the_first_batch_is_told_at_once_and_the_others_once_a_second_with_their_number(by_hand: Clock) -> None:
    events = Events()
    for index in range(20):
        events.add("batch_stored", index=index)
    assert events.told == [("batch_stored", "a", 1)]
    assert events.feed.flush() == 101.0
    by_hand.now_s = 101.0
    assert events.feed.flush() is None
    assert events.told[1:] == [("batch_stored", "a", 19)]


def test_the_event_that_ends_an_archives_way_tells_of_its_last_batches(by_hand: Clock) -> None:
    events = Events()
    for index in range(3):
        events.add("batch_stored", index=index)
    events.add("archive_remote")
    assert events.told == [("batch_stored", "a", 1), ("archive_remote", "a", 2)]
    assert events.feed.flush() is None


def test_what_waits_of_an_archive_is_told_before_anything_else_of_it_and_others_go_on_waiting(by_hand: Clock) -> None:
    events = Events()
    for archive_id in ("a", "a", "b"):
        events.add("batch_stored", archive_id)
    events.add("archive_removed")
    assert events.told == [("batch_stored", "a", 1), ("batch_stored", "a", 1), ("archive_removed", "a", None)]
    events.feed.flush_all()
    assert events.told[3:] == [("batch_stored", "b", 1)]


def test_a_thousand_archives_are_a_thousand_events(by_hand: Clock) -> None:
    events = Events()
    for number in range(1000):
        events.add("batch_stored", str(number))
        events.add("archive_remote", str(number))
    assert sum(name == "archive_remote" for name, _, _ in events.told) == 1000
    assert sum(batches or 0 for _, _, batches in events.told) == 1000
    assert len(events.told) == 1001


def test_a_problem_does_not_wait_for_batches(by_hand: Clock) -> None:
    events = Events()
    events.add("batch_stored")
    events.add("batch_stored")
    events.feed.add(Event.model_validate({"event": "problem_raised", "at": AT, "message": "the disk is full"}))
    assert [name for name, _, _ in events.told] == ["batch_stored", "problem_raised"]


def test_a_storm_of_lines_is_cut_and_their_number_is_said(by_hand: Clock) -> None:
    told: list[str] = []
    feed = LogFeed(lambda line: told.append(line.message))
    left_out = [feed.add(LogLine(at=AT, level="warning", source="test", message=str(number))) for number in range(500)]
    assert told == [str(number) for number in range(19)]
    assert left_out == [False] * 19 + [True] * 481
    assert feed.flush() == 110.0
    by_hand.now_s = 110.0
    assert feed.flush() is None
    assert told[19:] == ["481 lines were left out here; `pyarchive log` shows them"]
    feed.add(LogLine(at=AT, level="info", source="test", message="calm again"))
    assert told[-1] == "calm again"
