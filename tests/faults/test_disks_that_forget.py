"""A disk that loses bytes of a restore after it has synced them: they are found before the file gets its name, and fetched again."""

from __future__ import annotations

import json
import random
from pathlib import Path

from appliance.store import RESTORING
from tests.faults.disks import at_operation
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024


def flip_first_byte_that_is_there(file: Path) -> None:
    """Behind the appliance's back, in a batch that was written."""
    with file.open("r+b") as opened:
        held = opened.read()
        at = next(index for index, byte in enumerate(held) if byte)
        opened.seek(at)
        opened.write(bytes([held[at] ^ 1]))


def batches_told(inside: Inside) -> int:
    told = [json.loads(event) for event in inside.outbox.events]
    return sum(event["batches"] or 0 for event in told if event["event"] in {"batch_restored", "archive_restored"})


def test_what_the_disk_lost_of_a_restore_is_fetched_again_and_nothing_else(data: Path, remote: Path) -> None:
    sent = random.Random(1).randbytes(6 * BATCH)
    with Inside(data, batch_bytes=BATCH) as inside:
        inside.connect(remote)
        archive_id = inside.put(sent)
        inside.wait_remote(archive_id)
        inside.release(archive_id)
        place = inside.app.library.local_folder(archive_id) / RESTORING
        with at_operation(
            lambda each: each.kind == "sync" and each.path == place and place.read_bytes().strip(b"\0") != b"",
            lambda: flip_first_byte_that_is_there(place),
        ):
            inside.ask("archive/restore", archive=archive_id)
            inside.wait_local(archive_id)
        assert inside.local_bytes(archive_id) == sent
        wait_for(lambda: batches_told(inside) == 7, what="one batch more than there are")
