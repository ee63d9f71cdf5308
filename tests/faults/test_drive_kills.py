"""SIGKILL during an upload to Drive, the short form. `./install.sh campaign drive-kills` has 30 kills and 512 MiB."""

from __future__ import annotations

import secrets
from pathlib import Path

from tests.faults.drive_kills import MIB, DriveKills


def test_an_upload_to_drive_goes_on_from_the_byte_that_drive_has_whatever_instant_a_kill_hits(tmp_path: Path) -> None:
    seed = secrets.randbelow(1 << 32)
    print(f"seed {seed}")
    outcome = DriveKills(tmp_path, 64 * MIB, 4, seed).run()
    assert outcome.twice_bytes < outcome.limit_bytes
    assert outcome.again_bytes < outcome.limit_bytes
    assert outcome.rclone_again_bytes > outcome.size_bytes // 4, "rclone goes on where it was: nothing is compared here any more"
