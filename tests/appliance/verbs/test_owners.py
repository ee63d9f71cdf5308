"""Whose it is, is said with every transfer, event and problem of an archive: a member's page shows only their own."""

from __future__ import annotations

import json
from pathlib import Path

from tests.appliance.verbs.scripted import Scripted
from tests.inside import Inside
from tests.waiting import wait_for


def test_transfers_events_and_problems_name_the_owner(tmp_path: Path) -> None:
    scripted = Scripted()
    scripted.gate.clear()
    with Inside(tmp_path / "data", wrap=scripted.around) as inside:
        inside.connect(tmp_path / "disk")
        archive_id = inside.put(b"x", owner="anna")
        slots = wait_for(lambda: [m for t, m in inside.outbox.retained.items() if t.endswith("/state") and "/transfer/" in t])
        assert json.loads(slots[0])["owner"] == "anna"
        scripted.gate.set()
        inside.wait_remote(archive_id)
        inside.app.problems.raise_("damaged", archive_id, "a batch is damaged", "look", needs_you=False)
        inside.app.problems.raise_("disk_full", "disk", "it is full", "make room", needs_you=False)
        assert {problem.about: problem.owner for problem in inside.app.problems.standing()} == {archive_id: "anna", "disk": None}
        wait_for(lambda: len(inside.outbox.events) > 3)
        events = [json.loads(event) for event in inside.outbox.events]
        assert {event["owner"] for event in events if event.get("archive_id")} == {"anna"}
        assert {event["about"]: event["owner"] for event in events if event.get("code")} == {archive_id: "anna", "disk": None}
