"""Order: by hand, then the owner who had least, then what is at risk, then age; small ones are not starved; a choice costs little."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from time import perf_counter

from appliance.archive import Archive
from appliance.transfer.queue import Queue
from appliance.transfer.shares import Shares
from appliance.views import View


def view(number: int, size_bytes: int, owner: str = "home") -> View:
    created = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
    archive = Archive(
        id=f"archive-{number}", title="t", file_name="f", owner=owner, size_bytes=size_bytes, sha256="", batch_bytes=1, created_at=created
    )
    return View(archive=archive, batches=1, cached=1, local=True, wanted_local=True)


def first(queue: Queue) -> str:
    return next(queue.candidates())


def test_the_oldest_is_first_whatever_the_order_of_arrival() -> None:
    queue = Queue()
    for number in (3, 1, 2):
        queue.put(view(number, 10), 10)
    assert list(queue.candidates()) == ["archive-1", "archive-2", "archive-3"]


def test_what_is_at_risk_goes_before_what_is_safe_elsewhere() -> None:
    queue = Queue()
    queue.put(view(1, 10), 10, at_risk=False)
    queue.put(view(2, 10), 10)
    queue.put(view(3, 10), 10, at_risk=False)
    assert list(queue.candidates()) == ["archive-2", "archive-1", "archive-3"]
    queue.put(view(2, 10), 5, at_risk=False)
    queue.put(view(3, 10), 10)
    assert list(queue.candidates()) == ["archive-3", "archive-1", "archive-2"]


def test_every_fourth_turn_of_an_owner_goes_to_the_archive_with_least_to_move() -> None:
    queue = Queue()
    queue.put(view(1, 10**12), 10**12)
    queue.put(view(2, 10), 10)
    firsts = []
    for _ in range(8):
        firsts.append(first(queue))
        queue.started("home", 16)
        assert sorted(queue.candidates()) == ["archive-1", "archive-2"]
    assert firsts == [*["archive-1"] * 3, "archive-2"] * 2


def test_what_is_dropped_is_no_candidate_and_may_come_again() -> None:
    queue = Queue()
    queue.put(view(1, 10), 10)
    queue.drop("archive-1")
    queue.drop("archive-1")
    assert (len(queue), list(queue.candidates())) == (0, [])
    queue.put(view(1, 10), 10)
    assert list(queue.candidates()) == ["archive-1"]


def test_an_archive_that_gets_another_owner_is_in_the_queue_once() -> None:
    queue = Queue()
    queue.put(view(1, 10, "anna"), 10)
    queue.put(view(1, 10, "ben"), 10)
    assert list(queue.candidates()) == ["archive-1"]


def test_what_is_dropped_while_somebody_looks_through_the_queue_disturbs_nobody() -> None:
    queue = Queue()
    for number in range(6):
        queue.put(view(number, 10, f"owner-{number % 2}"), 10)
    seen = []
    for archive_id in queue.candidates():
        seen.append(archive_id)
        for number in (2, 4, 1):
            queue.drop(f"archive-{number}")
    assert set(seen) - {"archive-1", "archive-2", "archive-4"} == {"archive-0", "archive-3", "archive-5"}


def test_one_owners_terabyte_does_not_hold_up_anothers_files() -> None:
    queue = Queue()
    queue.put(view(1, 10**12, "anna"), 10**12)
    queue.put(view(2, 10**9, "ben"), 10**9)
    served: list[str] = []
    for _ in range(20):
        owner = "anna" if first(queue) == "archive-1" else "ben"
        served.append(owner)
        queue.started(owner, 16 << 20)
        queue.ended(owner, 16 << 20, 16 << 20)
    assert abs(served.count("anna") - served.count("ben")) <= 1


def test_slots_that_choose_at_the_same_time_choose_different_owners() -> None:
    queue = Queue()
    for number, owner in enumerate(("anna", "ben", "cleo")):
        queue.put(view(number, 10**12, owner), 10**12)
    chosen = []
    for owner in ("anna", "ben", "cleo"):
        chosen.append(first(queue))
        queue.started(owner, 16)
    assert chosen == ["archive-0", "archive-1", "archive-2"]


def test_who_sent_much_long_ago_owes_nothing_any_more() -> None:
    now_s = 0.0
    shares = Shares(lambda: now_s)
    shares.started("anna", 100)
    shares.ended("anna", 100, 10**9)
    assert shares.load_bytes("anna") == 10**9
    now_s = 600.0
    assert shares.load_bytes("anna") == 5 * 10**8
    now_s = 600.0 * 40
    assert shares.load_bytes("anna") < 1


def test_what_was_put_first_by_hand_goes_before_all_others_in_that_order() -> None:
    queue = Queue(lambda: ("archive-3", "archive-9", "archive-2"))
    for number in range(5):
        queue.put(view(number, 10, f"owner-{number}"), 10)
    queue.started("owner-3", 10**12)
    assert list(queue.candidates()) == ["archive-3", "archive-2", "archive-0", "archive-1", "archive-4"]


def test_a_choice_among_ten_thousand_archives_costs_about_as_much_as_among_a_hundred() -> None:
    def cost_s(archives: int) -> float:
        queue = Queue()
        for number in range(archives):
            queue.put(view(number, number, f"owner-{number % 4}"), number)
        best = float("inf")
        for _ in range(15):
            started_s = perf_counter()
            for turn in range(100):
                archive_id = next(itertools.islice(queue.candidates(), 3, None))
                queue.started(f"owner-{turn % 4}", 16)
                queue.put(view(int(archive_id.partition("-")[2]), 7, f"owner-{int(archive_id.partition('-')[2]) % 4}"), turn)
            best = min(best, perf_counter() - started_s)
        return best

    assert cost_s(10_000) < 4 * cost_s(100)
