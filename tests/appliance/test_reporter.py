"""What is published: the truth, news at once and progress calmly, at most twice a second a topic, nothing when nothing changed."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance import clock, reporter
from tests.benchmarks.talk import fullest_second
from tests.inside import Inside, Outbox
from tests.waiting import wait_for

BATCH = 64 * 1024


def retained(inside: Inside, name: str) -> Any:
    payload = inside.outbox.retained.get(f"pyarchive/{inside.app.folder.appliance_id}/{name}")
    return json.loads(payload) if payload else None


class Timed(Outbox):
    """Keeps everything, with its time (monotonic)."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.messages: list[tuple[float, str, bytes]] = []
        self._base = base

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        super().publish(topic, payload, retain=retain)
        self.messages.append((clock.monotonic_s(), topic.removeprefix(self._base), payload))

    def clear(self, topic: str) -> None:
        super().clear(topic)
        self.messages.append((clock.monotonic_s(), topic.removeprefix(self._base), b""))

    def of(self, name: str) -> list[tuple[float, Any]]:
        return [(at_s, json.loads(payload or b"null")) for at_s, topic, payload in self.messages.copy() if topic == name]

    def last(self, name: str) -> Any:
        """None also where nothing was said."""
        return next((said for _, said in reversed(self.of(name))), None)

    def first_s(self, name: str) -> float:
        return self.of(name)[0][0]

    def times_s(self) -> dict[str, list[float]]:
        found: dict[str, list[float]] = defaultdict(list)
        for at_s, topic, _ in self.messages.copy():
            found[topic].append(at_s)
        return found


def listened(inside: Inside) -> Timed:
    """From here on, in place of the outbox."""
    assert inside.app.reporter is not None
    timed = inside.app.reporter._broker = Timed(f"pyarchive/{inside.app.folder.appliance_id}/")
    return timed


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
        wait_for(lambda: retained(inside, f"archive/{archive_id}/state")["rung"] == "remote")


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


def test_a_busy_transfer_publishes_at_most_two_messages_a_second_on_a_topic_and_ten_in_all(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=4096, upload_limit_kb_per_s=300) as inside:
        archive_id = inside.put(b"x" * 900_000)  # 3 s, some 220 batches
        timed = listened(inside)
        inside.connect(tmp_path / "disk")
        inside.wait_remote(archive_id)
        wait_for(lambda: timed.last("appliance/state")["status"] == "idle", what="the last value")
        wait_for(lambda: all(timed.last(f"transfer/{slot}/state") is None for slot in range(3)), what="the slots to be cleared")
        assert timed.last(f"archive/{archive_id}/state")["rung"] == "remote"
        assert timed.last("appliance/state")["bytes_at_risk"] == 0
    begun_s = timed.first_s("transfer/0/state")
    busiest = {name: fullest_second(times_s) for name, times_s in timed.times_s().items() if name != "event"}
    assert max(busiest.values()) <= 2, busiest
    transferring = [at_s for times_s in timed.times_s().values() for at_s in times_s if begun_s + 0.5 < at_s < begun_s + 2.5]
    assert fullest_second(sorted(transferring)) <= 10


def spaces(state: Any) -> Any:
    return {name: state[name] for name in ("disk", "active_connection")}


def test_what_is_idle_says_nothing(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        inside.connect(tmp_path / "disk")
        inside.wait_remote(inside.put(b"x" * 1000))
        wait_for(lambda: (s := retained(inside, "appliance/state")) and s["status"] == "idle" and s["upload_rate_bytes_per_s"] == 0)
        wait_for(lambda: all(retained(inside, f"transfer/{slot}/state") is None for slot in range(3)))
        threading.Event().wait(1.0)  # what had to wait its second has gone
        timed = listened(inside)
        said = retained(inside, "appliance/state")
        threading.Event().wait(4.0)  # two looks at the disk
        for _, name, payload in timed.messages:  # other programs may use the disk meanwhile: then that is news, and nothing else is
            assert name == "appliance/state"
            assert spaces(json.loads(payload)) != spaces(said)
            assert json.loads(payload) | spaces(said) == said


def test_a_pause_is_told_before_the_next_word_of_progress(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH, upload_limit_kb_per_s=300) as inside:
        inside.connect(tmp_path / "disk")
        inside.put(b"x" * 4_000_000)
        wait_for(lambda: (s := retained(inside, "appliance/state")) and s["status"] == "transferring" and s["queue"]["batches_up"] < 60)
        timed = listened(inside)
        for paused in (True, False):
            told = len(timed.of("appliance/state"))
            begun_s = clock.monotonic_s()
            inside.ask("transfer/pause" if paused else "transfer/resume")
            wait_for(lambda told=told: len(timed.of("appliance/state")) > told)  # type: ignore[misc]  # the default is its type
            at_s, state = timed.of("appliance/state")[told]
            assert state["paused"] is paused
            assert at_s - begun_s < 1.0  # on a machine that does other things too; docs/benchmarks.md has the figure
            threading.Event().wait(1.1)


def test_news_does_not_wait_for_the_next_regular_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_TICK_S", "_EVERY_S"):
        monkeypatch.setattr(reporter, name, 600.0)
    with Inside(tmp_path / "data") as inside:
        archive_id = inside.put(b"x")
        connection_id = inside.connect(tmp_path / "disk")
        wait_for(lambda: (s := retained(inside, f"archive/{archive_id}/state")) and s["rung"] == "remote")
        wait_for(lambda: retained(inside, "appliance/state")["status"] == "idle", what="the end of the transfer")
        inside.ask("transfer/pause")
        wait_for(lambda: retained(inside, "appliance/state")["paused"])
        inside.ask("settings/set", name="undo_days", value=7)
        wait_for(lambda: "'undo_days', 'value': 7" in str(retained(inside, "appliance/settings")))
        inside.ask("archive/rename", archive=archive_id, title="holidays")
        wait_for(lambda: retained(inside, f"archive/{archive_id}/state")["title"] == "holidays")
        inside.ask("connection/rename", connection=connection_id, name="drawer")
        wait_for(lambda: retained(inside, f"connection/{connection_id}/state")["name"] == "drawer")
        inside.app.problems.raise_("disk_low", "disk of a test", "it is nearly full", "make room", needs_you=True)
        wait_for(lambda: retained(inside, "appliance/state")["status"] == "needs_you")


def test_a_pause_that_concerns_many_archives_is_told_of_each_but_calmly(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        ids = [inside.put(bytes([number])) for number in range(16)]
        wait_for(lambda: all(retained(inside, f"archive/{archive_id}/state") for archive_id in ids))
        threading.Event().wait(1.1)  # each may be told again at once
        timed = listened(inside)
        inside.ask("transfer/pause")
        wait_for(lambda: timed.last("appliance/state"))
        told = [f"archive/{archive_id}/state" for archive_id in ids]
        wait_for(lambda: all((s := timed.last(name)) and s["waiting_for"] == "transfers are paused" for name in told))
        times_s = sorted(at_s for name in told for at_s in timed.times_s()[name])
    assert fullest_second(times_s) <= 10 + 3
    assert times_s[-1] - times_s[0] > 1


def test_the_engine_says_when_the_first_slot_moves_and_when_none_does_any_more(tmp_path: Path) -> None:
    said: list[int] = []
    with Inside(tmp_path / "data", batch_bytes=BATCH, transfers=1) as inside:
        inside.app.engine.on_moving = lambda: said.append(len(inside.app.engine.moving))
        inside.connect(tmp_path / "disk")
        inside.wait_remote(inside.put(b"x" * 2 * BATCH))
        wait_for(lambda: len(said) == 6, what="two batches and a manifest to move")
        assert said == [1, 0] * 3


def test_what_is_not_known_is_null_and_what_does_not_move_has_a_rate_of_0(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        inside.put(b"x" * 100_000)
        state = wait_for(lambda: (s := retained(inside, "appliance/state")) and s["bytes_at_risk"] and s)
        unknown = ("protected_by_at", "eta_s", "active_connection", "last_sync_at", "last_proof_at", "oldest_proof_at", "last_problem")
        assert {name: state[name] for name in unknown} == dict.fromkeys(unknown)
        assert (state["upload_rate_bytes_per_s"], state["download_rate_bytes_per_s"]) == (0, 0)
        inside.ask("transfer/pause")
        inside.connect(tmp_path / "disk")
        state = wait_for(lambda: (s := retained(inside, "appliance/state")) and s["active_connection"] and s["queue"]["bytes_up"] and s)
        assert (state["eta_s"], state["protected_by_at"], state["upload_rate_bytes_per_s"]) == (None, None, 0)


def test_the_active_connection_tells_its_space_and_whether_it_answers(tmp_path: Path) -> None:
    def active(inside: Inside) -> Any:
        return (retained(inside, "appliance/state") or {}).get("active_connection") or {}

    with Inside(tmp_path / "data") as inside:
        connection_id = inside.connect(tmp_path / "disk")
        wait_for(lambda: active(inside).get("free_bytes"), what="the space to be known right after the validation")
        assert (active(inside)["id"], active(inside)["reachable"], active(inside)["sign_in"]) == (connection_id, True, "not_needed")
        (tmp_path / "disk").rename(tmp_path / "drawer")
        archive_id = inside.put(b"x")
        wait_for(lambda: active(inside)["reachable"] is False, what="the disk to be missed")
        wait_for(lambda: retained(inside, f"connection/{connection_id}/state")["reachable"] is False, what="the connection to say so too")
        (tmp_path / "drawer").rename(tmp_path / "disk")
        inside.wait_remote(archive_id)
        wait_for(lambda: active(inside)["reachable"] is True, what="the disk to be back")


def test_the_rate_and_what_follows_from_it_do_not_care_when_somebody_sets_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, ahead = clock.now, [timedelta()]
    monkeypatch.setattr(clock, "now", lambda: now() + ahead[0])
    with Inside(tmp_path / "data", batch_bytes=BATCH, upload_limit_kb_per_s=200) as inside:
        inside.connect(tmp_path / "disk")
        inside.put(b"x" * 8_000_000)  # 40 s
        wait_for(lambda: (s := retained(inside, "appliance/state")) and s["eta_s"] and s, what="a rate to be measured")
        for days in (400, -400):
            ahead[0] = timedelta(days=days)
            state = inside.app.states.appliance()
            assert 100_000 < state.upload_rate_bytes_per_s < 300_000
            assert state.eta_s is not None
            assert state.protected_by_at is not None
            assert 20 < state.eta_s < 60
            assert timedelta() <= state.protected_by_at - clock.now() < timedelta(seconds=180)


def test_the_proofs_are_dated_by_the_newest_and_the_oldest_read_back(tmp_path: Path) -> None:
    def proofs(inside: Inside) -> tuple[Any, Any]:
        state = inside.app.states.appliance()
        return state.last_proof_at, state.oldest_proof_at

    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        inside.connect(tmp_path / "disk")
        first, second = (inside.put(content * 2 * BATCH) for content in (b"x", b"y"))
        for archive_id in (first, second):
            inside.wait_remote(archive_id)
        assert proofs(inside) == (None, None)
        inside.job("integrity/verify", archives=[first], remote=True, read_back=True)
        newest, oldest = proofs(inside)
        assert newest is not None
        assert oldest is None, "one archive is not proven yet"
        threading.Event().wait(1.1)  # proofs are dated to the second
        inside.job("integrity/verify", archives=[second], remote=True, read_back=True)
        assert proofs(inside)[0] > newest
        assert proofs(inside)[1] == newest
        wait_for(lambda: retained(inside, "appliance/state")["oldest_proof_at"] is not None)
        inside.ask("archive/remove", archive=first)
        assert proofs(inside)[1] == proofs(inside)[0], "what was removed need not be proven"
        inside.put(b"z")
        assert proofs(inside)[1] is None


def test_proofs_are_still_known_after_a_restart(tmp_path: Path) -> None:
    with Inside(tmp_path / "data", batch_bytes=BATCH) as inside:
        inside.connect(tmp_path / "disk")
        inside.wait_remote(inside.put(b"x" * 2 * BATCH))
        inside.job("integrity/verify", remote=True, read_back=True)
        before = inside.app.states.appliance()
    with Inside(tmp_path / "data") as inside:
        after = inside.app.states.appliance()
        assert (after.last_proof_at, after.oldest_proof_at) == (before.last_proof_at, before.oldest_proof_at) != (None, None)


def test_the_last_problem_stays_to_be_read_after_it_is_mended(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        inside.app.problems.raise_("disk_low", "disk of a test", "it is nearly full", "make room", needs_you=False)
        wait_for(lambda: (s := retained(inside, "appliance/state")) and s["problems"])
        inside.app.problems.clear("disk_low", "disk of a test")
        wait_for(lambda: not retained(inside, "appliance/state")["problems"])
        assert retained(inside, "appliance/state")["last_problem"]["message"] == "it is nearly full"


def test_a_slot_that_a_killed_process_left_on_the_broker_is_cleared(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        topic = f"pyarchive/{inside.app.folder.appliance_id}/transfer/7/state"
        inside.outbox.retained[topic] = b"{}"
        assert inside.app.reporter is not None
        inside.app.reporter.publish_all_again()
        wait_for(lambda: topic not in inside.outbox.retained)


def test_small_files_that_become_remote_together_are_all_told_and_the_appliance_stays_calm(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        ids = [inside.put(bytes([number])) for number in range(40)]
        timed = listened(inside)
        inside.connect(tmp_path / "disk")
        for archive_id in ids:
            inside.wait_remote(archive_id)
        wait_for(lambda: all((s := timed.last(f"archive/{archive_id}/state")) and s["rung"] == "remote" for archive_id in ids))
        wait_for(lambda: timed.last("appliance/state")["counts"]["remote"] == len(ids))
        told = [event for _, event in timed.of("event")]
        assert {event["archive_id"] for event in told if event["event"] == "archive_remote"} == set(ids)
        assert sum(event["batches"] or 0 for event in told) == len(ids)
        assert fullest_second(timed.times_s()["appliance/state"]) <= 2


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
        of_it = [event for event in told if event["archive_id"] == archive_id]
        names = list(dict.fromkeys(event["event"] for event in of_it if event["batches"] is None or event["event"].startswith("archive_")))
        assert names == ["archive_created", "archive_remote", "archive_released", "archive_restored"]
        stored, restored = (
            sum(event["batches"] or 0 for event in of_it if event["event"] in pair)
            for pair in (("batch_stored", "archive_remote"), ("batch_restored", "archive_restored"))
        )
        assert (stored, restored) == (2, 2)
