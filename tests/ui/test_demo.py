"""``pyarchive demo`` as a user runs it: real processes, a real appliance."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.ui.stand_in import until

SETTINGS = {"PYARCHIVE_BATCH_SIZE_MIB": "1", "PYARCHIVE_RESERVE_MIB": "16"}


def environment(data: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYARCHIVE_")}
    return {**kept, **SETTINGS, "PYARCHIVE_DATA": str(data)}


class RunningDemo:
    """A demo in a process group of its own, and commands beside it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        command = [sys.executable, "-m", "ui.cli", "demo", "--json"]
        self.process = subprocess.Popen(
            command, env=environment(data), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()
        self.ready: dict[str, Any] = json.loads(line)

    def command(self, *arguments: object, status: int = 0) -> str:
        command = [sys.executable, "-m", "ui.cli", *map(str, arguments)]
        done = subprocess.run(command, env=environment(self.data), capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == status, done
        return done.stdout if status == 0 else done.stderr

    def try_command(self, *arguments: str) -> bool:
        """Whether it was done."""
        command = [sys.executable, "-m", "ui.cli", *arguments]
        return subprocess.run(command, env=environment(self.data), capture_output=True, check=False).returncode == 0

    def child(self, module: str) -> psutil.Process:
        return next(child for child in psutil.Process(self.process.pid).children() if module in child.cmdline())

    def processes(self) -> list[psutil.Process]:
        """All of its process group."""
        return [process for process in psutil.process_iter() if _group(process) == self.process.pid]

    def end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        for stream in (self.process.stdout, self.process.stderr):
            assert stream
            stream.close()


def _group(process: psutil.Process) -> int | None:
    try:
        return os.getpgid(process.pid) if process.status() != psutil.STATUS_ZOMBIE else None
    except (ProcessLookupError, psutil.NoSuchProcess):
        return None


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    """One for all tests that leave it running."""
    running = RunningDemo(tmp_path_factory.mktemp("data") / "demo")
    yield running
    running.end()


@pytest.fixture
def file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / f"{abs(hash(request.node.name)):x}.bin"
    path.write_bytes(os.urandom(5_500_000))
    return path


def test_a_file_goes_to_the_remote_and_comes_back_the_same(demo: RunningDemo, file: Path, tmp_path: Path) -> None:
    (put,) = json.loads(demo.command("put", file, "--wait", "--json"))["archives"]
    assert (put["rung"], put["sha256"]) == ("remote", hashlib.sha256(file.read_bytes()).hexdigest())
    demo.command("release", file.name)
    assert "pyarchive restore" in demo.command("get", file.name, tmp_path / "back", status=1)
    demo.command("restore", file.name, "--wait")
    demo.command("get", file.name, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == file.read_bytes()
    batches = sorted((demo.data / "remote").rglob(f"{put['id']}/0000000?"))
    assert b"".join(batch.read_bytes() for batch in batches) == file.read_bytes()


def test_damage_on_the_remote_is_found_shown_and_repaired(demo: RunningDemo, file: Path) -> None:
    (put,) = json.loads(demo.command("put", file, "--wait", "--json"))["archives"]
    (batch,) = (demo.data / "remote").rglob(f"{put['id']}/00000002")
    content = bytearray(batch.read_bytes())
    content[7] ^= 1
    batch.chmod(0o600)
    batch.write_bytes(content)
    assert "damage remains" in demo.command("verify", put["id"], "--remote", status=1)
    demo.command("verify", put["id"], "--remote", "--repair")
    assert "0 damaged" in demo.command("verify", put["id"], "--read-back")
    assert json.loads(demo.command("show", put["id"], "--json"))["rung"] == "proven"


def test_what_waits_outlives_the_appliance_and_the_broker(demo: RunningDemo, file: Path) -> None:
    demo.command("pause")
    command = [sys.executable, "-m", "ui.cli", "put", str(file), "--wait", "--timeout", "60"]
    waiting = subprocess.Popen(command, env=environment(demo.data), stdout=subprocess.PIPE, text=True)
    assert waiting.stdout is not None
    assert "received" in waiting.stdout.readline()
    for module in ("appliance", "mqtt.embedded"):
        demo.child(module).kill()
    until(lambda: demo.try_command("resume"), 30)
    out, _ = waiting.communicate(timeout=60)
    assert (waiting.returncode, f"remote: {file.name}" in out) == (0, True)


def test_two_demos_on_one_folder_are_refused(demo: RunningDemo) -> None:
    assert f"another demo (process {demo.process.pid})" in demo.command("demo", status=1)
    demo.command("status")


def test_a_second_start_goes_on_with_all_it_had_and_what_was_removed_stays_removed(tmp_path: Path, file: Path) -> None:
    first = RunningDemo(tmp_path / "demo")
    first.command("put", file)
    first.command("connection", "remove", "demo")
    known = (first.data / "client.toml").read_text()
    first.end()
    assert first.process.returncode == 0
    second = RunningDemo(tmp_path / "demo")
    try:
        assert (second.ready, (second.data / "client.toml").read_text()) == (first.ready, known)
        assert len(json.loads(second.command("list", "--json"))["archives"]) == 1
        assert json.loads(second.command("connection", "list", "--json")) == {"connections": []}
    finally:
        os.killpg(second.process.pid, signal.SIGINT)
        second.end()
    assert (second.process.returncode, second.processes()) == (0, [])
    assert "stopped" in (second.data / "appliance.log").read_text()


def test_signals_that_come_all_at_once_end_it(tmp_path: Path) -> None:
    running = RunningDemo(tmp_path / "demo")
    for _ in range(300):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            running.process.send_signal(number)
    running.end()
    assert running.process.returncode == 0


def test_sigint_ends_a_demo_that_a_script_has_put_into_the_background(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a script's `&` does; it is inherited
    try:
        running = RunningDemo(tmp_path / "demo")
    finally:
        signal.signal(signal.SIGINT, before)
    os.killpg(running.process.pid, signal.SIGINT)
    try:
        assert running.process.wait(20) == 0
    finally:
        running.end()
    assert running.processes() == []


def test_nothing_outlives_a_demo_that_is_killed(tmp_path: Path) -> None:
    demo = RunningDemo(tmp_path / "demo")
    until(lambda: _keepers(demo), 20)  # of scripts' runs: not in the demo's process group, and ended with it all the same
    mine = psutil.Process(demo.process.pid).children(recursive=True)
    assert len(demo.processes()) >= 5  # demo, broker, appliance, panel, runner of scripts
    demo.process.kill()
    demo.end()
    until(lambda: not demo.processes(), 10)
    until(lambda: not any(process.is_running() for process in mine), 10)


def _keepers(demo: RunningDemo) -> list[psutil.Process]:
    children = psutil.Process(demo.process.pid).children(recursive=True)
    return [process for process in children if process.is_running() and "firmware_scripts.running.keeper" in process.cmdline()]


def test_a_demo_whose_messages_nobody_reads_any_more_goes_on_and_can_be_ended(tmp_path: Path) -> None:
    demo = RunningDemo(tmp_path / "demo")
    for stream in (demo.process.stdout, demo.process.stderr):
        assert stream
        stream.close()
    old = demo.child("mqtt.embedded").pid
    demo.child("mqtt.embedded").kill()  # that would be said
    until(lambda: any(child.pid != old for child in demo.processes() if "mqtt.embedded" in child.cmdline()), 15)
    demo.end()
    assert demo.processes() == []
