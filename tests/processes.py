"""A broker and an appliance as processes of their own, and a client that asks: what a house runs, on loopback."""

from __future__ import annotations

import hashlib
import os
import secrets
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mqtt.client import Broker, BrokerAddress
from mqtt.requests import Requester, RequestFailed
from mqtt.topics import Topics
from tests.installed import start_house_broker
from tests.own_process import OwnProcess
from tests.waiting import wait_for

_ANSWER_S = 60.0
_RESEND_S = 0.3  # after a kill nobody waits longer than that to be asked again


class House(OwnProcess):
    """``with House(folder) as house``: everything is started, and ended by process id.

    ``broker`` is a kind of tests/brokers.py; ``at`` a broker that runs already, with one login for everything.
    """

    def __init__(
        self,
        folder: Path,
        command: list[str] | None = None,
        *,
        broker: str = "embedded",
        at: BrokerAddress | None = None,
        topics: Topics | None = None,
        **settings: Any,
    ) -> None:
        self.data = folder / "data"
        self.remote = folder / "remote"
        self.remote.mkdir(exist_ok=True)
        self.topics = topics or Topics("test-house")
        self._kind, self._at = broker, at
        self._command = command or ["-m", "appliance"]
        self._settings = {"batch_size_mib": 1, "reserve_mib": 0, "inbox_settle_s": 0, "retry_cap_s": 1} | settings
        self.log = folder / "appliance.log"
        self._log = self.log.open("ab")

    def __enter__(self) -> Self:
        if self._at is None:
            self.broker = start_house_broker(self._kind, self.topics)
        self.client = Broker(self.address_of("cli"), self.topics, client_id=f"tests-{secrets.token_hex(4)}")
        self.requester = Requester(self.client, self.topics, "cli", resend_s=_RESEND_S)
        self.seen: dict[str, bytes] = {}
        self.client.subscribe(self.topics("#"), lambda topic, payload, _: self.seen.__setitem__(topic, payload))
        self.client.start()
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        self.client.stop(1.0)
        if self._at is None:
            self.broker.remove()
        self._log.close()

    def address_of(self, login: str) -> BrokerAddress:
        return self._at or self.broker.address_of(login)

    def start(self) -> None:
        address = self.address_of("appliance")
        given = {
            "data": self.data, "appliance_id": self.topics.appliance_id, "mqtt_port": address.port,
            "mqtt_username": address.username, "mqtt_password": address.password, **self._settings,
        }  # fmt: skip
        environment = os.environ | {f"PYARCHIVE_{name.upper()}": str(value) for name, value in given.items()}
        self.process = subprocess.Popen([sys.executable, *self._command], env=environment, stderr=self._log)

    def ask(self, verb: str, **parameters: Any) -> Any:
        """Asked again after every restart until it is answered."""
        return self.requester.request(verb, parameters, _ANSWER_S)

    def begin(self, content: bytes, name: str, **more: Any) -> str:
        """Announced and filled. ``more``: title, owner."""
        begun = self.ask("archive/begin", file_name=name, size_bytes=len(content), **more)
        with Path(begun["path"]).open("r+b") as file:
            file.write(content)
        return str(begun["archive_id"])

    def put(self, content: bytes, name: str = "file.bin", **more: Any) -> str:
        """Handed in; when this returns, it was acknowledged."""
        archive_id = self.begin(content, name, **more)
        self.ask("archive/commit", archive_id=archive_id, sha256=hashlib.sha256(content).hexdigest())
        state = wait_for(lambda: self._ended(archive_id), 60, "the file to be received")
        assert state["state"] == "received", state
        return archive_id

    def _ended(self, archive_id: str) -> Any:
        state = self.ask("archive/upload", archive_id=archive_id)
        return state if state["state"] in {"received", "failed"} else None

    def connect(self) -> None:
        """The folder remote: added, validated, active."""
        connection_id = self.ask("connection/add", kind="folder", name="disk", path=str(self.remote))["id"]
        self.ask("connection/validate", connection=connection_id)
        self.ask("connection/activate", connection=connection_id)

    def show(self, archive_id: str) -> Any:
        return self.ask("archive/show", archive=archive_id)

    def wait_remote(self, archive_id: str, timeout_s: float = 60.0) -> Any:
        return wait_for(lambda: (s := self.show(archive_id))["rung"] in {"remote", "proven"} and s, timeout_s, "the archive to be remote")

    def wait_local(self, archive_id: str, timeout_s: float = 60.0) -> Any:
        return wait_for(lambda: (s := self.show(archive_id))["local"] and s, timeout_s, "the archive to be local")

    def job(self, verb: str, **parameters: Any) -> Any:
        """A job's end; one that a restart lost is ``interrupted``."""
        job_id = self.ask(verb, **parameters)["job_id"]

        def ended() -> Any:
            try:
                job = self.ask("integrity/job", job_id=job_id)
            except RequestFailed as error:
                if error.code != "not_found":
                    raise
                return {"state": "interrupted"}
            return job if job["state"] != "running" else None

        return wait_for(ended, 120, "the job to end")
