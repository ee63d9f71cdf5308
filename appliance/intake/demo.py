"""A file of the appliance's own making, to try things with: handed in like any other, and of no worth to anybody."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from appliance.durable import DurableFile
from appliance.errors import ApplianceError
from appliance.intake.intake import Intake


def hand_in_demo(intake: Intake, title: str, size_bytes: int, owner: str | None) -> str:
    """The archive's id, once the file is committed; it is received in its turn. Raises BadRequest, DiskFull, StoreUnavailable, OSError."""
    upload_id, path = intake.begin(f"{title}.bin", size_bytes, title, owner)
    content = os.urandom(size_bytes)
    try:
        with DurableFile.open(Path(path)) as file:
            file.write_at(0, content)
            file.sync()
        intake.commit(upload_id, hashlib.sha256(content).hexdigest())
    except (ApplianceError, OSError):
        intake.abort(upload_id)
        raise
    return upload_id
