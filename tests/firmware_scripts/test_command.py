"""``pyarchive scripts``: finds the broker as other commands do, becomes the runner, ends in order; says what is wrong."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from firmware_scripts.running.settings import Settings
from mqtt.client import Broker
from mqtt.topics import Topics
from tests.brokers import Embedded
from tests.runners import StandIn
from tests.waiting import wait_for
from ui.commands import scripts

COMMAND = [sys.executable, "-m", "ui.cli", "scripts"]


def environment(**given: object) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("PYARCHIVE_")}
    return others | {f"PYARCHIVE_{name}": str(value) for name, value in given.items()}


def test_it_finds_the_broker_by_the_data_folder_and_ends_in_order(tmp_path: Path) -> None:
    topics, broker = Topics("test-command"), Embedded()
    login = f'username = "{broker.address.username}"\npassword = "{broker.address.password}"\n'
    content = f'appliance_id = "test-command"\n[mqtt]\nhost = "{broker.address.host}"\nport = {broker.address.port}\n{login}'
    (tmp_path / "client.toml").write_text(content)
    client = Broker(broker.address, topics, client_id="tests")
    orders = StandIn(client, topics)
    client.start()
    process = subprocess.Popen([*COMMAND, "--data", str(tmp_path)], env=environment(), stderr=subprocess.DEVNULL)
    try:
        orders.wait_online()
        assert orders.run("print('hello')").exit_status == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        wait_for(lambda: orders.heard.runner and not orders.heard.runner.online, what="its last word")
    finally:
        process.kill()
        process.wait()
        client.stop(0.5)
        broker.stop()


def test_what_is_wrong_is_said_in_one_line() -> None:
    given = environment(APPLIANCE_ID="test-command", MQTT_HOST="127.0.0.1", MQTT_PORT=1, SCRIPTS_USER="no-such-user")
    done = subprocess.run(COMMAND, env=given, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("pyarchive scripts: PYARCHIVE_SCRIPTS_USER names 'no-such-user'")
    assert len(done.stderr.splitlines()) == 1


def test_a_login_file_gives_the_runner_its_password_which_no_environment_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login = tmp_path / "login.toml"
    login.write_text('[mqtt]\nhost = "127.0.0.1"\nport = 1885\nusername = "scripts"\npassword = "secret-word"\n')
    for name in [name for name in os.environ if name.startswith("PYARCHIVE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYARCHIVE_CONFIG", os.devnull)
    monkeypatch.setenv("PYARCHIVE_LOGIN_FILE", str(login))
    monkeypatch.setenv("PYARCHIVE_APPLIANCE_ID", "test-command")
    handed_over: list[dict[str, str]] = []
    monkeypatch.setattr(os, "execve", lambda _program, _arguments, environment: handed_over.append(environment))
    scripts.run(argparse.Namespace(data=None))
    [given] = handed_over
    assert "secret-word" not in str(given)
    broker = Settings.of(given).broker
    assert (broker.port, broker.username, broker.password) == (1885, "scripts", "secret-word")
