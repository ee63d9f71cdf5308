"""A boot without a network, and a line that drops: run in a network namespace of its own (``unshare --net``), whose one device is its line.

``python -m tests.faults.late_network FOLDER``; a failed claim is an AssertionError.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.fakes.drive import FakeDrive
from tests.processes import House
from tests.waiting import wait_for

MIB = 1 << 20
_AWAY_S, _SOON_S = 2.0, 20.0


def line(*, up: bool) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up" if up else "down"], check=True)


def by_inbox(house: House, name: str, size_bytes: int) -> None:
    """Handed in without anybody's word: no broker is needed for it."""
    folder = house.data / "inbox" / "home"
    folder.mkdir(exist_ok=True)
    coming = house.data / name
    coming.write_bytes(random.randbytes(size_bytes))
    coming.rename(folder / name)
    wait_for(lambda: not (folder / name).exists(), what="the file to be taken in")


def state(house: House) -> Any:
    return json.loads(house.seen.get(house.topics("appliance/state"), b"{}"))


def connect(house: House, fake: FakeDrive) -> None:
    connection = house.ask("connection/add", kind="drive", name="Drive", credentials=json.dumps(fake.account()))["id"]
    house.ask("connection/validate", connection=connection)
    house.ask("connection/activate", connection=connection)


def all_remote(house: House, count: int) -> bool:
    listed = house.ask("archive/list")["archives"]
    return len(listed) == count and all(each["rung"] in {"remote", "proven"} for each in listed)


def back_soon(house: House, count: int) -> float:
    """The line is back: how long it takes until all is remote, and nothing is wrong any more."""
    line(up=True)
    began_s = time.monotonic()
    wait_for(lambda: all_remote(house, count), _SOON_S, "the transfers to begin by themselves")
    took_s = time.monotonic() - began_s
    wait_for(lambda: state(house).get("problems") == [] and state(house)["status"] == "idle", what="all to be well")
    return took_s


def main(folder: Path) -> None:
    line(up=True)
    settings: dict[str, Any] = {"retry_cap_s": 300, "upload_limit_kb_per_s": 4000}
    with FakeDrive(folder / "drive") as fake, House(folder, drive_endpoint=fake.root, **settings) as house:
        connect(house, fake)
        house.stop()
        line(up=False)
        house.start()  # broker and remote cannot be reached: the network is down
        by_inbox(house, "at-boot.bin", 2 * MIB)
        time.sleep(_AWAY_S)  # the time for which the line is away
        print(f"after a boot without a network: {back_soon(house, 1):.1f} s")
        by_inbox(house, "long.bin", 6 * MIB)
        wait_for(lambda: fake.received_bytes > 3 * MIB, what="the upload to be under way")
        line(up=False)
        time.sleep(_AWAY_S)
        print(f"after a line that dropped: {back_soon(house, 2):.1f} s")
        assert fake.received_twice_bytes <= 3 * 256 * 1024, fake.received_twice_bytes
        assert not fake.violations


if __name__ == "__main__":
    main(Path(sys.argv[1]))
