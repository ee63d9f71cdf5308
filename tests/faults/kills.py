"""SIGKILL at random instants of everything the appliance does; nothing acknowledged may be lost, and little may be sent twice.

Each kill falls into one kind of work, a random time after it began. The work's client goes on by itself, as `pyarchive put` does.
"""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mqtt.requests import RequestFailed
from tests.processes import House
from tests.waiting import wait_for

MIB = 1 << 20
WORK = ("ingest", "upload", "release", "restore", "removal", "compaction")
SPAN_S = {"ingest": 0.3, "upload": 1.2, "release": 0.15, "restore": 0.5, "removal": 0.1, "compaction": 0.5}
_LIMIT_KB_PER_S = 20_000
_RENAMES = 60


@dataclass
class Kept:
    """What was acknowledged: id -> SHA-256 and title; and the ids whose removal was."""

    sha256: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Outcome:
    """Of a campaign. ``sent_twice_bytes`` is counted at the remote, over all kills."""

    seed: int
    kills: int
    archives: int
    sent_bytes: int
    sent_twice_bytes: int


class Campaign:
    """``run()`` does it all in ``folder``; any loss is an AssertionError that names the seed."""

    def __init__(self, folder: Path, seed: int, kills: int, say: Callable[[str], None] = lambda _: None) -> None:
        self.random = random.Random(seed)
        self.seed, self.kills, self.say = seed, kills, say
        self.kept = Kept()
        self.counted = folder / "sent"
        command = ["-m", "tests.faults.counted_appliance", str(self.counted), str(folder / "remote")]
        self.house = House(folder, command, upload_limit_kb_per_s=_LIMIT_KB_PER_S)

    def run(self) -> Outcome:
        with self.house:
            self.house.connect()
            for number in range(self.kills):
                kind = WORK[number % len(WORK)]
                self.kill_during(kind)
                self.check_all_there()
                self.say(f"kill {number + 1} of {self.kills} during {kind}: all {len(self.kept.sha256)} archives are there")
            self.check_contents()
            return self.outcome()

    def kill_during(self, kind: str) -> None:
        work: Callable[[], None] = getattr(self, kind)()
        failed: list[BaseException] = []

        def guarded() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 (handed over to the thread that judges)
                failed.append(error)

        thread = threading.Thread(target=guarded)
        thread.start()
        thread.join(self.random.uniform(0, SPAN_S[kind]))
        self.house.kill()
        self.house.start()
        thread.join(120)
        assert not thread.is_alive(), f"{kind} did not go on after the kill (seed {self.seed})"
        assert not failed, f"{kind} failed after the kill (seed {self.seed}): {failed[0]!r}"

    # The kinds of work: each prepares, and returns what is killed

    def ingest(self) -> Callable[[], None]:
        content = self.random.randbytes(self.random.randrange(1, 12 * MIB))

        def handed_in() -> None:
            self.hand_in(content)

        return handed_in

    def hand_in(self, content: bytes) -> str:
        name = f"file-{len(self.kept.sha256)}.bin"
        archive_id = self.house.put(content, name)
        self.kept.sha256[archive_id] = hashlib.sha256(content).hexdigest()
        self.kept.titles[archive_id], self.kept.sizes[archive_id] = name, len(content)
        return archive_id

    def upload(self) -> Callable[[], None]:
        archive_id = self.hand_in(self.random.randbytes(16 * MIB))
        return lambda: self.house.wait_remote(archive_id) and None

    def a_remote_one(self) -> str:
        ids = [key for key in self.kept.sha256 if key not in self.kept.removed]
        archive_id = self.random.choice(ids) if ids else self.hand_in(self.random.randbytes(5 * MIB))
        self.house.wait_remote(archive_id)
        self.house.ask("archive/restore", archive=archive_id)
        self.house.wait_local(archive_id)
        return archive_id

    def release(self) -> Callable[[], None]:
        archive_id = self.a_remote_one()
        return lambda: self.until_released(archive_id)

    def until_released(self, archive_id: str) -> None:
        def released() -> bool:
            state = self.house.show(archive_id)
            return not state["local"] or (self.house.job("archive/release", archive=archive_id)["state"] == "done")

        wait_for(released, 60, "the release")

    def restore(self) -> Callable[[], None]:
        archive_id = self.a_remote_one()
        self.until_released(archive_id)

        def restored() -> None:
            self.house.ask("archive/restore", archive=archive_id)
            self.house.wait_local(archive_id)

        return restored

    def removal(self) -> Callable[[], None]:
        archive_id = self.a_remote_one()
        back = self.random.random() < 0.7

        def removed() -> None:
            self.repeated("archive/remove", archive_id)
            if back:
                self.repeated("archive/undo", archive_id)
            else:
                self.kept.removed.add(archive_id)

        return removed

    def repeated(self, verb: str, archive_id: str) -> None:
        """A repeat finds that it was done before the kill: an error that says so is as good as an answer."""
        try:
            self.house.ask(verb, archive=archive_id)
        except RequestFailed as error:
            if error.code not in {"not_found", "conflict"}:
                raise

    def compaction(self) -> Callable[[], None]:
        archive_id = self.a_remote_one()

        def renamed() -> None:
            for number in range(_RENAMES):
                title = f"title {number} " + "x" * 400
                self.house.ask("archive/rename", archive=archive_id, title=title)
                self.kept.titles[archive_id] = title

        return renamed

    # What must be true

    def check_all_there(self) -> None:
        listed = {a["id"]: a for a in self.all_listed(removed=False)}
        gone = {a["id"] for a in self.all_listed(removed=True)}
        for archive_id, sha256 in self.kept.sha256.items():
            if archive_id in self.kept.removed:
                assert archive_id in gone, f"the removal of {archive_id} was forgotten (seed {self.seed})"
                continue
            assert archive_id in listed, f"{archive_id} was acknowledged and is gone (seed {self.seed})"
            assert listed[archive_id]["sha256"] == sha256
            assert listed[archive_id]["title"] == self.kept.titles[archive_id], f"a rename was forgotten (seed {self.seed})"
            assert listed[archive_id]["health"] in {"ok", "checking"}, listed[archive_id]

    def all_listed(self, *, removed: bool) -> list[Any]:
        found: list[Any] = []
        while True:
            page = self.house.ask("archive/list", offset=len(found), limit=200, removed=removed)
            found += page["archives"]
            if len(found) >= page["total"]:
                return found

    def check_contents(self) -> None:
        """Every archive goes to the remote, is released, comes back, and has the right SHA-256."""
        for archive_id in self.kept.sha256.keys() - self.kept.removed:
            self.house.wait_remote(archive_id)
            self.until_released(archive_id)
            self.house.ask("archive/restore", archive=archive_id)
        for archive_id, sha256 in self.kept.sha256.items():
            if archive_id not in self.kept.removed:
                self.house.wait_local(archive_id)
                path = Path(self.house.ask("archive/locate", archive=archive_id)["path"])
                assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256, f"{archive_id} came back different (seed {self.seed})"
        job = self.house.job("integrity/verify")
        assert (job["result"]["damage_left"], job["result"]["unknown"]) == (0, []), job

    def outcome(self) -> Outcome:
        sent = sum(int(line) for line in self.counted.read_text().split())
        batches = [path for path in (self.house.remote / "test-house").rglob("*") if path.name.isdigit() and path.is_file()]
        once = sum(path.stat().st_size for path in batches)
        return Outcome(self.seed, self.kills, len(self.kept.sha256), sent, sent - once)
