"""The runner of scripts as a process of its own, and what is heard of its runs."""

from __future__ import annotations

import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mqtt.client import Broker, BrokerAddress
from mqtt.requests import Responder
from mqtt.script_messages import UNFINISHED, KillOrder, RunnerState, RunOrder, ScriptLine, ScriptOutput, ScriptState
from mqtt.topics import Topics
from tests.own_process import OwnProcess
from tests.waiting import PATIENCE_S, wait_for

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_UNITS_USER = 64_123 + _WORKER  # nobody else's
_USERS = ("nobody", "games", "news", "uucp", "mail", "lp")
_RIGHTS = "+setuid,+setgid,+kill"
_AS_THE_UNIT = [
    "setpriv", f"--reuid={_UNITS_USER}", f"--regid={_UNITS_USER}", "--clear-groups", f"--inh-caps={_RIGHTS}", f"--ambient-caps={_RIGHTS}",
]  # fmt: skip
SYSTEM_PYTHON = Path("/usr/bin/python3")


def scripts_user() -> str:
    """Each of pytest's workers has another: how many processes there may be is counted by user, whoever runs them."""
    known = [name for name in _USERS if name in {entry.pw_name for entry in pwd.getpwall()}]
    return known[_WORKER % len(known)]


def _units_python(folder: Path) -> Path:
    """An environment that every user may use, with all that ours has."""
    home = folder / "python"
    subprocess.run([SYSTEM_PYTHON, "-m", "venv", "--without-pip", home], check=True)
    (packages,) = home.glob("lib/python3.*/site-packages")
    ours = [path for path in sys.path if path and Path(path).name == "site-packages"]
    (packages / "ours.pth").write_text("\n".join([str(Path(__file__).parent.parent), *ours]))
    return home / "bin" / "python"


class RunnerProcess(OwnProcess):
    """``with RunnerProcess(address, topics, folder) as runner``: ended by process id. ``more``: of its environment.

    ``unprivileged``: as on a Pi, under a user of its own that has three rights; its Python is one that this user may use.
    """

    def __init__(self, address: BrokerAddress, topics: Topics, folder: Path, *, unprivileged: bool = False, **more: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="runs-"))  # not below the test's folder, which other users cannot reach
        self.folder.chmod(0o711)
        self._python = [sys.executable]
        if unprivileged:
            os.chown(self.folder, _UNITS_USER, _UNITS_USER)
            self._python = [*_AS_THE_UNIT, str(_units_python(self.folder))]
        self.log = folder / "runner.log"
        given = {
            "PYARCHIVE_APPLIANCE_ID": topics.appliance_id, "PYARCHIVE_MQTT_HOST": address.host, "PYARCHIVE_MQTT_PORT": str(address.port),
            "PYARCHIVE_MQTT_USERNAME": str(address.username), "PYARCHIVE_MQTT_PASSWORD": str(address.password),
            "PYARCHIVE_SCRIPTS_FOLDER": str(self.folder),
        }  # fmt: skip
        if os.geteuid() == 0:
            given["PYARCHIVE_SCRIPTS_USER"] = scripts_user()
        self._environment = os.environ | given | more
        self._log = self.log.open("ab")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        self.process = subprocess.Popen([*self._python, "-m", "firmware_scripts.runner"], env=self._environment, stderr=self._log)


class Heard:
    """What a runner said, by run: its states and its lines, in order."""

    def __init__(self) -> None:
        self.states: dict[str, list[ScriptState]] = {}
        self.lines: dict[str, list[ScriptLine]] = {}
        self.messages: dict[str, list[int]] = {}
        self.runner: RunnerState | None = None

    def take(self, topic: str, payload: bytes, _retained: bool) -> None:
        if topic.endswith("runner/state"):
            self.runner = RunnerState.model_validate_json(payload)
        elif topic.endswith("/state"):
            state = ScriptState.model_validate_json(payload)
            self.states.setdefault(state.run_id, []).append(state)
        else:
            output = ScriptOutput.model_validate_json(payload)
            self.lines.setdefault(output.run_id, []).extend(output.lines)
            self.messages.setdefault(output.run_id, []).append(len(payload))


class StandIn:
    """In the appliance's place: gives orders, hears what comes of them, answers what scripts ask with what it was asked,
    or as ``answer_with`` says.
    """

    def __init__(self, client: Broker, topics: Topics, *, answering: bool = True) -> None:
        self._client = client
        self._topics = topics
        self.heard = Heard()
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self._lock = threading.Lock()
        self.answer_with(lambda verb, parameters: {"verb": verb, **parameters})
        for name in ("script/+/output", "script/+/state", "runner/state"):
            client.subscribe(topics(name), self.heard.take)
        self.responder = Responder(client, topics, self._execute)
        if answering:  # else a real appliance does
            self.responder.start()

    def answer_with(self, answer: Callable[[str, dict[str, Any]], Any]) -> None:
        self._answer = answer

    def _execute(self, login: str, verb: str, parameters: dict[str, Any]) -> Any:
        with self._lock:
            self.asked.append((login, verb, parameters))
        return self._answer(verb, parameters)

    def order(self, source: str | bytes, *arguments: str, **more: Any) -> str:
        """A run is asked for; its id. ``more``: of RunOrder."""
        content = source.encode() if isinstance(source, str) else source
        facts: dict[str, Any] = {"run_id": secrets.token_hex(6), "script_id": "tried", "name": "Tried", "arguments": list(arguments)}
        facts |= {"asked_at": datetime.now(UTC), "source_sha256": hashlib.sha256(content).hexdigest()}
        order = RunOrder.of(content, **facts | more)
        self._client.publish(self._topics(RunOrder.topic), order.payload(), retain=False)
        return order.run_id

    def kill(self, run_id: str, grace_s: float = 5.0) -> None:
        self._client.publish(self._topics(KillOrder.topic), KillOrder(run_id=run_id, grace_s=grace_s).payload(), retain=False)

    def state(self, run_id: str) -> ScriptState | None:
        return self.heard.states.get(run_id, [None])[-1]

    def text(self, run_id: str) -> list[str]:
        return [line.text for line in self.heard.lines.get(run_id, [])]

    def wait_text(self, run_id: str, text: str, timeout_s: float = PATIENCE_S) -> None:
        wait_for(lambda: any(text in line for line in self.text(run_id)) or self._not_over(run_id), timeout_s, f"{text!r} of the run")

    def _not_over(self, run_id: str) -> bool:
        state = self.state(run_id)
        assert state is None or state.state in UNFINISHED, (state, self.text(run_id)[-20:])
        return False

    def wait_end(self, run_id: str, timeout_s: float = PATIENCE_S) -> ScriptState:
        return wait_for(lambda: (s := self.state(run_id)) and s.state not in UNFINISHED and s, timeout_s, "the run to end")  # type: ignore[return-value]

    def run(self, source: str | bytes, *arguments: str, timeout_s: float = PATIENCE_S, **more: Any) -> ScriptState:
        """Run it, and wait for its end."""
        return self.wait_end(self.order(source, *arguments, **more), timeout_s)

    def wait_online(self, timeout_s: float = PATIENCE_S) -> None:
        wait_for(lambda: self.heard.runner is not None and self.heard.runner.online, timeout_s, "the runner to be online")
