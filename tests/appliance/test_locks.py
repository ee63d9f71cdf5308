"""The lock of an archive: shared by transfers and checks, had alone by release and removal."""

from __future__ import annotations

import threading

import pytest

from appliance.errors import Conflict
from appliance.locks import ArchiveLocks
from tests.waiting import wait_for


def test_nobody_shares_what_is_had_alone() -> None:
    locks = ArchiveLocks()
    with locks.alone("a"), locks.share("a") as shared, locks.share("b") as other:
        assert not shared
        assert other


def test_whoever_wants_it_alone_waits_for_sharers_and_keeps_new_ones_out() -> None:
    locks, had = ArchiveLocks(), threading.Event()

    def want() -> None:
        with locks.alone("a"):
            had.set()

    thread = threading.Thread(target=want)
    with locks.share("a") as first:
        assert first
        thread.start()
        wait_for(lambda: locks.is_wanted("a"))
        with locks.share("a") as second:
            assert not second
        assert not had.is_set()
    thread.join(5)
    assert had.is_set()
    assert not locks.is_wanted("a")


def test_waiting_too_long_for_it_is_a_conflict_in_words() -> None:
    locks = ArchiveLocks()
    with locks.share("a"), pytest.raises(Conflict, match="busy"), locks.alone("a", timeout_s=0.05):
        pass
    with locks.share("a") as shared:
        assert shared
