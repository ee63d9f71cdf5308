"""What is published: the truth, at most twice a second a topic, and nothing when nothing changed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024


def retained(inside: Inside, name: str) -> Any:
    payload = inside.outbox.retained.get(f"pyarchive/{inside.app.folder.appliance_id}/{name}")
    return json.loads(payload) if payload else None


def test_the_state_of_the_appliance_follows_a_file_from_at_risk_to_remote(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        archive_id = inside.put(b"x" * 3 * BATCH)
        state = wait_for(lambda: (s := retained(inside, "appliance/state")) and s["counts"]["archives"] == 1 and s)
        assert state["bytes_at_risk"] == 3 * BATCH
        assert (state["status"], state["counts"]["received"]) == ("waiting", 1)
        assert "connection" in state["status_reason"]
        inside.connect(tmp_path / "disk")
        inside.wait_remote(archive_id)
        state = wait_for(lambda: (s := retained(inside, "appliance/state")) and s["status"] == "idle" and s)
        assert (state["bytes_at_risk"], state["progress_ratio"], state["queue"]["batches_up"]) == (0, 1.0, 0)
        assert state["last_sync_at"] is not None
        assert retained(inside, f"archive/{archive_id}/state")["rung"] == "remote"


def test_a_removed_archive_leaves_no_retained_state(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        archive_id = inside.put(b"x")
        wait_for(lambda: retained(inside, f"archive/{archive_id}/state"))
        inside.ask("archive/remove", archive=archive_id)
        wait_for(lambda: retained(inside, f"archive/{archive_id}/state") is None)
        inside.ask("archive/undo", archive=archive_id)
        wait_for(lambda: retained(inside, f"archive/{archive_id}/state"))


def test_a_slot_shows_what_it_moves_and_is_cleared_when_idle(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", upload_limit_kb_per_s=400) as inside:
        inside.connect(tmp_path / "disk")
        archive_id = inside.put(b"x" * (1 << 20))
        shown: Any = wait_for(lambda: next((s for n in range(3) if (s := retained(inside, f"transfer/{n}/state"))), None))
        assert (shown["archive_id"], shown["direction"], shown["size_bytes"]) == (archive_id, "up", 1 << 20)
        inside.wait_remote(archive_id)
        wait_for(lambda: all(retained(inside, f"transfer/{n}/state") is None for n in range(3)))


def test_a_busy_transfer_publishes_at_most_two_messages_a_second_on_a_topic(tmp_path: Path) -> None:
    sent: Counter[str] = Counter()
    with Inside(tmp_path / "data", batch_bytes=4096, upload_limit_kb_per_s=300) as inside:
        publish = inside.outbox.publish

        def counted(topic: str, payload: bytes, *, retain: bool) -> None:
            sent[topic] += retain
            publish(topic, payload, retain=retain)

        inside.connect(tmp_path / "disk")
        inside.outbox.publish = counted  # type: ignore[method-assign]  # counts, and hands on
        inside.wait_remote(inside.put(b"x" * 600_000))  # 2 s, some 150 batches
    assert max(sent.values()) <= 2 * 4, sent.most_common(3)


def test_what_did_not_change_is_not_published_again(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        archive_id = inside.put(b"x")
        wait_for(lambda: retained(inside, f"archive/{archive_id}/state"))
        topic = f"pyarchive/{inside.app.folder.appliance_id}/archive/{archive_id}/state"
        inside.outbox.retained.pop(topic)
        other = inside.put(b"y")
        wait_for(lambda: retained(inside, f"archive/{other}/state"))
        inside.app.reporter.archive_changed(archive_id)  # type: ignore[union-attr]  # attached by Inside
        third = inside.put(b"z")
        wait_for(lambda: retained(inside, f"archive/{third}/state"))
        assert topic not in inside.outbox.retained
        inside.app.reporter.publish_all_again()  # type: ignore[union-attr]  # attached by Inside
        wait_for(lambda: topic in inside.outbox.retained)


def test_the_events_of_a_file_are_told_in_their_order(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        inside.connect(tmp_path / "disk")
        archive_id = inside.put(b"x" * 2 * BATCH)
        inside.wait_remote(archive_id)
        inside.release(archive_id)
        inside.ask("archive/restore", archive=archive_id)
        inside.wait_local(archive_id)
        wait_for(lambda: any(b"archive_restored" in event for event in inside.outbox.events))
        told = [json.loads(event) for event in inside.outbox.events]
        names = [event["event"] for event in told if event["archive_id"] == archive_id]
        assert names == [
            "archive_created", "batch_stored", "batch_stored", "archive_remote", "archive_released", "batch_restored", "batch_restored",
            "archive_restored",
        ]  # fmt: skip
