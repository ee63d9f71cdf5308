"""A stand-in for the appliance: answers requests on a real broker as a test scripts them, and takes files in for real."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mqtt.client import Broker, BrokerAddress
from mqtt.messages import ActiveConnection, ApplianceState, ArchiveState, Counts, Disk, Health, Problem, Queue, Rung
from mqtt.requests import Responder
from mqtt.topics import Topics
from tests.waiting import PATIENCE_S

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
MIB = 1 << 20
Answer = Callable[[dict[str, Any]], Any]


def until(true: Callable[[], object], timeout_s: float = PATIENCE_S) -> None:
    """Until ``true()``; a failure after timeout_s."""
    deadline_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


class Refusal(Exception):
    """An error answer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def archive(archive_id: str = "aaaa1111aaaa1111", **changes: Any) -> dict[str, Any]:
    """An archive as the contract has it."""
    facts: dict[str, Any] = {
        "id": archive_id, "title": "holidays.tar", "file_name": "holidays.tar", "owner": "home", "size_bytes": 40 * MIB, "sha256": "0" * 64,
        "created_at": NOW, "batch_bytes": 16 * MIB, "rung": Rung.RECEIVED, "health": Health.OK, "batches_total": 3, "batches_stored": 0,
        "batches_cached": 3, "local": True, "wanted_local": True, "progress_ratio": 0.0, "at_risk_bytes": 40 * MIB,
    }  # fmt: skip
    return ArchiveState.model_validate(facts | changes).model_dump(mode="json")


def problem(about: str, *, needs_you: bool = True) -> Problem:
    return Problem(code="trouble", about=about, message=f"trouble with {about}", next_step="mend it", needs_you=needs_you, since_at=NOW)


def state(**changes: Any) -> ApplianceState:
    """The appliance at rest, with an active connection."""
    facts: dict[str, Any] = {
        "appliance_id": "stand-in", "status": "idle", "status_reason": "everything is remote", "version": "1.2.3", "started_at": NOW,
        "counts": Counts(archives=2, received=0, partial=0, remote=1, proven=1, local=2, damaged=0, lost=0, removed=0),
        "stored_bytes": 5_000_000_000, "bytes_at_risk": 0, "queue": Queue(batches_up=0, bytes_up=0, batches_down=0, bytes_down=0),
        "paused": False, "upload_limit_kb_per_s": 0, "active_connection": ActiveConnection(id="c1", name="disk", kind="folder"),
        "disk": Disk(total_bytes=256_000_000_000, free_bytes=120_000_000_000, reserve_bytes=1_000_000_000), "last_sync_at": NOW,
    }  # fmt: skip
    return ApplianceState.model_validate(facts | changes)


class StandIn:
    """``answers`` maps a verb to what is answered or to a function of the parameters; ``asked`` keeps what came."""

    def __init__(self, address: BrokerAddress, appliance_id: str, uploads: Path, answers: dict[str, Any] | None = None) -> None:
        self.topics = Topics(appliance_id)
        self.address = address
        self.uploads = uploads
        self.answers: dict[str, Any] = answers or {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.archives: dict[str, dict[str, Any]] = {}
        self._announced: dict[str, dict[str, Any]] = {}
        self._changed = threading.Condition()
        self._files()
        self.start()

    def start(self) -> None:
        self._broker = Broker(self.address, self.topics, client_id="stand-in", will=None)
        self._responder = Responder(self._broker, self.topics, self._execute)
        self._responder.start()
        self._broker.start()
        assert self._broker.wait_connected(10)

    def stop(self) -> None:
        self._responder.stop()
        self._broker.stop(2)

    def publish(self, name: str, payload: bytes) -> None:
        self._broker.publish(self.topics(name), payload, retain=True)

    def online(self, **changes: Any) -> None:
        self.publish("availability", b"online")
        self.publish("appliance/state", state(**changes).payload())

    def wait_asked(self, verb: str, times: int = 1, timeout_s: float = PATIENCE_S) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.times_asked(verb) >= times, timeout_s), f"{verb} was not asked {times} times"

    def times_asked(self, verb: str) -> int:
        return sum(name == verb for name, _ in self.asked)

    def _execute(self, login: str, verb: str, parameters: dict[str, Any]) -> Any:
        assert login == "cli"
        with self._changed:
            self.asked.append((verb, parameters))
            self._changed.notify_all()
        answer = self.answers[verb]
        return answer(parameters) if callable(answer) else answer

    # Files, as the appliance takes them in

    def _files(self) -> None:
        self.answers |= {
            "archive/begin": self._begin, "archive/commit": self._commit, "archive/abort": self._abort, "archive/upload": self._upload,
            "archive/show": self._show,
        }  # fmt: skip

    def _begin(self, asked: dict[str, Any]) -> Any:
        archive_id = f"{len(self._announced):016x}"
        path = self.uploads / archive_id
        path.touch()
        self._announced[archive_id] = asked
        return {"archive_id": archive_id, "path": str(path)}

    def _commit(self, asked: dict[str, Any]) -> Any:
        archive_id = asked["archive_id"]
        announced, content = self._announced[archive_id], (self.uploads / archive_id).read_bytes()
        if hashlib.sha256(content).hexdigest() != asked["sha256"]:
            raise Refusal("damaged", "what arrived is not what was sent; hand it in again")
        name = announced["file_name"]
        title = announced.get("title", name)
        self.archives[archive_id] = archive(
            archive_id, title=title, file_name=name, size_bytes=len(content), sha256=asked["sha256"], owner=announced.get("owner", "home")
        )
        return {}

    def _abort(self, asked: dict[str, Any]) -> Any:
        self._announced.pop(asked["archive_id"], None)
        (self.uploads / asked["archive_id"]).unlink(missing_ok=True)
        return {}

    def _upload(self, asked: dict[str, Any]) -> Any:
        size = self._announced[asked["archive_id"]]["size_bytes"]
        return {"state": "received", "done_bytes": size, "size_bytes": size, "error": None}

    def _show(self, asked: dict[str, Any]) -> Any:
        found = self.archives.get(asked["archive"])
        if found is None:
            raise Refusal("not_found", f"there is no archive '{asked['archive']}'; `pyarchive list` shows all")
        return found
