"""The keep-local policy: the oldest proven archives go when space gets short, no more than needed, and what cannot go is said."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.data_folder import DataFolder
from appliance.errors import RemoteAway
from appliance.remotes.remote import Remote
from mqtt.messages import Direction, Disk
from tests.inside import Inside

MIB = 1 << 20
TOTAL = 1000 * MIB


class Line:
    """Around the remote: listings fail while it is cut."""

    cut = False

    def around(self, remote: Remote) -> Any:
        line = self

        class Wrapped:
            def __getattr__(self, name: str) -> Any:
                if line.cut and name in {"list_objects", "stat"}:
                    raise RemoteAway("the line is down")
                return getattr(remote, name)

        return Wrapped()


class Kept(Inside):
    """An appliance whose disk has 1000 MiB, of which the local copies and ``other_bytes`` take their part."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: Line) -> None:
        super().__init__(tmp_path / "data", batch_bytes=MIB, wrap=line.around)
        self.other_bytes = 0
        monkeypatch.setattr("appliance.keep_local.store_disk", lambda folder, _reserve: self._disk(folder))

    def _disk(self, folder: DataFolder) -> Disk:
        used = sum(path.stat().st_size for path in folder.store.glob("*/*")) + self.other_bytes
        return Disk(total_bytes=TOTAL, free_bytes=TOTAL - used, reserve_bytes=0)

    def proven(self, count: int) -> list[str]:
        """Archives of 2 MiB, the oldest first, all read back."""
        ids = [self.put(random.Random(seed).randbytes(2 * MIB), f"file-{seed}") for seed in range(count)]
        for each in ids:
            self.wait_remote(each)
        assert self.job("integrity/verify", read_back=True)["state"] == "done"
        return ids

    def want_free(self, missing_mib: int) -> None:
        """So much less than is wanted is free."""
        free_mib = self._disk(self.app.folder).free_bytes // MIB
        self.ask("settings/set", name="keep_free_mib", value=free_mib + missing_mib)

    def look(self) -> None:
        """One look of the policy, now; the thread's own come only every few seconds."""
        keep_local = self.app.housekeeper._keeping.keep_local
        keep_local._rests_until_s = 0.0
        keep_local.look(threading.Event())

    def local(self, ids: list[str]) -> list[bool]:
        return [self.show(each)["local"] for each in ids]

    def why_not(self) -> str:
        return next((p.message for p in self.app.problems.standing() if p.about == "keep-local"), "")


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: Line) -> Iterator[Kept]:
    monkeypatch.setattr("appliance.housekeeping._ROOM_EVERY_S", 3600.0)
    with Kept(tmp_path, monkeypatch, line) as inside:
        inside.connect(tmp_path / "disk")
        yield inside


def test_by_itself_nothing_is_ever_released(kept: Kept) -> None:
    ids = kept.proven(2)
    kept.other_bytes = 900 * MIB
    kept.look()
    assert kept.local(ids) == [True, True]


def test_the_oldest_proven_go_first_one_at_a_time_and_no_more_than_needed(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    ids = kept.proven(4)
    kept.want_free(3)
    kept.look()
    assert kept.local(ids) == [False, False, True, True]
    kept.look()
    assert kept.local(ids) == [False, False, True, True]
    released = [event for event in map(json.loads, kept.outbox.events) if event.get("event") == "archive_released"]
    assert [event["archive_id"] for event in released] == ids[:2]
    assert all("to keep" in event["message"] and "here longest" in event["message"] for event in released)
    assert sum("to keep" in line for line in caplog.messages) == 2
    assert kept.why_not() == ""


def test_what_is_pinned_not_proven_or_removed_stays_and_the_problem_counts_it(kept: Kept) -> None:
    ids = kept.proven(3)
    newer = kept.put(b"x" * MIB, "not proven")
    kept.wait_remote(newer)
    kept.ask("archive/pin", archive=ids[0])
    kept.ask("archive/remove", archive=ids[1])
    kept.want_free(9)
    kept.look()
    assert kept.local([ids[0], ids[2], newer]) == [True, False, True]
    assert (kept.app.folder.trash / ids[1]).exists()
    assert "no more archives can be released: 1 not yet proven, 1 pinned" in kept.why_not()
    problem = next(p for p in kept.app.problems.standing() if p.about == "keep-local")
    assert "pyarchive verify --read-back" in problem.next_step
    assert "pyarchive unpin" in problem.next_step
    kept.ask("settings/set", name="keep_free_mib", value=None)
    kept.look()
    assert kept.why_not() == ""


def test_what_came_back_just_now_is_not_the_first_to_go(kept: Kept) -> None:
    ids = kept.proven(2)
    kept.release(ids[0])
    kept.ask("archive/restore", archive=ids[0])
    kept.wait_local(ids[0])
    for archive_id, year in zip(ids, (2020, 2021), strict=True):
        kept.app.library.update(archive_id, created_at=kept.app.library.archive(archive_id).created_at.replace(year=year))
    kept.want_free(1)
    kept.look()
    assert kept.local(ids) == [True, False]


def test_a_remote_that_does_not_answer_keeps_everything_here(kept: Kept, line: Line) -> None:
    ids = kept.proven(5)
    kept.want_free(3)
    line.cut = True
    kept.look()
    assert kept.local(ids) == [True] * 5
    assert "3 not found right on a remote just now" in kept.why_not()
    line.cut = False
    kept.look()
    assert kept.local(ids) == [True, True, True, False, False]


def test_a_connection_that_is_known_not_to_answer_is_not_asked(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    ids = kept.proven(2)
    kept.want_free(1)
    connection_id = kept.app.connections.find("disk").id
    kept.app.engine.lines.failed(connection_id, RemoteAway("unplugged"), Direction.DOWN, 1 << 30, is_local=True)
    kept.look()
    assert kept.local(ids) == [True, True]
    assert "2 not found right on a remote just now" in kept.why_not()
    assert not any("is not released" in line for line in caplog.messages)


def test_a_copy_that_is_not_right_any_more_keeps_its_archive_here_and_another_goes(kept: Kept, tmp_path: Path) -> None:
    ids = kept.proven(2)
    (kept.remote_folder(tmp_path / "disk", ids[0]) / "00000001").write_bytes(b"rotten")
    kept.want_free(1)
    kept.look()
    assert kept.local(ids) == [True, False]


@pytest.mark.parametrize("harm", ["adopting", "store away"])
def test_in_adopt_mode_and_without_the_store_nothing_goes(kept: Kept, harm: str) -> None:
    ids = kept.proven(2)
    kept.want_free(1)
    if harm == "adopting":
        kept.app.connections.change(kept.app.connections.find("disk").id, adopting="7 archives there are not known here")
    else:
        (kept.app.folder.store / ".pyarchive").unlink()
    kept.look()
    assert kept.local(ids) == [True, True]
    assert ("adopt mode" in kept.why_not()) == (harm == "adopting")


def test_room_that_a_reader_still_holds_is_no_reason_to_release_more(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = kept.proven(3)
    kept.want_free(1)
    disk = kept._disk(kept.app.folder)
    monkeypatch.setattr("appliance.keep_local.store_disk", lambda _folder, _reserve: disk)
    kept.look()
    kept.app.housekeeper._keeping.keep_local.look(threading.Event())
    assert kept.local(ids) == [False, True, True]


def test_a_damaged_or_checked_archive_is_not_touched(kept: Kept) -> None:
    ids = kept.proven(3)
    kept.ask("transfer/pause")
    kept.app.library.ledger(ids[0]).uncached(0, "found bad")
    kept.app.library.changed(ids[0])
    kept.app.verifier.checking.add(ids[1])
    kept.want_free(1)
    kept.look()
    assert kept.local(ids) == [True, True, False]


def test_the_look_ends_when_the_appliance_does(kept: Kept) -> None:
    ids = kept.proven(2)
    kept.want_free(9)
    ended = threading.Event()
    ended.set()
    kept.app.housekeeper._keeping.keep_local.look(ended)
    assert kept.local(ids) == [True, True]
    assert kept.why_not() == ""
