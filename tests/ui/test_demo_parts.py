"""What the demo is made of: its claim on a folder, its file for other commands, its children."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ui.stand_in import until
from ui.client_settings import find
from ui.demo import claim, client_file
from ui.demo.child import Child
from ui.demo.claim import Claim
from ui.errors import Failed


def child(tmp_path: Path, program: str) -> Child:
    return Child("thing", [sys.executable, "-c", program], os.environ, tmp_path / "thing.log")


# The claim


def test_a_second_demo_on_the_same_folder_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    with Claim(tmp_path / "data"), pytest.raises(Failed, match=rf"another demo \(process {os.getpid()}\)"), Claim(tmp_path / "data"):
        pass
    with Claim(tmp_path / "data"):
        pass


def test_a_folder_with_a_running_appliance_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "_APPLIANCE_PATIENCE_S", 0.2)
    with (tmp_path / ".lock").open("w") as lock:
        lock.write("process 7 on here\n")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Failed, match="process 7 on here"), Claim(tmp_path):
            pass


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Failed, match="Not a directory"):
        Claim(tmp_path / "file" / "data")


# The client file


def test_the_client_file_is_read_by_the_other_commands_and_by_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    written = client_file.load(tmp_path).changed(port=4242, appliance_id="pyarchive-12")
    found = find({}, tmp_path)
    assert (found.port, found.password, found.appliance_id, found.username) == (
        4242,
        written.password,
        "pyarchive-12",
        client_file.USERNAME,
    )
    assert stat.S_IMODE((tmp_path / "client.toml").stat().st_mode) == 0o600
    assert written.password not in repr(written)


def test_port_password_and_memory_outlive_a_restart(tmp_path: Path) -> None:
    written = client_file.load(tmp_path).changed(port=4242, remote_added=True, panel_port=9000)
    again = client_file.load(tmp_path)
    assert (again.port, again.password, again.remote_added, again.panel_port) == (4242, written.password, True, 9000)


@pytest.mark.parametrize("content", ["", "nonsense", "mqtt = 1\ndemo = 2", '[mqtt]\nport = "x"'])
def test_a_client_file_that_is_no_use_is_made_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "client.toml").write_text(content)
    assert (client_file.load(tmp_path).port, client_file.load(tmp_path).remote_added) == (0, False)


# Children


def test_a_child_that_dies_is_said_with_its_last_words_and_started_again(tmp_path: Path) -> None:
    dying = child(tmp_path, "import sys; print('cannot\\x1b go on', file=sys.stderr); sys.exit(3)")
    dying.start()
    until(lambda: dying.exit_status is not None)
    assert "exit status 3: cannot\\x1b go on" in (dying.tend() or "")
    until(lambda: dying.tend() or (tmp_path / "thing.log").read_text().count("go on") == 2)
    dying.stop(1)


def test_the_wait_before_another_start_doubles(tmp_path: Path) -> None:
    dying = child(tmp_path, "")
    dying.start()
    said: list[str] = []
    until(lambda: said.append(line) if (line := dying.tend()) else len(said) == 2)
    assert ["0.5 s" in said[0], " 1 s" in said[1]] == [True, True]
    dying.stop(1)


def test_a_child_does_not_hear_the_terminal_but_ends_on_stop(tmp_path: Path) -> None:
    steady = child(tmp_path, "import time; print('up', flush=True); time.sleep(60)")
    steady.start()
    until(lambda: "up" in steady.log.read_text())
    assert steady._process is not None
    steady._process.send_signal(signal.SIGINT)
    steady._process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        steady._process.wait(0.3)
    assert steady.stop(5)


def test_a_child_that_does_not_stop_is_ended(tmp_path: Path) -> None:
    deaf = child(tmp_path, "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)")
    deaf.start()
    until(lambda: "up" in deaf.log.read_text())
    assert not deaf.stop(0.2)
    assert deaf.exit_status == -signal.SIGKILL


def test_a_long_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.demo.child._LOG_LIMIT_BYTES", 10)
    (tmp_path / "thing.log").write_text("x" * 20)
    talking = child(tmp_path, "print('new')")
    talking.start()
    until(lambda: talking.exit_status is not None)
    assert (tmp_path / "thing.log").read_text() == "new\n"
    assert (tmp_path / "thing.log.old").read_text() == "x" * 20
