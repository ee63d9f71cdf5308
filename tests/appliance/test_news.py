"""How often a household is told of a long transfer: the states of one, minute by minute, against the pace of messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from appliance import news
from appliance.pacing import Pacer
from appliance.steady import Steady, coarse_s, three_digits
from mqtt.messages import ActiveConnection, ApplianceState, Counts, Disk, Queue

START = datetime(2026, 11, 25, tzinfo=UTC)
BATCH_BYTES = 16 << 20
TOPIC = "appliance/state"


def state(left_bytes: int, size_bytes: int, rate: float, at: datetime, steady: Steady) -> ApplianceState:
    """As the appliance says it when so much is left."""
    eta_s = left_bytes / rate
    return ApplianceState(
        appliance_id="test", status="transferring", status_reason="files are on their way to the remote", version="1", started_at=START,
        counts=Counts(archives=1, received=0, partial=1, remote=0, proven=0, local=1, damaged=0, lost=0, removed=0),
        stored_bytes=size_bytes, bytes_at_risk=left_bytes, protected_by_at=steady.at("by", at + timedelta(seconds=eta_s), eta_s),
        upload_rate_bytes_per_s=steady.rate("up", rate), eta_s=coarse_s(eta_s), progress_ratio=round(1 - left_bytes / size_bytes, 3),
        queue=Queue(batches_up=left_bytes // BATCH_BYTES, bytes_up=round(three_digits(left_bytes)), batches_down=0, bytes_down=0),
        paused=False, upload_limit_kb_per_s=0, active_connection=ActiveConnection(id="c", name="drive", kind="drive"),
        disk=Disk(total_bytes=1, free_bytes=1, reserve_bytes=0),
    )  # fmt: skip


def told(size_bytes: int, rate: float, step_s: float) -> list[float]:
    """When (s) a message went, of a transfer of that size and rate that is looked at every ``step_s``."""
    pacer, steady, times = Pacer(), Steady(), []
    for step in range(int(size_bytes / rate / step_s)):
        now_s = step * step_s
        left_bytes = size_bytes - int(now_s * rate) // BATCH_BYTES * BATCH_BYTES
        report = news.of_appliance(state(left_bytes, size_bytes, rate, START + timedelta(seconds=now_s), steady))
        due_s = pacer.due_s(TOPIC, report)
        if due_s is not None and due_s <= now_s:
            pacer.sent(TOPIC, report, now_s)
            times.append(now_s)
    return times


def test_days_of_a_slow_line_are_told_once_a_minute_and_their_last_hours_a_little_finer() -> None:
    times = told(60 * 10**9, 600_000, 30)  # 28 hours
    assert len(times) <= 28 * 60 + 300
    between_s = [later - earlier for earlier, later in pairwise(times)]
    assert all(gap_s >= 60 for gap_s in between_s[: 22 * 60])
    assert max(between_s) <= 120, "and still it is told that it goes on"


def test_a_fast_disk_is_told_of_in_some_hundred_steps() -> None:
    times = told(60 * 10**9, 100_000_000, 0.5)  # 10 minutes
    assert 100 <= len(times) <= 301


def test_that_all_is_safe_and_that_something_is_not_any_more_is_news() -> None:
    pacer, steady = Pacer(), Steady()
    for now_s, left_bytes in ((10.0, BATCH_BYTES), (11.5, 0), (13.0, BATCH_BYTES)):
        report = news.of_appliance(state(left_bytes, 10**9, 600_000, START, steady))
        assert (pacer.due_s(TOPIC, report) or 0.0) <= now_s
        pacer.sent(TOPIC, report, now_s)
    more = news.of_appliance(state(2 * BATCH_BYTES, 10**9, 600_000, START, steady))
    assert (pacer.due_s(TOPIC, more) or 0.0) >= 15.0
