"""When a topic's next message may go."""

from __future__ import annotations

from appliance.pacing import Budget, Pacer, Report
from mqtt.messages import Disk

TOPIC = "disk"


def report(*, total: int = 1, free: int = 1, reserve: int = 1) -> Report:
    """In these tests ``total_bytes`` is news, ``reserve_bytes`` a count, ``free_bytes`` progress."""
    disk = Disk(total_bytes=total, free_bytes=free, reserve_bytes=reserve)
    return Report(disk, {"free_bytes": True}, {"reserve_bytes": True}, progress_gap_s=30.0)


def sent(*times: tuple[float, Report]) -> Pacer:
    pacer = Pacer()
    for at_s, each in times:
        pacer.sent(TOPIC, each, at_s)
    return pacer


def test_what_was_never_sent_may_go_and_what_is_there_already_need_not() -> None:
    assert Pacer().due_s(TOPIC, report()) == 0.0
    assert sent((10.0, report())).due_s(TOPIC, report()) is None


def test_news_goes_at_once_and_once_more_then_a_second_after_the_first_of_the_two() -> None:
    assert sent((10.0, report())).due_s(TOPIC, report(total=2)) == 10.0
    assert sent((10.0, report()), (10.1, report(total=2))).due_s(TOPIC, report(total=3)) == 11.0


def test_a_count_waits_half_a_second_and_progress_its_time_so_that_news_can_go_in_between() -> None:
    before = sent((10.0, report()))
    assert before.due_s(TOPIC, report(reserve=2)) == 10.5
    assert before.due_s(TOPIC, report(free=2)) == 40.0
    assert before.due_s(TOPIC, report(free=2, total=2)) == 10.0


def test_clearing_is_news_and_is_told_once() -> None:
    before = sent((10.0, report()))
    assert before.due_s(TOPIC, Report(None)) == 10.0
    before.sent(TOPIC, Report(None), 10.2)
    assert before.due_s(TOPIC, Report(None)) is None
    assert before.due_s(TOPIC, report()) == 11.0


def test_after_a_reconnect_all_goes_again_at_once() -> None:
    before = sent((10.0, report()), (10.1, report(total=2)))
    before.forget()
    assert before.due_s(TOPIC, report(total=2)) == 0.0


def test_a_budget_gives_some_at_once_and_then_so_many_a_second() -> None:
    budget = Budget(2, 4.0)
    assert [budget.spend(10.0) for _ in range(3)] == [True, True, False]
    assert budget.next_s(10.0) == 10.25
    assert [budget.spend(10.25) for _ in range(2)] == [True, False]
    assert budget.left(99.0) == 2
