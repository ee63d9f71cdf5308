"""Order: what is at risk first, then the oldest archive, and small ones not starved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from appliance.archive import Archive
from appliance.transfer.queue import Queue
from appliance.views import View


def view(number: int, size_bytes: int) -> View:
    created = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
    archive = Archive(
        id=f"archive-{number}", title="t", file_name="f", owner="home", size_bytes=size_bytes, sha256="", batch_bytes=1, created_at=created
    )
    return View(archive=archive, batches=1, cached=1, local=True, wanted_local=True)


def test_the_oldest_is_first_whatever_the_order_of_arrival() -> None:
    queue = Queue()
    for number in (3, 1, 2):
        queue.put(view(number, 10), 10)
    assert list(queue.candidates(0)) == ["archive-1", "archive-2", "archive-3"]


def test_what_is_at_risk_goes_before_what_is_safe_elsewhere() -> None:
    queue = Queue()
    queue.put(view(1, 10), 10, at_risk=False)
    queue.put(view(2, 10), 10)
    queue.put(view(3, 10), 10, at_risk=False)
    assert list(queue.candidates(0)) == ["archive-2", "archive-1", "archive-3"]
    queue.put(view(2, 10), 5, at_risk=False)
    queue.put(view(3, 10), 10)
    assert list(queue.candidates(0)) == ["archive-3", "archive-1", "archive-2"]


def test_every_fourth_turn_goes_to_the_archive_with_least_to_move() -> None:
    queue = Queue()
    queue.put(view(1, 10**12), 10**12)
    queue.put(view(2, 10), 10)
    firsts = [next(iter(queue.candidates(turn))) for turn in range(8)]
    assert firsts == [*["archive-1"] * 3, "archive-2"] * 2


def test_what_is_dropped_is_no_candidate_and_may_come_again() -> None:
    queue = Queue()
    queue.put(view(1, 10), 10)
    queue.drop("archive-1")
    queue.drop("archive-1")
    assert (len(queue), list(queue.candidates(3))) == (0, [])
    queue.put(view(1, 10), 10)
    assert list(queue.candidates(0)) == ["archive-1"]
