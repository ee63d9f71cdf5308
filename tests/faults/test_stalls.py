"""A remote that does not answer, and code that fails in ways nobody thought of: the rest goes on, and it is said why something waits."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import StoreUnavailable
from appliance.remotes.remote import Remote
from tests.faults.disks import standing, wait_no_problem, wait_problem
from tests.faults.wrapped import Around
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024


def content(size_bytes: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


class Hanging:
    """``put`` (or another call) of objects whose id ends as said hangs until ``answer`` is set, as a dead mount does."""

    def __init__(self, call: str, ending: str = "") -> None:
        self.answer = threading.Event()
        self.hung: list[str] = []
        self._call = call
        self._ending = ending

    def __call__(self, inner: Remote, remote_id: str, *rest: Any) -> Any:
        if remote_id.endswith(self._ending) and not self.answer.is_set():
            self.hung.append(remote_id)
            self.answer.wait()
        return getattr(inner, self._call)(remote_id, *rest)


@pytest.fixture
def hanging() -> Iterator[Callable[..., Hanging]]:
    """``hanging(call, ending)``; whatever hangs is let go at the end."""
    made: list[Hanging] = []

    def make(call: str, ending: str = "") -> Hanging:
        made.append(Hanging(call, ending))
        return made[-1]

    yield make
    for each in made:
        each.answer.set()


def test_a_slot_that_hangs_is_said_and_everything_else_goes_on(data: Path, remote: Path, hanging: Callable[..., Hanging]) -> None:
    first = hanging("put", "/00000000")
    with Inside(data, batch_bytes=BATCH, transfers=1, stall_timeout_s=1, wrap=Around({"put": first}).around) as inside:
        connection_id = inside.connect(remote)
        archive_id = inside.put(content(4 * BATCH))
        problem = wait_problem(inside, "remote_stalled", connection_id)
        assert "the remote does not answer" in problem.message
        wait_for(lambda: inside.show(archive_id)["batches_stored"] == 3, what="the other batches to be stored")
        assert first.hung == [f"{archive_id}/00000000"]
        first.answer.set()
        inside.wait_remote(archive_id)
        wait_no_problem(inside)


def test_a_remote_that_hangs_for_good_holds_up_neither_intake_nor_answers_and_heals_when_it_answers(
    data: Path, remote: Path, hanging: Callable[..., Hanging]
) -> None:
    everything = hanging("put")
    with Inside(data, batch_bytes=BATCH, stall_timeout_s=1, wrap=Around({"put": everything}).around) as inside:
        connection_id = inside.connect(remote)
        first = inside.put(content(3 * BATCH))
        wait_problem(inside, "remote_stalled", connection_id)
        second = inside.put(content(BATCH, 2), "second.bin")
        assert inside.local_bytes(second) == content(BATCH, 2)
        waiting = wait_for(lambda: inside.show(second)["waiting_for"])
        assert "does not answer" in waiting or "turn" in waiting
        everything.answer.set()
        for archive_id in (first, second):
            inside.wait_remote(archive_id)
        wait_no_problem(inside)


@pytest.mark.parametrize("call", ["put", "get", "check", "usage"])
def test_the_appliance_stops_within_5_s_while_a_remote_hangs(data: Path, remote: Path, hanging: Callable[..., Hanging], call: str) -> None:
    script = Around()
    stuck = threading.Event()
    everything = hanging(call)

    def hang(inner: Remote, *arguments: Any) -> Any:
        stuck.set()
        everything.answer.wait()
        return getattr(inner, call)(*arguments)

    inside = Inside(data, batch_bytes=BATCH, wrap=script.around)
    with inside:
        inside.connect(remote)
        archive_id = inside.put(content(2 * BATCH))
        inside.wait_remote(archive_id)
        inside.release(archive_id)
        script.calls[call] = hang
        if call == "usage":
            threading.Thread(target=inside.app.connections.look, daemon=True).start()
        elif call == "get":
            inside.ask("archive/restore", archive=archive_id)
        else:
            inside.put(content(BATCH, 2), "second.bin")
        assert stuck.wait(10)
        started_s = time.monotonic()
        inside.app.stop()
        assert time.monotonic() - started_s < 5
        inside.app.stop = lambda: None  # type: ignore[method-assign]  # it was stopped


def test_a_restore_whose_source_hangs_is_said_and_ends_when_it_answers(data: Path, remote: Path, hanging: Callable[..., Hanging]) -> None:
    everything = hanging("get", "/00000001")
    script = Around()
    with Inside(data, batch_bytes=BATCH, stall_timeout_s=1, wrap=script.around) as inside:
        connection_id = inside.connect(remote)
        archive_id = inside.put(content(3 * BATCH))
        inside.wait_remote(archive_id)
        inside.release(archive_id)
        script.calls["get"] = everything
        inside.ask("archive/restore", archive=archive_id)
        wait_problem(inside, "remote_stalled", connection_id)
        everything.answer.set()
        inside.wait_local(archive_id)
        assert inside.local_bytes(archive_id) == content(3 * BATCH)
        wait_no_problem(inside)


def test_an_exception_that_nobody_thought_of_is_the_reason_why_the_archive_waits(data: Path, remote: Path) -> None:
    def fail(*_: Any) -> Any:
        raise ZeroDivisionError("the ledger of errors has no such line")

    script = Around()
    with Inside(data, batch_bytes=BATCH, retry_cap_s=60, wrap=script.around) as inside:
        inside.connect(remote)
        script.calls["put"] = fail
        archive_id = inside.put(content(2 * BATCH))
        wait_for(lambda: "ZeroDivisionError" in (inside.show(archive_id)["waiting_for"] or ""))
        [waiting] = inside.ask("transfer/list")["waiting"]
        assert (waiting["reason"], waiting["attempts"] > 0) == ("internal error: ZeroDivisionError", True)
        assert sum(thread.name.startswith("slot-") and thread.is_alive() for thread in threading.enumerate()) >= 3
        script.calls.clear()
        inside.ask("transfer/sync")
        inside.wait_remote(archive_id)
        assert standing(inside, "internal") is None


def test_a_failure_while_a_failure_is_written_down_does_not_end_the_slot(data: Path, remote: Path) -> None:
    def fail(*_: Any) -> Any:
        raise OSError("what no remote may raise")

    def fail_too(*_: Any) -> Any:
        raise StoreUnavailable("read-only")

    script = Around()
    with Inside(data, batch_bytes=BATCH, transfers=1, wrap=script.around) as inside:
        inside.connect(remote)
        inside.ask("transfer/pause")
        archive_id = inside.put(content(BATCH))
        ledger = inside.app.library.ledger(archive_id)
        kept, ledger.failed = ledger.failed, fail_too  # type: ignore[method-assign,assignment]  # a disk that fails just then
        script.calls["put"] = fail
        inside.ask("transfer/resume")
        wait_for(lambda: "what no remote" in (inside.show(archive_id)["waiting_for"] or ""))
        wait_for(lambda: inside.show(archive_id)["waiting_for"])
        ledger.failed = kept  # type: ignore[method-assign]
        script.calls.clear()
        inside.ask("transfer/sync")
        inside.wait_remote(archive_id)


def test_slots_without_work_do_not_spin_while_something_waits(data: Path, remote: Path) -> None:
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.connect(remote)
        (remote / ".pyarchive").rename(remote / "gone")
        archive_id = inside.put(content(BATCH))
        wait_for(lambda: inside.show(archive_id)["waiting_for"])
        inside.ask("transfer/pause")
        wait_for(lambda: not inside.app.engine.moving)
        chosen = [0]
        choose = inside.app.engine._next_job

        def counting(slot: int) -> Any:
            chosen[0] += 1
            return choose(slot)

        inside.app.engine._next_job = counting  # type: ignore[method-assign]
        threading.Event().wait(1.5)  # the time of which it is asked how often they look
        assert chosen[0] < 30
        (remote / "gone").rename(remote / ".pyarchive")
        inside.ask("transfer/resume")
        inside.wait_remote(archive_id)
