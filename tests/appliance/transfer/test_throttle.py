"""The upload limit, measured with threads and the real clock."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import pytest

from appliance import clock
from appliance.errors import Stopped
from appliance.remotes.remote import PIECE_BYTES
from appliance.transfer.throttle import RateMeter, Throttle
from tests.waiting import at_best, wait_for


def never() -> bool:
    return False


@dataclass
class Load:
    """Threads that take pieces as fast as they may, as slots do, until they are ended; what each got, and when."""

    throttle: Throttle
    threads: int = 3
    pause_s: Callable[[int], float] = lambda _: 0.0
    taken: list[tuple[float, int, int]] = field(default_factory=list)  # (when, thread, bytes)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._running = [threading.Thread(target=self._take, args=(number,), daemon=True) for number in range(self.threads)]
        for thread in self._running:
            thread.start()
        return self

    def _take(self, number: int) -> None:
        try:
            while not self.stopping.wait(self.pause_s(number)):
                size_bytes = self.throttle.piece_bytes()
                self.throttle.take(size_bytes, self.stopping.is_set)
                self.taken.append((time.monotonic(), number, size_bytes))
        except Stopped:
            return

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self._running:
            thread.join(5)
            assert not thread.is_alive()

    def bytes_between(self, start_s: float, end_s: float) -> int:
        return sum(size_bytes for when, _, size_bytes in list(self.taken) if start_s <= when < end_s)

    def bytes_by_thread(self) -> list[int]:
        return [sum(size for _, number, size in list(self.taken) if number == each) for each in range(self.threads)]


RATES = (10_000, 100_000, 600_000, 20_000_000)


def test_the_rate_is_kept_within_5_percent_in_every_window_of_10_s_whoever_asks() -> None:
    def missing() -> float:
        """What the worst window lacks, as a share of what it might have had."""
        start_s = time.monotonic()
        with Load(Throttle(RATES[0])) as a, Load(Throttle(RATES[1])) as b, Load(Throttle(RATES[2])) as c, Load(Throttle(RATES[3])) as d:
            wait_for(lambda: time.monotonic() - start_s > 11.2, what="11 s to pass")
        shares: list[float] = []
        for rate, load in zip(RATES, (a, b, c, d), strict=True):
            windows = [load.bytes_between(start_s + at / 20, start_s + at / 20 + 10) for at in range(22)]
            assert max(windows) <= 1.05 * 10 * rate, rate
            shares.append(1 - min(windows) / (10 * rate))
        return max(shares)

    assert at_best(missing, 0.05, tries=3) < 0.05


def test_all_slots_get_the_same_share() -> None:
    with Load(Throttle(8_000_000), threads=4) as load:
        wait_for(lambda: len(load.taken) >= 40)
    shares = load.bytes_by_thread()
    assert max(shares) - min(shares) <= 2 * PIECE_BYTES


def test_nothing_is_saved_up_while_nobody_asks() -> None:
    throttle = Throttle(1_000_000)
    start_s = time.monotonic()
    wait_for(lambda: time.monotonic() - start_s > 1)
    begun_s = time.monotonic()
    for _ in range(8):
        throttle.take(125_000, never)
    assert time.monotonic() - begun_s >= 0.74  # a second's worth, of which a quarter was saved


def test_a_slot_that_pauses_for_its_disk_does_not_lose_the_time() -> None:
    def missing() -> float:
        with Load(Throttle(1_000_000), threads=1, pause_s=lambda _: 0.1) as load:
            start_s = time.monotonic()
            wait_for(lambda: time.monotonic() - start_s > 1.5)
        return 1 - load.bytes_between(start_s, start_s + 1.5) / 1_500_000

    assert at_best(missing, 0.1) < 0.1


def in_background(take: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    return thread


def test_a_new_rate_is_obeyed_by_those_that_wait_already() -> None:
    throttle = Throttle(1000)
    waiting = in_background(lambda: throttle.take(60_000, never))
    waiting.join(0.2)
    assert waiting.is_alive()
    throttle.set_rate(1_000_000)
    waiting.join(10)  # at the old rate it would be a minute
    assert not waiting.is_alive()


def test_a_lower_rate_is_obeyed_at_once() -> None:
    throttle = Throttle(10_000_000)
    with Load(throttle) as load:
        wait_for(lambda: len(load.taken) >= 20)
        throttle.set_rate(200_000)
        changed_s = time.monotonic()
        wait_for(lambda: time.monotonic() - changed_s > 1.5)
    later = load.bytes_between(changed_s + 0.2, changed_s + 1.5)
    assert later <= 1.3 * 200_000 + 3 * PIECE_BYTES


def test_no_limit_lets_everything_pass_and_frees_those_that_wait() -> None:
    throttle = Throttle(10)
    waiting = [in_background(lambda: throttle.take(PIECE_BYTES, never)) for _ in range(3)]
    throttle.set_rate(0)
    for thread in waiting:
        thread.join(10)  # at the old rate it would be hours
        assert not thread.is_alive()
    begun_s = time.monotonic()
    for _ in range(1000):
        throttle.take(PIECE_BYTES, never)
    assert time.monotonic() - begun_s < 2


@pytest.mark.parametrize("place", [0, 2], ids=["first in the queue", "last in the queue"])
def test_whoever_is_told_to_stop_does_so_soon_and_has_taken_nothing(place: int) -> None:
    def all_s() -> float:
        throttle = Throttle(100_000)
        stops = [threading.Event() for _ in range(3)]
        ended: list[int] = []
        stopped: list[int] = []

        def take(number: int) -> None:
            try:
                throttle.take(50_000, stops[number].is_set)
            except Stopped:
                stopped.append(number)
            ended.append(number)

        begun_s = time.monotonic()
        threads = [in_background(lambda number=number: take(number)) for number in range(3)]  # type: ignore[misc]  # (a default is bound early)
        stops[place].set()
        for thread in threads:
            thread.join(5)
        took_s = time.monotonic() - begun_s
        assert (stopped, took_s > 0.9) == ([place], True)
        return took_s if ended[0] == place else math.inf  # the first of the others is done after half a second

    assert at_best(all_s, 1.4) < 1.4  # the two others took 100,000 bytes, the stopped one none


def wake_until_asked(throttle: Throttle, asked: list[float]) -> None:
    before = len(asked)

    def is_asked() -> bool:
        throttle.wake()
        return len(asked) > before

    wait_for(is_asked)


def test_wake_makes_a_waiter_ask_at_once_whether_to_stop() -> None:
    throttle, asked = Throttle(1), []
    stop = threading.Event()

    def is_stopped() -> bool:
        asked.append(time.monotonic())
        return stop.is_set()

    def take() -> None:
        with pytest.raises(Stopped):
            throttle.take(1000, is_stopped)

    def forty_s() -> float:
        begun_s = time.monotonic()
        for _ in range(40):
            wake_until_asked(throttle, asked)
        return time.monotonic() - begun_s

    thread = in_background(take)
    assert at_best(forty_s, 2) < 2  # by itself it asks ten times a second: that would be 4 s
    stop.set()
    throttle.wake()
    thread.join(10)
    assert not thread.is_alive()


def test_nothing_is_asked_while_a_lock_is_held() -> None:
    throttle = Throttle(1)

    def changes_the_rate_and_stops() -> bool:
        changer = in_background(lambda: throttle.set_rate(2))
        changer.join(10)
        assert not changer.is_alive()
        return True

    with pytest.raises(Stopped):
        throttle.take(1000, changes_the_rate_and_stops)


def test_nothing_costs_nothing_but_ends_when_told_to() -> None:
    throttle = Throttle(1)
    waiting = threading.Event()

    def take() -> None:
        with pytest.raises(Stopped):
            throttle.take(1000, waiting.is_set)

    thread = in_background(take)
    throttle.take(0, never)
    with pytest.raises(Stopped):
        throttle.take(0, lambda: True)
    waiting.set()
    thread.join(2)


def test_pieces_are_an_eighth_of_a_second() -> None:
    sizes = {rate: Throttle(rate).piece_bytes() for rate in (0, 1000, 80_000, 600_000, 10**9)}
    assert sizes == {0: PIECE_BYTES, 1000: 1024, 80_000: 10_000, 600_000: 75_000, 10**9: PIECE_BYTES}


class Time:
    """The monotonic clock in a test's hands."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 5000.25
        monkeypatch.setattr(clock, "monotonic_s", lambda: self.now_s)


def test_the_meter_shows_the_mean_of_the_last_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    at = Time(monkeypatch)
    meter = RateMeter()
    assert meter.bytes_per_s() == 0
    for _ in range(100):
        meter.add(300)
        meter.add(700)
        at.now_s += 1
    assert meter.bytes_per_s() == pytest.approx(1000, rel=0.02)
    at.now_s += 30
    assert meter.bytes_per_s() == pytest.approx(500, rel=0.05)
    at.now_s += 30
    assert meter.bytes_per_s() == 0


def test_the_meter_is_right_from_the_first_seconds_on_and_after_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    at = Time(monkeypatch)
    meter = RateMeter()
    for _ in range(2):
        at.now_s += 3600
        meter.add(500)
        assert meter.bytes_per_s() == 500
        at.now_s += 5
        meter.add(500)
        assert meter.bytes_per_s() == pytest.approx(200)
