"""A sender that hangs may come back at any time: until then nobody else sends into the same session, and all else goes on."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.wrapped import Around
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 64 * 1024
CONTENT = random.Random(5).randbytes(4 * BATCH)


class Sessions:
    """Every ``put`` opens a session, as on Drive. One hangs; who is in which session at the same time is counted."""

    def __init__(self) -> None:
        self.hangs_in = ""
        self.let_go = threading.Event()
        self.hanging = threading.Event()
        self.most: Counter[tuple[str, str]] = Counter()
        self._inside: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self.around = Around({"put": self._put}).around

    def _put(self, inner: Any, remote_id: str, archive_id: str, name: str, content: Any, session: Any, on_confirmed: Any, gate: Any) -> Any:
        key = (inner._place.folder.name, name)
        with self._lock:
            self._inside[key] += 1
            self.most[key] = max(self.most[key], self._inside[key])
        try:
            on_confirmed(session or f"session of {key}", 0)
            if "/".join(key) == self.hangs_in:
                self.hanging.set()
                self.let_go.wait()
            return inner.put(remote_id, archive_id, name, content, None, on_confirmed, gate)
        finally:
            with self._lock:
                self._inside[key] -= 1


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    made = Sessions()
    yield made
    made.let_go.set()


def test_nobody_sends_into_the_session_of_a_slot_that_hangs_whatever_is_done_meanwhile(tmp_path: Path, sessions: Sessions) -> None:
    sessions.hangs_in = "one/00000001"
    with Inside(tmp_path / "data", batch_bytes=BATCH, stall_timeout_s=1, wrap=sessions.around) as inside:
        one = inside.connect(tmp_path / "one", "one")
        archive_id = inside.put(CONTENT)
        wait_for(lambda: "remote_stalled" in inside.problems())
        wait_for(lambda: inside.show(archive_id)["batches_stored"] == 3)
        two = inside.connect(tmp_path / "two", "two")  # what hangs on the way to one does not hold up the other
        wait_for(lambda: {p["connection_id"]: p["rung"] for p in inside.show(archive_id)["placements"]}.get(two) == "remote")
        inside.ask("connection/activate", connection=one)
        inside.ask("connection/validate", connection=one)
        for _ in range(3):
            inside.ask("transfer/sync")
            threading.Event().wait(0.2)  # the time in which a second sender would have begun
        sessions.let_go.set()
        wait_for(lambda: {p["connection_id"]: p["rung"] for p in inside.show(archive_id)["placements"]}.get(one) == "remote")
        assert set(sessions.most.values()) == {1}
        wait_for(lambda: inside.problems() == {})


def test_a_sender_that_comes_back_does_not_count_as_a_second_failure(tmp_path: Path, sessions: Sessions) -> None:
    sessions.hangs_in = "one/00000000"
    with Inside(tmp_path / "data", batch_bytes=BATCH, stall_timeout_s=1, wrap=sessions.around, transfers=1) as inside:
        connection_id = inside.connect(tmp_path / "one", "one")
        archive_id = inside.put(CONTENT)
        wait_for(lambda: inside.show(archive_id)["batches_stored"] == 3)
        wait_for(lambda: inside.problems() == {})
        sessions.let_go.set()
        inside.wait_remote(archive_id)
        assert inside.app.engine.lines.trouble(connection_id) == (None, None, None)
        assert inside.problems() == {}
