"""SIGKILL at random instants of an upload to Drive, and beside it an unmodified rclone that is killed once, at half of its file.

What arrives twice is counted by the fake Drive, from the bytes that come in.
"""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from tests.benchmarks.content import fill
from tests.benchmarks.drive_clients import led_to
from tests.fakes.drive import DriveProcess
from tests.fakes.rclone import Rclone
from tests.processes import House
from tests.waiting import wait_for

MIB = 1 << 20
SLOTS = 3
LOST_AT_MOST_BYTES = 256 * 1024
"""A slot and kill: Drive keeps what arrived in steps of this size."""
_RATE_BYTES_PER_S = 25 * MIB
_LONGEST_DELAY_S = 0.03
_WORK_S = 900.0


@dataclass(frozen=True)
class Outcome:
    """Bytes as the server counts them. ``again`` is all that came beyond one copy of the file (manifest and the like included)."""

    kills: int
    size_bytes: int
    twice_bytes: int
    again_bytes: int
    rclone_sent_bytes: int
    rclone_again_bytes: int

    @property
    def limit_bytes(self) -> int:
        return LOST_AT_MOST_BYTES * SLOTS * self.kills


class DriveKills:
    """``run()`` does it all in ``folder``; what is not as promised is an AssertionError that names the seed."""

    def __init__(self, folder: Path, size_bytes: int, kills: int, seed: int, say: Callable[[str], None] = lambda _: None) -> None:
        self.folder, self.size_bytes, self.kills, self.seed, self.say = folder, size_bytes, kills, seed, say
        self.random = random.Random(seed)

    def run(self) -> Outcome:
        (self.folder / "drive").mkdir()
        with DriveProcess(self.folder / "drive", tls=True) as fake, led_to(fake):
            fake.line(up_bytes_per_s=_RATE_BYTES_PER_S)
            twice, again = self.ours(fake)
            sent, rclone_again = self.theirs(fake)
            assert not fake.violations, fake.violations
        return Outcome(self.kills, self.size_bytes, twice, again, sent, rclone_again)

    # Ours

    def ours(self, fake: DriveProcess) -> tuple[int, int]:
        (self.folder / "ours").mkdir()
        with House(self.folder / "ours", batch_size_mib=min(16, self.size_bytes // MIB // 4), transfers=SLOTS) as house:
            archive_id, sha256 = self.hand_in(house)
            house.ask("transfer/pause")
            connection = house.ask("connection/add", kind="drive", name="Drive", credentials=json.dumps(fake.account("ours")))["id"]
            house.ask("connection/validate", connection=connection)
            house.ask("connection/activate", connection=connection)
            before = fake.received_bytes
            house.ask("transfer/resume")
            for number, place in enumerate(sorted(self.random.randrange(1, self.size_bytes) for _ in range(self.kills))):
                came = self.kill_at(house, fake, before + place)
                self.say(
                    f"kill {number + 1} of {self.kills} after {(came - before) / 1e6:,.1f} MB; twice: {fake.received_twice_bytes:,} bytes"
                )
            house.wait_remote(archive_id, _WORK_S)
            twice, again = fake.received_twice_bytes, fake.received_bytes - before - self.size_bytes
            self.check_there(fake, archive_id, sha256)
            self.check_comes_back(house, archive_id, sha256)
        return twice, again

    def hand_in(self, house: House) -> tuple[str, str]:
        begun = house.ask("archive/begin", file_name="film.mkv", size_bytes=self.size_bytes)
        sha256 = fill(Path(begun["path"]), self.size_bytes)
        archive_id = str(begun["archive_id"])
        house.ask("archive/commit", archive_id=archive_id, sha256=sha256)
        wait_for(lambda: house.ask("archive/upload", archive_id=archive_id)["state"] == "received", _WORK_S, "the file to be received")
        return archive_id, sha256

    def kill_at(self, house: House, fake: DriveProcess, place_bytes: int) -> int:
        """In mid flight: at that place of the upload or soon after, whatever is on its way; how much had come."""
        wait_for(lambda: fake.received_bytes >= place_bytes, _WORK_S, "the upload to go on")
        end_s = perf_counter() + self.random.uniform(0, _LONGEST_DELAY_S)
        while perf_counter() < end_s:
            pass
        house.kill()
        came = fake.received_bytes
        house.start()
        return came

    def check_there(self, fake: DriveProcess, archive_id: str, sha256: str) -> None:
        """Each batch once, and in order they are the file."""
        files = [each for each in fake.files.values() if each.app_properties.get("pyarchive_role") == "batch"]
        names = sorted((each.name, each.id) for each in files if each.app_properties["pyarchive_archive"] == archive_id)
        assert len({name for name, _ in names}) == len(names), f"a batch is there twice (seed {self.seed})"
        digest = hashlib.sha256()
        for _, file_id in names:
            digest.update(fake.content(file_id))
        assert digest.hexdigest() == sha256, f"what is on Drive is not the file (seed {self.seed})"

    def check_comes_back(self, house: House, archive_id: str, sha256: str) -> None:
        assert house.job("archive/release", archive=archive_id)["state"] == "done"
        house.ask("archive/restore", archive=archive_id)
        house.wait_local(archive_id, _WORK_S)
        with Path(house.ask("archive/locate", archive=archive_id)["path"]).open("rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == sha256, f"what came back is not the file (seed {self.seed})"

    # rclone

    def theirs(self, fake: DriveProcess) -> tuple[int, int]:
        """What it had sent when it was killed, and what it sent again."""
        folder = self.folder / "rclone"
        (folder / "source").mkdir(parents=True)
        fill(folder / "source" / "film.mkv", self.size_bytes)
        rclone = Rclone(fake, folder, fake.account("theirs"), "--drive-chunk-size", "16M", "--transfers", str(SLOTS))
        before = fake.received_bytes
        command = [*rclone.command, "copy", str(folder / "source"), "drive:films"]
        process = subprocess.Popen(command, env=rclone.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: fake.received_bytes - before >= self.size_bytes // 2, _WORK_S, "half of the file")
        process.kill()
        process.wait()
        sent = fake.received_bytes - before
        rclone("copy", str(folder / "source"), "drive:films")
        return sent, fake.received_bytes - before - self.size_bytes
