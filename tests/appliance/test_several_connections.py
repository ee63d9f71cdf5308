"""Several connections: the active one gets everything, through the spool where nothing is here, and none loses what it has."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from appliance import durable
from appliance.durable import Operation
from appliance.errors import Refused, RemoteAway, RemoteDamaged
from appliance.remotes.remote import Remote
from appliance.spaces import spaces
from appliance.transfer.choosing import Job
from mqtt.messages import Direction
from tests.faults.wrapped import Around
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024
CONTENT = random.Random(3).randbytes(6 * BATCH + 11)


class Line:
    """Around every remote: what was asked of which folder, and folders that are away."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.spoils: set[str] = set()
        self.asked: list[tuple[str, str, str]] = []
        self.around = Around({"get": self._get, "put": self._put}).around

    def _get(self, inner: Any, remote_id: str, *rest: Any) -> Any:
        return self._through(inner, "get", remote_id, rest)

    def _put(self, inner: Any, remote_id: str, *rest: Any) -> Any:
        return self._through(inner, "put", remote_id, rest)

    def _through(self, inner: Any, call: str, remote_id: str, rest: tuple[Any, ...]) -> Any:
        place = inner._place.folder.name
        if place in self.away:
            raise RemoteAway(f"{place} is in a drawer")
        self.asked.append((place, call, remote_id))
        if call == "put" and place in self.spoils:
            raise RemoteDamaged(f"{place} keeps something else than what was sent")
        return getattr(inner, call)(remote_id, *rest)

    def count(self, place: str, call: str) -> int:
        return sum(asked[:2] == (place, call) and not asked[2].endswith(".json") for asked in self.asked)


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def start(tmp_path: Path, line: Line) -> Iterator[Callable[..., Inside]]:
    running: list[Inside] = []

    def started(**settings: object) -> Inside:
        inside = Inside(tmp_path / "data", batch_bytes=BATCH, wrap=line.around, **settings)
        running.append(inside.__enter__())
        return inside

    yield started
    for inside in running:
        inside.__exit__(None, None, None)


def released(inside: Inside, content: bytes = CONTENT, name: str = "file.bin") -> str:
    archive_id = inside.put(content, name)
    inside.wait_remote(archive_id)
    inside.release(archive_id)
    return archive_id


def batches_in(folder: Path) -> bytes:
    """As a person restores it: the batches in order."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("[0-9]*")))


def rung_on(inside: Inside, archive_id: str, connection_id: str) -> str | None:
    placements = inside.show(archive_id)["placements"]
    return next((each["rung"] for each in placements if each["connection_id"] == connection_id), None)


def wait_carried(inside: Inside, archive_id: str, connection_id: str) -> None:
    wait_for(lambda: rung_on(inside, archive_id, connection_id) in {"remote", "proven"}, what="the archive to be carried over")


def spooled(inside: Inside) -> list[str]:
    return sorted(f"{path.parent.name}/{path.name}" for path in (inside.data / "spool").glob("*/*"))


def stat_of(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("[0-9]*")}


def test_a_released_archive_is_carried_to_the_new_connection_and_the_old_one_keeps_all(
    start: Callable[..., Inside], tmp_path: Path
) -> None:
    inside = start()
    one = inside.connect(tmp_path / "one", "one")
    archive_id = released(inside)
    before = stat_of(tmp_path / "one")
    two = inside.connect(tmp_path / "two", "two")
    wait_carried(inside, archive_id, two)
    folder = inside.remote_folder(tmp_path / "two", archive_id)
    assert batches_in(folder) == CONTENT
    assert hashlib.sha256(CONTENT).hexdigest() in (folder / "manifest.json").read_text()
    assert stat_of(tmp_path / "one") == before
    assert rung_on(inside, archive_id, one) == "remote"
    assert not inside.show(archive_id)["local"]
    wait_for(lambda: not list((inside.data / "spool").iterdir()), what="the spool to be empty")
    assert inside.app.states.appliance().status_reason == "everything is remote"
    assert inside.app.states.appliance().queue.bytes_up == 0


def test_what_is_here_goes_up_from_here_and_nothing_is_fetched(start: Callable[..., Inside], tmp_path: Path, line: Line) -> None:
    inside = start()
    inside.connect(tmp_path / "one", "one")
    archive_id = inside.put(CONTENT)
    inside.wait_remote(archive_id)
    two = inside.connect(tmp_path / "two", "two")
    wait_carried(inside, archive_id, two)
    assert line.count("one", "get") == 0


def test_the_way_down_is_not_limited_the_way_up_is_and_the_spool_holds_one_batch_a_slot(
    start: Callable[..., Inside], tmp_path: Path, line: Line
) -> None:
    inside = start(transfers=2)
    inside.connect(tmp_path / "one", "one")
    archive_id = released(inside)
    inside.ask("settings/set", name="upload_limit_kb_per_s", value=1)
    two = inside.connect(tmp_path / "two", "two")
    wait_for(lambda: len(spooled(inside)) == 2, what="two batches to be fetched")
    wait_for(lambda: any(moving.waits_for_limit for moving in list(inside.app.engine.moving.values())))
    assert inside.app.engine.down_meter.bytes_per_s() > 0
    most = [0]

    def count() -> bool:
        most[0] = max(most[0], len(spooled(inside)))
        return rung_on(inside, archive_id, two) in {"remote", "proven"}

    threading.Event().wait(0.3)  # the time in which a third one could have been fetched
    assert line.count("one", "get") == 2
    inside.ask("settings/set", name="upload_limit_kb_per_s", value=0)
    wait_for(count)
    assert most[0] <= 2
    assert line.count("one", "get") == 7


def test_a_source_that_is_away_is_the_reason_and_holds_up_nothing_else(start: Callable[..., Inside], tmp_path: Path, line: Line) -> None:
    inside = start()
    inside.connect(tmp_path / "one", "one")
    archive_id = released(inside)
    line.away = {"one"}
    two = inside.connect(tmp_path / "two", "two")
    other = inside.put(CONTENT[:BATCH], "other.bin")
    wait_carried(inside, other, two)
    state = wait_for(lambda: (s := inside.show(archive_id))["waiting_until_at"] and s)
    assert "one: one is in a drawer" in state["waiting_for"]
    wait_for(lambda: inside.app.states.appliance().status == "waiting")
    assert "in a drawer" in inside.app.states.appliance().status_reason
    assert inside.app.states.appliance().queue.batches_up == 7
    line.away = set()
    wait_carried(inside, archive_id, two)
    wait_for(lambda: inside.problems() == {})


def test_a_disk_in_a_drawer_does_not_cost_a_look_into_every_ledger(
    start: Callable[..., Inside], tmp_path: Path, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = start(retry_cap_s=3600)
    one = inside.connect(tmp_path / "one", "one")
    ids = {released(inside, b"x", f"{number}.bin") for number in range(8)}
    line.away = {"one"}
    inside.connect(tmp_path / "two", "two")
    wait_for(lambda: inside.app.engine.lines.unreachable() == {one} and not inside.app.engine.moving)
    looked: list[str] = []
    monkeypatch.setattr(inside.app.library, "ledger", looked.append)
    with inside.app.engine._wake:
        monkeypatch.setattr(inside.app.engine.lines, "is_open", lambda connection_id, _: connection_id != one)
        assert inside.app.engine._next_job(0) is None
    assert inside.app.engine.pending()[0] == len(ids)
    assert looked == []
    assert all("in a drawer" in inside.show(archive_id)["waiting_for"] for archive_id in ids)


def test_an_active_connection_that_is_away_costs_nothing_on_the_way_down(start: Callable[..., Inside], tmp_path: Path, line: Line) -> None:
    inside = start(transfers=2)
    inside.connect(tmp_path / "one", "one")
    archive_id = released(inside)
    line.away = {"two"}
    two = inside.connect(tmp_path / "two", "two")
    wait_for(lambda: "in a drawer" in (inside.show(archive_id)["waiting_for"] or ""))
    wait_for(lambda: not inside.app.engine.moving)
    assert line.count("one", "get") <= 2
    line.away = set()
    wait_carried(inside, archive_id, two)
    assert line.count("one", "get") == 7


def test_a_batch_that_is_damaged_at_the_source_is_noted_there_and_taken_from_another_one(
    start: Callable[..., Inside], tmp_path: Path
) -> None:
    inside = start()
    one = inside.connect(tmp_path / "one", "one")
    archive_id = inside.put(CONTENT)
    inside.wait_remote(archive_id)
    two = inside.connect(tmp_path / "two", "two")
    wait_carried(inside, archive_id, two)
    inside.release(archive_id)
    first, second = sorted([(one, "one"), (two, "two")])  # the order in which sources of equal standing are asked
    for name, index in ((first[1], 2), (first[1], 3), (second[1], 1)):
        path = inside.remote_folder(tmp_path / name, archive_id) / f"{index:08d}"
        path.write_bytes(b"\0" * BATCH)
    three = inside.connect(tmp_path / "three", "three")
    wait_carried(inside, archive_id, three)
    assert batches_in(inside.remote_folder(tmp_path / "three", archive_id)) == CONTENT
    noted = {each["connection_id"]: each["batches_stored"] for each in inside.show(archive_id)["placements"]}
    assert (noted[first[0]], noted[second[0]], noted[three]) == (5, 7, 7)
    assert inside.show(archive_id)["health"] == "ok"


def test_damage_on_the_active_connection_is_mended_from_another_one(start: Callable[..., Inside], tmp_path: Path, line: Line) -> None:
    inside = start()
    inside.connect(tmp_path / "one", "one")
    archive_id = released(inside)
    two = inside.connect(tmp_path / "two", "two")
    wait_carried(inside, archive_id, two)
    line.asked.clear()
    folder = inside.remote_folder(tmp_path / "two", archive_id)
    (folder / "00000003").write_bytes(b"\0" * BATCH)
    (folder / "00000005").unlink()
    inside.job("integrity/verify", remote=True)
    wait_carried(inside, archive_id, two)
    assert batches_in(folder) == CONTENT
    assert line.count("one", "get") == 2


def test_the_only_copy_of_a_batch_is_not_replaced_and_its_damage_is_said(start: Callable[..., Inside], tmp_path: Path) -> None:
    inside = start()
    inside.connect(tmp_path / "one", "one")
    archive_id = released(inside)
    bad = inside.remote_folder(tmp_path / "one", archive_id) / "00000001"
    bad.write_bytes(b"\0" * BATCH)
    two = inside.connect(tmp_path / "two", "two")
    wait_for(lambda: inside.show(archive_id)["health"] == "lost")
    wait_for(lambda: len(list(inside.remote_folder(tmp_path / "two", archive_id).glob("[0-9]*"))) == 6)
    assert bad.read_bytes() == b"\0" * BATCH
    assert rung_on(inside, archive_id, two) == "partial"
    wait_for(lambda: inside.app.engine.pending() == (0, 0))


def test_batches_that_cannot_be_sent_do_not_pile_up_in_the_spool(start: Callable[..., Inside], tmp_path: Path, line: Line) -> None:
    inside = start(transfers=2)
    inside.connect(tmp_path / "one", "one")
    archive_id = released(inside)
    line.spoils = {"two"}
    two = inside.connect(tmp_path / "two", "two")
    wait_for(lambda: line.count("two", "put") >= 6)
    assert line.count("one", "get") == 2
    assert "keeps something else" in wait_for(lambda: inside.show(archive_id)["waiting_for"])
    line.spoils = set()
    wait_carried(inside, archive_id, two)


def test_a_disk_that_does_not_keep_what_goes_through_the_spool_is_said_and_nothing_wrong_is_sent(
    start: Callable[..., Inside], tmp_path: Path, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.transfer.engine._STORE_WAIT_S", 0.2)
    inside = start()
    inside.connect(tmp_path / "one", "one")
    archive_id = released(inside)
    spoiled: list[Path] = []

    def spoil(operation: Operation) -> None:
        if not spoiled and operation.kind == "sync" and operation.path.is_relative_to(inside.data / "spool"):
            spoiled.append(operation.path)
            operation.path.write_bytes(b"\0" * BATCH)

    said: list[str] = []  # another slot whose batch was kept may settle it soon
    inside.app.problems.on_change(lambda what, problem: said.append(f"{what} {problem.about}: {problem.message}"))
    durable.observer = spoil
    try:
        two = inside.connect(tmp_path / "two", "two")
        wait_carried(inside, archive_id, two)
    finally:
        durable.observer = None
    assert any(line.startswith("problem_raised spool: the disk did not keep batch") for line in said), said
    assert line.count("two", "put") == 7
    assert batches_in(inside.remote_folder(tmp_path / "two", archive_id)) == CONTENT
    wait_for(lambda: inside.problems() == {})


# What happens meanwhile


@pytest.fixture
def half(start: Callable[..., Inside], tmp_path: Path, line: Line) -> tuple[Inside, str, str, str]:
    """An archive that is carried from "one" to "two", and does not get on: the appliance, the archive, the two connections."""
    inside = start(transfers=2)
    one = inside.connect(tmp_path / "one", "one")
    archive_id = released(inside)
    inside.ask("settings/set", name="upload_limit_kb_per_s", value=100)
    two = inside.connect(tmp_path / "two", "two")
    wait_for(lambda: line.count("two", "put") >= 3 and spooled(inside))
    inside.ask("settings/set", name="upload_limit_kb_per_s", value=1)
    assert rung_on(inside, archive_id, two) in {"partial", "received"}
    return inside, archive_id, one, two


Half = tuple[Inside, str, str, str]


def go_on(inside: Inside) -> None:
    inside.ask("settings/set", name="upload_limit_kb_per_s", value=0)


def test_a_restore_in_the_middle_brings_it_back_and_the_rest_goes_up_from_here(half: Half, tmp_path: Path) -> None:
    inside, archive_id, one, two = half
    inside.ask("archive/restore", archive=archive_id)
    inside.wait_local(archive_id)
    go_on(inside)
    wait_carried(inside, archive_id, two)
    assert inside.local_bytes(archive_id) == CONTENT
    assert batches_in(inside.remote_folder(tmp_path / "two", archive_id)) == CONTENT
    assert rung_on(inside, archive_id, one) == "remote"
    wait_for(lambda: not list((inside.data / "spool").iterdir()))


def test_a_removal_in_the_middle_leaves_nothing_in_the_spool_and_its_undo_goes_on(half: Half, tmp_path: Path) -> None:
    inside, archive_id, _, two = half
    inside.ask("archive/remove", archive=archive_id)
    wait_for(lambda: not list((inside.data / "spool").iterdir()))
    assert inside.app.engine.pending() == (0, 0)
    inside.ask("archive/undo", archive=archive_id)
    go_on(inside)
    wait_carried(inside, archive_id, two)
    assert batches_in(inside.remote_folder(tmp_path / "two", archive_id)) == CONTENT


def test_activating_the_old_connection_again_ends_the_carrying(half: Half, tmp_path: Path) -> None:
    inside, archive_id, one, _ = half
    inside.ask("connection/activate", connection=one)
    go_on(inside)
    wait_for(lambda: not list((inside.data / "spool").iterdir()))
    assert inside.app.engine.pending() == (0, 0)
    assert batches_in(inside.remote_folder(tmp_path / "one", archive_id)) == CONTENT


def test_a_connection_is_not_removed_before_all_was_carried_over(half: Half) -> None:
    inside, archive_id, one, two = half
    with pytest.raises(Refused, match=rf"1 archive \({len(CONTENT):,} bytes\) has its only copy there"):
        inside.ask("connection/remove", connection=one)
    go_on(inside)
    wait_carried(inside, archive_id, two)
    inside.ask("connection/remove", connection=one)
    assert inside.show(archive_id)["rung"] in {"remote", "proven"}


def test_the_connection_that_it_is_carried_to_may_go_and_takes_nothing_with_it(half: Half, tmp_path: Path) -> None:
    inside, archive_id, one, two = half
    inside.ask("connection/remove", connection=two)
    go_on(inside)
    wait_for(lambda: not inside.app.engine.moving)
    assert inside.show(archive_id)["health"] == "ok"
    three = inside.connect(tmp_path / "three", "three")
    wait_carried(inside, archive_id, three)
    assert rung_on(inside, archive_id, one) == "remote"
    assert batches_in(inside.remote_folder(tmp_path / "three", archive_id)) == CONTENT


def test_of_what_is_partly_here_and_partly_there_neither_connection_may_go(start: Callable[..., Inside], tmp_path: Path) -> None:
    inside = start()
    one = inside.connect(tmp_path / "one", "one")
    archive_id = inside.put(CONTENT)
    inside.wait_remote(archive_id)
    two = inside.connect(tmp_path / "two", "two")
    wait_carried(inside, archive_id, two)
    inside.release(archive_id)
    inside.ask("transfer/pause")
    ledger = inside.app.library.ledger(archive_id)
    ledger.unstored(one, 0, "damaged")
    ledger.unstored(two, 1, "damaged")
    inside.app.library.changed(archive_id)
    for connection in (one, two):
        with pytest.raises(Refused, match="only copy"):
            inside.ask("connection/remove", connection=connection)
    inside.ask("transfer/resume")
    wait_carried(inside, archive_id, two)
    inside.ask("connection/remove", connection=one)


def test_a_job_that_was_chosen_before_the_archive_changed_hands_is_not_done(start: Callable[..., Inside], tmp_path: Path) -> None:
    inside = start()
    one = inside.connect(tmp_path / "one", "one")
    archive_id = inside.put(CONTENT)
    inside.wait_remote(archive_id)
    inside.ask("transfer/pause")
    two = inside.connect(tmp_path / "two", "two")
    sent, carried = Job(archive_id, 0, two, Direction.UP), Job(archive_id, 0, two, Direction.UP, carried=True)
    fetched, restored = Job(archive_id, 0, one, Direction.DOWN, carried=True), Job(archive_id, 0, one, Direction.DOWN)

    def wanted() -> list[Job]:
        return [job for job in (sent, carried, fetched, restored) if inside.app.engine._chooser.is_wanted(job)]

    assert wanted() == [sent]
    inside.release(archive_id)
    assert wanted() == [carried, fetched, restored]
    inside.ask("archive/remove", archive=archive_id)
    assert wanted() == []


# What a crash leaves


def leave(inside: Inside, archive_id: str, index: int, content: bytes) -> Path:
    path = inside.data / "spool" / archive_id / f"{index:08d}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def test_leftovers_are_sent_where_they_are_right_and_fetched_again_where_not(tmp_path: Path, line: Line) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH, wrap=line.around) as inside:
        inside.connect(tmp_path / "one", "one")
        archive_id = released(inside)
        inside.ask("transfer/pause")
        two = inside.connect(tmp_path / "two", "two")
    leave(inside, archive_id, 0, CONTENT[:BATCH])
    leave(inside, archive_id, 1, b"\0" * BATCH)
    leave(inside, archive_id, 2, CONTENT[2 * BATCH : 2 * BATCH + 100])
    with Inside(tmp_path / "data", batch_bytes=BATCH, wrap=line.around) as inside:
        inside.ask("transfer/resume")
        wait_carried(inside, archive_id, two)
        assert batches_in(inside.remote_folder(tmp_path / "two", archive_id)) == CONTENT
        assert sorted(int(asked[2][-8:]) for asked in line.asked if asked[1] == "get") == [1, 2, 3, 4, 5, 6]
        assert line.count("two", "put") == 7, "nothing wrong was sent"
        failed = [entry.index for entry in inside.app.library.ledger(archive_id).history(100) if entry.kind == "failed"]
        assert failed == [1], "half a file is no failure"
        wait_for(lambda: not list((inside.data / "spool").iterdir()))


def test_a_leftover_needs_no_source(tmp_path: Path, line: Line) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH, wrap=line.around) as inside:
        inside.connect(tmp_path / "one", "one")
        archive_id = released(inside)
        inside.ask("transfer/pause")
        inside.connect(tmp_path / "two", "two")
    leave(inside, archive_id, 4, CONTENT[4 * BATCH : 5 * BATCH])
    line.away = {"one"}
    with Inside(tmp_path / "data", batch_bytes=BATCH, wrap=line.around) as inside:
        inside.ask("transfer/resume")
        wait_for((inside.remote_folder(tmp_path / "two", archive_id) / "00000004").exists)


def test_leftovers_of_nobody_are_listed_and_left_alone(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        inside.connect(tmp_path / "one", "one")
    path = leave(inside, "nobodys-archive", 0, b"whose is this?")
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        archive_id = released(inside)
        two = inside.connect(tmp_path / "two", "two")
        wait_carried(inside, archive_id, two)
        found = inside.job("integrity/orphans")["result"]["orphans"]
        assert [(each["where"], each["archive_id"]) for each in found] == [("spool", "nobodys-archive")]
        assert path.read_bytes() == b"whose is this?"


def test_without_room_only_the_carrying_waits_and_says_so(
    start: Callable[..., Inside], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.transfer.engine._STORE_WAIT_S", 0.2)
    inside = start()
    inside.connect(tmp_path / "one", "one")
    archive_id = released(inside)
    other = inside.put(CONTENT, "other.bin")
    [space] = spaces(inside.app.folder, 0)
    nearly_full = replace(space, disk=space.disk.model_copy(update={"free_bytes": 5}))
    monkeypatch.setattr(inside.app.intake.admission, "_spaces", lambda: [nearly_full])
    two = inside.connect(tmp_path / "two", "two")
    wait_carried(inside, other, two)
    wait_for(lambda: "disk_full" in inside.problems())
    assert "can be used" in inside.problems()["disk_full"]
    wait_for(lambda: "room" in (inside.show(archive_id)["waiting_for"] or ""))
    monkeypatch.undo()
    wait_carried(inside, archive_id, two)
    wait_for(lambda: "disk_full" not in inside.problems())


# Sources that are far away


class Far:
    """Around a folder: a remote that is not local, and which denies having one batch, for as long as the test says."""

    def __init__(self, inner: Any, denied: dict[str, int]) -> None:
        self._inner, self._denied = inner, denied
        self.is_local = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _denies(self, remote_id: str) -> bool:
        left = self._denied.get(remote_id[-8:], 0) if self._inner._place.folder.name == "one" else 0
        self._denied[remote_id[-8:]] = max(0, left - 1)
        return left > 0

    def get(self, remote_id: str, *rest: Any) -> Any:
        if self._denied.get(remote_id[-8:]) and self._inner._place.folder.name == "one":
            raise RemoteDamaged(f"{remote_id} is gone")
        return self._inner.get(remote_id, *rest)

    def stat(self, remote_id: str, *rest: Any) -> Any:
        return None if self._denies(remote_id) else self._inner.stat(remote_id, *rest)


@pytest.mark.parametrize(("answers", "is_believed"), [(2, False), (10**6, True)])
def test_an_absence_is_believed_when_it_is_confirmed_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: int, is_believed: bool
) -> None:
    monkeypatch.setattr("appliance.transfer.failures._SURE_AFTER_S", 0.5 if is_believed else 60)
    denied: dict[str, int] = {}
    with Inside(tmp_path / "data", batch_bytes=BATCH, wrap=lambda inner: cast("Remote", Far(inner, denied))) as inside:
        one = inside.connect(tmp_path / "one", "one")
        archive_id = released(inside)
        denied["00000002"] = answers
        two = inside.connect(tmp_path / "two", "two")
        ledger = inside.app.library.ledger(archive_id)
        if is_believed:
            wait_for(lambda: not ledger.is_stored(one, 2))
            wait_for(lambda: inside.show(archive_id)["health"] == "lost")
        else:
            wait_carried(inside, archive_id, two)
            assert ledger.stored_count(one) == 7


def test_a_batch_that_is_carried_costs_the_sd_card_as_little_as_any_other(start: Callable[..., Inside], tmp_path: Path) -> None:
    inside = start()
    inside.connect(tmp_path / "one", "one")
    archive_id = released(inside)
    inside.app.engine.pause(True)
    two = inside.connect(tmp_path / "two", "two")
    syncs: list[Operation] = []
    noted_bytes = 0

    def observe(operation: Operation) -> None:
        nonlocal noted_bytes
        if operation.path.is_relative_to(inside.data):
            syncs.extend([operation] if operation.kind in {"sync", "sync_dir"} else [])
            noted_bytes += len(operation.data) if operation.path.parent.name == "ledger" else 0

    durable.observer = observe
    try:
        inside.app.engine.pause(False)
        wait_carried(inside, archive_id, two)
    finally:
        durable.observer = None
    assert len(syncs) <= 4 * 7 + 4  # and for the archive: a folder, the ids, the manifest
    assert noted_bytes <= 1024 * 8
