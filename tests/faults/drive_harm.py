"""What befalls the line, and behind our back what lies on Drive: none of it is the answer to a request of ours."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.fakes.drive import FakeDrive, Record

Harm = Callable[[FakeDrive, random.Random], None]
Line = Callable[[FakeDrive], None]
_LAG_S = 1.0
_FROZEN_S = 6.5
"""Longer than the appliance waits for a byte."""


def batches(drive: FakeDrive) -> list[Record]:
    """Those that are not in the trash."""
    return [each for each in drive.files.values() if each.app_properties.get("pyarchive_role") == "batch" and not each.trashed]


@dataclass(frozen=True)
class _ToABatch:
    """The harm is done to a batch that is not empty, chosen at random; to none where an earlier harm has left none."""

    do: Callable[[FakeDrive, Record], object]

    def __call__(self, drive: FakeDrive, chance: random.Random) -> None:
        held = sorted((each for each in batches(drive) if (each.size_bytes or 0) > 1), key=lambda each: each.id)
        if held:
            self.do(drive, chance.choice(held))


HARMS: dict[str, Harm] = {
    "a bit flips": _ToABatch(lambda drive, file: drive.flip(file.id, (file.size_bytes or 1) // 2)),
    "an end is lost": _ToABatch(lambda drive, file: drive.truncate(file.id, (file.size_bytes or 1) - 1)),
    "a batch is deleted": _ToABatch(lambda drive, file: drive.delete(file.id)),
    "a batch is trashed": _ToABatch(lambda drive, file: drive.trash(file.id)),
    "a folder is trashed": _ToABatch(lambda drive, file: drive.trash(file.parents[0])),
    "a batch is doubled": _ToABatch(lambda drive, file: drive.duplicate(file.id)),
    "a SHA-256 is gone": _ToABatch(lambda drive, file: drive.drop_checksums(file.id)),
}


def slow(drive: FakeDrive) -> None:
    drive.line(up_bytes_per_s=4e6, down_bytes_per_s=4e6, latency_s=0.02)


def lagging(drive: FakeDrive) -> None:
    """What was made before is old enough to be listed: an appliance is not lost and made anew within a second."""
    threading.Event().wait(_LAG_S)
    drive.lag(seconds=_LAG_S)


def freezing(drive: FakeDrive) -> None:
    """Nothing moves any more from the fourth request on, for a while."""
    drive.fault("freeze", after=3)
    thaw = threading.Timer(_FROZEN_S, drive.thaw)
    thaw.daemon = True
    thaw.start()


LINES: dict[str, Line] = {"a slow line": slow, "listings that lag behind": lagging, "a freeze": freezing}
