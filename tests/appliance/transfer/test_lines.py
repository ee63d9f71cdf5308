"""The ways to a connection: who may try when, and what ends a wait."""

from __future__ import annotations

import pytest

from appliance import clock, errors
from appliance.errors import (
    ClockWrong,
    DailyLimit,
    RemoteAway,
    RemoteBusy,
    RemoteError,
    RemoteFull,
    RemoteReadOnly,
    RemoteRefused,
    SignInNeeded,
)
from appliance.remotes.remote import PIECE_BYTES
from appliance.transfer.gates import Moving, TransferGate
from appliance.transfer.lines import Lines
from appliance.transfer.steps import needs_you, next_step
from appliance.transfer.throttle import RateMeter
from mqtt.messages import Direction

UP, DOWN = Direction.UP, Direction.DOWN
CAP_S = 300.0


@pytest.fixture
def now_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic time, which a test sets."""
    now = [1000.0]
    monkeypatch.setattr(clock, "monotonic_s", lambda: now[0])
    return now


@pytest.fixture
def lines(now_s: list[float]) -> Lines:
    return Lines(lambda: CAP_S, lambda _: None)


def wait_s(lines: Lines, now_s: list[float]) -> float:
    """Until the only line that is closed may be tried."""
    return max(lines.openings_s(), default=now_s[0]) - now_s[0]


def test_slots_that_are_cut_off_together_wait_as_long_as_one(now_s: list[float]) -> None:
    for _ in range(50):
        lines = Lines(lambda: CAP_S, lambda _: None)
        tickets = [lines.enter("drive", UP) for _ in range(3)]
        attempts = [lines.failed("drive", RemoteBusy("later"), UP, ticket, is_local=False) for ticket in tickets]
        assert attempts == [1, 1, 1]
        assert wait_s(lines, now_s) <= 1.0


def test_failures_one_after_the_other_wait_longer_and_longer(lines: Lines, now_s: list[float]) -> None:
    longest = 0.0
    for number in range(12):
        assert lines.failed("drive", RemoteBusy("later"), UP, lines.enter("drive", UP), is_local=False) == number + 1
        longest = max(longest, wait_s(lines, now_s))
        now_s[0] += CAP_S
    assert longest > 20


def test_after_a_failure_one_slot_tries_and_the_others_follow_once_bytes_move(lines: Lines, now_s: list[float]) -> None:
    lines.failed("drive", RemoteBusy("later"), UP, lines.enter("drive", UP), is_local=False)
    now_s[0] += 1
    assert lines.is_open("drive", UP)
    ticket = lines.enter("drive", UP)
    assert not lines.is_open("drive", UP)
    lines.leave("drive", UP, ticket)
    assert lines.is_open("drive", UP)
    lines.enter("drive", UP)
    lines.succeeded("drive", UP, ticket)
    assert lines.is_open("drive", UP)
    assert lines.trouble("drive") == (None, None, None)


def test_a_success_that_was_on_its_way_ends_a_back_off_but_neither_a_retry_after_nor_a_no(lines: Lines) -> None:
    for error, is_open in (
        (RemoteBusy("later"), True), (RemoteBusy("in a minute", 60), False), (RemoteFull("full"), False), (SignInNeeded("who?"), False),
    ):  # fmt: skip
        lines.succeeded("drive")
        early = lines.enter("drive", UP)
        lines.failed("drive", error, UP, lines.enter("drive", UP), is_local=False)
        lines.succeeded("drive", UP, early)
        assert lines.is_open("drive", UP) is is_open, error


def test_the_longest_retry_after_of_several_counts(lines: Lines, now_s: list[float]) -> None:
    tickets = [lines.enter("drive", UP) for _ in range(3)]
    for ticket, told_s in zip(tickets, (None, 60.0, 20.0), strict=True):
        lines.failed("drive", RemoteBusy("later", told_s), UP, ticket, is_local=False)
    assert 60 <= wait_s(lines, now_s) <= 62
    lines.retry_now()
    assert not lines.is_open("drive", UP)


@pytest.mark.parametrize("error", [RemoteFull("full"), RemoteReadOnly("ro"), RemoteRefused("no"), DailyLimit("750 GB", 3600)])
def test_what_keeps_us_from_writing_does_not_keep_us_from_reading(lines: Lines, error: RemoteError) -> None:
    lines.failed("drive", error, UP, lines.enter("drive", UP), is_local=False)
    assert not lines.is_open("drive", UP)
    assert lines.is_open("drive", DOWN)
    assert lines.unreachable() == frozenset()
    lines.succeeded("drive", DOWN, lines.enter("drive", DOWN))
    assert not lines.is_open("drive", UP)
    assert lines.trouble("drive")[2] == error.code


@pytest.mark.parametrize("error", [RemoteAway("cut"), RemoteBusy("503"), SignInNeeded("who?"), ClockWrong("1970")])
def test_what_is_wrong_with_the_way_itself_closes_both_directions(lines: Lines, error: RemoteError) -> None:
    lines.failed("drive", error, UP, lines.enter("drive", UP), is_local=False)
    assert not lines.is_open("drive", DOWN)
    assert lines.unreachable() == {"drive"}


def test_what_needs_a_person_is_tried_seldom_and_at_once_when_he_has_done_it(lines: Lines, now_s: list[float]) -> None:
    for error in (SignInNeeded("who?"), RemoteRefused("no"), RemoteFull("full")):
        lines.failed("drive", error, UP, lines.enter("drive", UP), is_local=False)
        assert CAP_S / 2 <= wait_s(lines, now_s) <= CAP_S
        lines.succeeded("drive")
        assert lines.is_open("drive", UP)


def test_disks_networks_and_clocks_come_back_all_of_a_sudden_and_are_looked_for_often(lines: Lines, now_s: list[float]) -> None:
    for error, is_local in ((RemoteAway("cut"), False), (ClockWrong("1970"), False), (RemoteFull("full"), True)):
        for _ in range(20):
            lines.failed("drive", error, UP, lines.enter("drive", UP), is_local=is_local)
            assert wait_s(lines, now_s) <= 15
            now_s[0] += 15
        lines.succeeded("drive")


def test_a_daily_limit_is_kept_until_its_window_opens_whatever_button_is_pressed(lines: Lines, now_s: list[float]) -> None:
    lines.failed("drive", DailyLimit("750 GB a day", 7 * 3600), UP, lines.enter("drive", UP), is_local=False)
    lines.retry_now()
    assert 7 * 3600 <= wait_s(lines, now_s) <= 7 * 3600 + 1


def remote_errors() -> list[type[RemoteError]]:
    return [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, RemoteError) and each is not RemoteError]


@pytest.mark.parametrize("kind", remote_errors())
def test_every_error_of_a_remote_has_a_next_step_of_its_own(kind: type[RemoteError]) -> None:
    step = next_step(kind("what happened"), "My Drive")
    assert step != next_step(RemoteError("what happened"), "My Drive")
    assert "{" not in step
    assert needs_you(kind("what happened")) is not kind.retriable, "what passes by itself needs nobody, the rest does"


def test_a_batch_proves_its_line_with_the_first_mib_and_not_with_its_last() -> None:
    proved: list[int] = []
    moving = Moving(0, "archive", 0, "drive", UP, False, 16 << 20, clock.now())
    gate = TransferGate(moving, lambda _: True, None, RateMeter(), lambda: proved.append(moving.done_bytes))
    for _ in range(64):
        gate(PIECE_BYTES)
    assert proved == [1 << 20]
