"""An appliance inside the test's process, without a broker: every part real, on a folder of the test's."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from appliance.app import Appliance, answer
from appliance.logs import RecentLines
from appliance.remotes.remote import Remote
from mqtt.topics import Topics
from tests.waiting import wait_for


class Outbox:
    """In place of the broker's client: keeps what was published."""

    def __init__(self) -> None:
        self.retained: dict[str, bytes] = {}
        self.events: list[bytes] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        if retain:
            self.retained[topic] = payload
        else:
            self.events.append(payload)

    def clear(self, topic: str) -> None:
        self.retained.pop(topic, None)


class Inside:
    """``with Inside(folder) as inside``: started; stopped at the end. Settings are given by name, without their prefix."""

    def __init__(
        self, data: Path, *, batch_bytes: int | None = None, wrap: Callable[[Remote], Remote] = lambda r: r, **settings: object
    ) -> None:
        given = {"batch_size_mib": 1, "reserve_mib": 0, "inbox_settle_s": 0, "retry_cap_s": 1} | settings
        environment = {"PYARCHIVE_DATA": str(data)} | {f"PYARCHIVE_{name.upper()}": str(value) for name, value in given.items()}
        self.data = data
        self.app = Appliance(environment, RecentLines(), wrap)
        if batch_bytes is not None:
            self.app.intake.batch_bytes = lambda: batch_bytes  # type: ignore[method-assign]  # smaller than the settings allow, for speed
        self.outbox = Outbox()
        self.app.attach(self.outbox, Topics(self.app.folder.appliance_id))

    def __enter__(self) -> Self:
        self.app.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.app.stop()

    def ask(self, verb: str, **parameters: Any) -> Any:
        """A request, answered without a broker."""
        return answer(self.app, "cli", verb, parameters)

    def begin(self, content: bytes, name: str = "file.bin", **more: Any) -> str:
        """Announced and filled, not committed."""
        begun = self.ask("archive/begin", file_name=name, size_bytes=len(content), **more)
        with Path(begun["path"]).open("r+b") as file:
            file.write(content)
        return str(begun["archive_id"])

    def put(self, content: bytes, name: str = "file.bin", **more: Any) -> str:
        """Handed in, and received."""
        archive_id = self.begin(content, name, **more)
        self.ask("archive/commit", archive_id=archive_id, sha256=hashlib.sha256(content).hexdigest())
        state = wait_for(lambda: self._ended(archive_id), what="the file to be received")
        assert state["state"] == "received", state
        return archive_id

    def _ended(self, archive_id: str) -> Any:
        state = self.ask("archive/upload", archive_id=archive_id)
        return state if state["state"] in {"received", "failed"} else None

    def connect(self, folder: Path, name: str = "disk") -> str:
        """A folder remote: added, validated, active."""
        folder.mkdir(exist_ok=True)
        connection_id = str(self.ask("connection/add", kind="folder", name=name, path=str(folder))["id"])
        self.ask("connection/validate", connection=connection_id)
        self.ask("connection/activate", connection=connection_id)
        return connection_id

    def show(self, archive_id: str) -> Any:
        return self.ask("archive/show", archive=archive_id)

    def wait_remote(self, archive_id: str, timeout_s: float = 20.0) -> Any:
        """Until it is remote or proven."""
        return wait_for(lambda: (s := self.show(archive_id))["rung"] in {"remote", "proven"} and s, timeout_s, "the archive to be remote")

    def wait_local(self, archive_id: str, timeout_s: float = 20.0) -> Any:
        """Until the whole file is in the store."""
        return wait_for(lambda: (s := self.show(archive_id))["local"] and s, timeout_s, "the archive to be local")

    def job(self, verb: str, timeout_s: float = 30.0, **parameters: Any) -> Any:
        """A job's end: done, failed or interrupted."""
        job_id = self.ask(verb, **parameters)["job_id"]
        return wait_for(lambda: (j := self.ask("integrity/job", job_id=job_id))["state"] != "running" and j, timeout_s, "the job to end")

    def release(self, archive_id: str) -> None:
        job = self.job("archive/release", archive=archive_id)
        assert job["state"] == "done", job

    def local_bytes(self, archive_id: str) -> bytes:
        return Path(self.ask("archive/locate", archive=archive_id)["path"]).read_bytes()

    def remote_folder(self, remote: Path, archive_id: str) -> Path:
        return remote / self.app.folder.appliance_id / archive_id

    def problems(self) -> dict[str, str]:
        """Standing problems: code -> message."""
        return {problem.code: problem.message for problem in self.app.problems.standing()}
