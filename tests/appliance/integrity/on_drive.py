"""An appliance whose active connection is a fake Drive."""

from __future__ import annotations

import json

from tests.fakes.drive import FakeDrive
from tests.inside import Inside

BATCH = 256 * 1024


def connect_drive(inside: Inside, fake: FakeDrive) -> None:
    """Added as ``Drive``, validated, active; what is absent is looked at twice within a moment."""
    inside.app.verifier.second_look_s = 0.1
    connection = inside.ask("connection/add", kind="drive", name="Drive", credentials=json.dumps(fake.account()))["id"]
    inside.ask("connection/validate", connection=connection)
    inside.ask("connection/activate", connection=connection)
