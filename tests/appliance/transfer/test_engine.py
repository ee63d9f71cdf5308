"""The engine: what waits says why and until when, nothing is given up, and one archive does not hold up another."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance import durable
from appliance.errors import RemoteAway, RemoteBusy, RemoteError, RemoteFull, RemoteReadOnly, RemoteRefused, SignInNeeded
from appliance.remotes.remote import Remote
from appliance.spaces import spaces
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024


class Scripted:
    """A remote around a remote, whose next puts fail as the script says."""

    def __init__(self) -> None:
        self.script: list[Exception] = []
        self.puts: list[str] = []
        self.lock = threading.Lock()

    def around(self, remote: Remote) -> Any:
        script = self

        class Wrapped:
            def __getattr__(self, name: str) -> Any:
                return getattr(remote, name)

            def put(self, remote_id: str, *rest: Any) -> Any:
                with script.lock:
                    failure = script.script.pop(0) if script.script else None
                    script.puts.append(remote_id)
                if failure:
                    raise failure
                return remote.put(remote_id, *rest)

        return Wrapped()


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()


@pytest.fixture
def start(tmp_path: Path, scripted: Scripted) -> Iterator[Callable[..., Inside]]:
    running: list[Inside] = []

    def started(**settings: object) -> Inside:
        inside = Inside(tmp_path / "data", batch_bytes=BATCH, wrap=scripted.around, **settings)
        running.append(inside.__enter__())
        inside.connect(tmp_path / "disk")
        return inside

    yield started
    for inside in running:
        inside.__exit__(None, None, None)


def test_failures_that_may_pass_are_tried_again_until_they_pass(start: Callable[..., Inside], scripted: Scripted) -> None:
    scripted.script = [RemoteAway("the line is down")] * 6 + [RemoteBusy("slow down", 0.1)] * 2
    inside = start(retry_cap_s=1)
    inside.wait_remote(inside.put(b"x" * 3 * BATCH))
    wait_for(lambda: inside.problems() == {})


def test_what_waits_says_why_and_until_when_and_sync_ends_the_waiting(start: Callable[..., Inside], scripted: Scripted) -> None:
    scripted.script = [RemoteFull("the disk has no room")] * 8
    inside = start(retry_cap_s=3600)
    archive_id = inside.put(b"x")
    wait_for(lambda: "remote_full" in inside.problems())
    state = wait_for(lambda: (s := inside.show(archive_id))["waiting_until_at"] and s)
    assert "no room" in state["waiting_for"]
    assert inside.ask("connection/list")["connections"][0]["next_try_at"]
    assert inside.app.states.appliance().status == "needs_you"
    waiting = inside.ask("transfer/list")["waiting"]
    assert [(w["archive_id"], w["direction"], w["batches"]) for w in waiting] == [(archive_id, "up", 1)]
    scripted.script = []
    inside.ask("transfer/sync")
    inside.wait_remote(archive_id)
    wait_for(lambda: inside.problems() == {})


def test_sync_does_not_end_a_retry_after(start: Callable[..., Inside], scripted: Scripted) -> None:
    scripted.script = [RemoteBusy("come back in an hour", 3600)]
    inside = start(transfers=1)
    archive_id = inside.put(b"x")
    wait_for(lambda: inside.show(archive_id)["waiting_until_at"])
    inside.ask("transfer/sync")
    inside.put(b"another")
    assert len(scripted.puts) == 1
    assert inside.show(archive_id)["rung"] == "received"


def test_one_not_now_among_many_answers_is_no_news(start: Callable[..., Inside], scripted: Scripted) -> None:
    inside = start()
    scripted.script = [RemoteBusy("503")]
    inside.wait_remote(inside.put(b"x" * 9 * BATCH))
    assert inside.app.problems.last is None


@pytest.mark.parametrize("error", [RemoteFull("no room"), RemoteReadOnly("mounted read-only"), RemoteRefused("may only be read")])
def test_a_remote_that_takes_nothing_gives_back_what_it_has(start: Callable[..., Inside], scripted: Scripted, error: RemoteError) -> None:
    inside = start(retry_cap_s=3600)
    archive_id = inside.put(b"x" * 3 * BATCH)
    inside.wait_remote(archive_id)
    inside.release(archive_id)
    scripted.script = [error] * 100
    inside.put(b"y", "second.bin")
    wait_for(lambda: (error.code, True) in {(problem.code, problem.needs_you) for problem in inside.app.problems.standing()})
    inside.ask("archive/restore", archive=archive_id)
    inside.wait_local(archive_id)
    assert error.code in inside.problems()
    assert inside.app.states.appliance().status == "needs_you"


def test_without_a_sign_in_little_is_tried_and_with_it_everything_goes_on_at_once(start: Callable[..., Inside], scripted: Scripted) -> None:
    inside = start(retry_cap_s=3600)
    scripted.script = [SignInNeeded("the sign-in was revoked")] * 100
    archive_id = inside.put(b"x" * 3 * BATCH)
    wait_for(lambda: "sign_in_needed" in inside.problems())
    assert "pyarchive connection sign-in disk" in inside.app.states.appliance().status_reason
    assert "revoked" in wait_for(lambda: inside.show(archive_id)["waiting_for"])
    assert len(scripted.puts) <= 3
    scripted.script = []
    inside.app.engine.lines.succeeded(inside.app.connections.find("disk").id)
    inside.wait_remote(archive_id)
    wait_for(lambda: inside.problems() == {})


def test_in_adopt_mode_nothing_goes_up_and_it_is_said_why(start: Callable[..., Inside], scripted: Scripted) -> None:
    inside = start()
    connection_id = inside.app.connections.find("disk").id
    inside.app.connections.change(connection_id, adopting="7 archives there are not known here")
    archive_id = inside.put(b"x")
    wait_for(lambda: "7 archives there" in (inside.show(archive_id)["waiting_for"] or ""))
    assert scripted.puts == []
    assert inside.app.states.appliance().status == "needs_you"
    inside.app.connections.change(connection_id, adopting=None)
    inside.wait_remote(archive_id)


def test_adopt_mode_that_begins_after_a_batch_was_chosen_keeps_it_from_being_sent(
    start: Callable[..., Inside], scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = start()
    connection_id = inside.app.connections.find("disk").id
    monkeypatch.setattr(inside.app.connections, "publish", lambda: None)  # the engine has not heard of it yet
    inside.app.connections.change(connection_id, adopting="7 archives there are not known here")
    archive_id = inside.put(b"x")
    wait_for(lambda: "adopting" in inside.problems())
    assert "pyarchive recover disk" in inside.app.states.appliance().status_reason
    assert scripted.puts == []
    monkeypatch.undo()
    inside.app.connections.change(connection_id, adopting=None)
    inside.wait_remote(archive_id)
    wait_for(lambda: inside.problems() == {})


def test_after_a_failure_one_slot_tries_before_the_others_follow(start: Callable[..., Inside], scripted: Scripted) -> None:
    inside = start(transfers=3)
    inside.ask("transfer/pause")
    archive_id = inside.put(b"x" * 9 * BATCH)
    scripted.script = [RemoteAway("down")] * 5
    inside.ask("transfer/resume")
    inside.wait_remote(archive_id)
    assert len(scripted.puts) <= 5 + 10


def test_a_small_file_does_not_wait_for_the_end_of_a_large_one(start: Callable[..., Inside], scripted: Scripted) -> None:
    inside = start(transfers=1)
    inside.ask("transfer/pause")
    large = inside.put(random.Random(1).randbytes(40 * BATCH), "large")
    small = inside.put(b"small", "small")
    inside.ask("transfer/resume")
    inside.wait_remote(small)
    inside.wait_remote(large)
    order = [remote_id.partition("/")[0] for remote_id in scripted.puts]
    assert order.index(small) < 6
    assert order[:3].count(large) >= 2


def test_an_archive_gets_its_manifest_before_the_next_one_begins(start: Callable[..., Inside], scripted: Scripted) -> None:
    inside = start(transfers=1)
    inside.ask("transfer/pause")
    archives = [inside.put(random.Random(number).randbytes(BATCH), f"file-{number}") for number in range(4)]
    inside.ask("transfer/resume")
    for archive_id in archives:
        inside.wait_remote(archive_id)
    assert [remote_id.partition("/")[0] for remote_id in scripted.puts] == [each for archive_id in archives for each in [archive_id] * 2]


def test_the_upload_limit_can_be_changed_while_a_batch_moves(start: Callable[..., Inside]) -> None:
    inside = start()
    inside.ask("settings/set", name="upload_limit_kb_per_s", value=10)
    archive_id = inside.put(random.Random(1).randbytes(8 * BATCH))
    wait_for(lambda: inside.app.engine.moving)
    inside.ask("settings/set", name="upload_limit_kb_per_s", value=0)
    inside.wait_remote(archive_id, 5)


def test_a_released_archive_that_is_renamed_gets_its_new_manifest(start: Callable[..., Inside], tmp_path: Path) -> None:
    inside = start()
    archive_id = inside.put(b"x" * BATCH, title="Old")
    inside.wait_remote(archive_id)
    inside.release(archive_id)
    inside.ask("archive/rename", archive=archive_id, title="New")
    manifest = inside.remote_folder(tmp_path / "disk", archive_id) / "manifest.json"
    wait_for(lambda: manifest.exists() and '"New"' in manifest.read_text())


def test_a_restore_without_room_waits_with_the_numbers_and_goes_on_when_there_is(
    start: Callable[..., Inside], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.transfer.engine._STORE_WAIT_S", 0.2)
    inside = start()
    archive_id = inside.put(b"x" * BATCH)
    inside.wait_remote(archive_id)
    inside.release(archive_id)
    [space] = spaces(inside.app.folder, 0)
    nearly_full = replace(space, disk=space.disk.model_copy(update={"free_bytes": 5}))
    with monkeypatch.context() as full:
        full.setattr(inside.app.intake.admission, "_spaces", lambda: [nearly_full])
        inside.ask("archive/restore", archive=archive_id)
        wait_for(lambda: "disk_full" in inside.problems())
        assert "can be used" in inside.problems()["disk_full"]
    inside.wait_local(archive_id)
    wait_for(lambda: "disk_full" not in inside.problems())


def test_an_upload_stopped_in_the_middle_of_a_batch_goes_on_without_sending_twice(tmp_path: Path) -> None:
    sent: list[int] = []

    def observe(operation: durable.Operation) -> None:
        if operation.kind == "write" and "disk" in operation.path.parts and "000" in operation.path.name:
            sent.append(len(operation.data))

    content = random.Random(2).randbytes(4 << 20)
    durable.observer = observe
    try:
        with Inside(tmp_path / "data", upload_limit_kb_per_s=1500) as inside:
            inside.connect(tmp_path / "disk")
            archive_id = inside.put(content)
            wait_for(lambda: sum(sent) > 1 << 20)
        assert sum(sent) < len(content)
        with Inside(tmp_path / "data") as inside:
            inside.wait_remote(archive_id)
    finally:
        durable.observer = None
    assert sum(sent) == len(content)
