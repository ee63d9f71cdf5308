"""What the house commands is done within a second; what it may not command is a line in the log and nothing else."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.jobs import Job
from mqtt.client import Broker, BrokerAddress
from mqtt.topics import Topics
from tests.appliance.in_house import InHouse
from tests.conftest import MakeBroker
from tests.waiting import wait_for

_FOLLOWS_S = 1.0
_TRIES = 4


@pytest.fixture
def join(
    someone: Broker, make_broker: MakeBroker, broker_address: BrokerAddress, topics: Topics, heard: dict[str, bytes], tmp_path: Path
) -> Callable[..., InHouse]:
    def join(**settings: object) -> InHouse:
        return InHouse(tmp_path / "data", make_broker(broker_address, name="appliance", start=False), topics, heard, **settings)

    return join


@pytest.fixture
def appliance(join: Callable[..., InHouse]) -> Iterator[InHouse]:
    with join() as appliance:
        yield appliance


@pytest.fixture
def command(someone: Broker, topics: Topics) -> Callable[..., None]:
    def command(name: str, payload: bytes, *, retain: bool = False) -> None:
        someone.publish(topics(f"command/{name}"), payload, retain=retain)

    return command


Command = Callable[..., None]


def follows(command: Command, name: str, payloads: tuple[bytes, bytes], is_so: Callable[[], bool]) -> None:
    """The state follows the first payload, then the second; of some tries one is within a second, whatever else the machine does."""
    tries_s: list[float] = []
    while not tries_s or (min(tries_s) > _FOLLOWS_S and len(tries_s) < _TRIES):
        steps_s = []
        for payload, wanted in zip(payloads, (True, False), strict=True):
            begun_s = time.monotonic()
            command(name, payload)
            wait_for(lambda wanted=wanted: is_so() is wanted, what=f"{name} {payload!r}")  # type: ignore[misc]  # it binds the variable
            steps_s.append(time.monotonic() - begun_s)
        tries_s.append(max(steps_s))
    assert min(tries_s) <= _FOLLOWS_S, tries_s


def test_pause_and_resume(appliance: InHouse, command: Command) -> None:
    follows(command, "pause", (b"ON", b"OFF"), lambda: appliance.state.paused)


def test_metered_mode(appliance: InHouse, command: Command) -> None:
    follows(command, "metered", (b"ON", b"OFF"), lambda: appliance.state.metered)


def test_the_upload_limit(appliance: InHouse, command: Command) -> None:
    follows(command, "upload_limit", (b"500", b"0"), lambda: appliance.state.upload_limit_kb_per_s == 500)


def test_sync_ends_every_back_off(appliance: InHouse, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = threading.Event()
    monkeypatch.setattr(appliance.app.engine, "sync_now", synced.set)
    command("sync", b"PRESS")
    assert synced.wait(20)


def test_verify_looks_at_all_copies_and_downloads_nothing(appliance: InHouse, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(type(appliance.app.verifier), "run", lambda _, wanted, job: asked.append(wanted))
    command("verify", b"PRESS")
    wait_for(lambda: asked, what="the check")
    assert (asked[0].archives, asked[0].local, asked[0].remote, asked[0].read_back, asked[0].read_back_bytes) == (
        [],
        True,
        True,
        False,
        None,
    )


def test_however_often_verify_is_pressed_one_check_runs(
    appliance: InHouse, command: Command, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun, may_end = [], threading.Event()

    def check(_self: Any, _wanted: Any, job: Job) -> None:
        begun.append(job)
        may_end.wait(10)

    monkeypatch.setattr(type(appliance.app.verifier), "run", check)
    for _ in range(3):
        command("verify", b"PRESS")
    wait_for(lambda: caplog.text.count("under way already") == 2, what="two to be refused")
    may_end.set()
    wait_for(lambda: begun and begun[0].state == "done", what="the check to end")
    command("verify", b"PRESS")
    wait_for(lambda: len(begun) == 2, what="the next one")


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("pause", b"on"), ("pause", b""), ("pause", b"TRUE"), ("pause", b'{"state": "ON"}'), ("pause", b"\xff\xfe"), ("pause", b"ON\n"),
        ("metered", b"1"), ("metered", b"ON\0"), ("sync", b"now"), ("verify", b"ON"), ("upload_limit", b"-1"), ("upload_limit", b"1.5"),
        ("upload_limit", b"1e3"), ("upload_limit", b"9" * 300_000), ("upload_limit", b"99999999"), ("upload_limit", "٣".encode()),
        ("remove", b"PRESS"), ("pause/ON", b"ON"), ("", b"ON"), ("shutdown", b""), ("sync ", b"PRESS"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_a_line_in_the_log_and_nothing_else(
    appliance: InHouse, command: Command, caplog: pytest.LogCaptureFixture, name: str, payload: bytes
) -> None:
    before = appliance.state, appliance.app.settings.current
    caplog.clear()
    command(name, payload)
    command("upload_limit", b"7")  # in order: what came before it was looked at
    wait_for(lambda: appliance.state.upload_limit_kb_per_s == 7, what="the next command")
    lines = [record for record in caplog.records if record.name == "commands" and record.levelno == logging.WARNING]
    assert len(lines) == 1
    assert len(lines[0].getMessage()) < 400
    assert "\n" not in lines[0].getMessage()
    assert (appliance.state.paused, appliance.state.metered) == (before[0].paused, before[0].metered)
    changed = {"upload_limit_kb_per_s": 0}
    assert appliance.app.settings.current.model_copy(update=changed) == before[1].model_copy(update=changed)


def test_a_retained_command_is_never_obeyed(
    join: Callable[..., InHouse], command: Command, someone: Broker, topics: Topics, caplog: pytest.LogCaptureFixture
) -> None:
    command("pause", b"ON", retain=True)
    with join() as appliance:
        wait_for(lambda: "retained and therefore ignored" in caplog.text, what="the line")
        command("upload_limit", b"7")
        wait_for(lambda: appliance.state.upload_limit_kb_per_s == 7, what="the next command")
        assert not appliance.state.paused
    someone.clear(topics("command/pause"))


def test_a_setting_that_the_environment_fixes_stays_and_is_said_again(
    join: Callable[..., InHouse], command: Command, someone: Broker, topics: Topics, caplog: pytest.LogCaptureFixture
) -> None:
    with join(upload_limit_kb_per_s=100) as appliance:
        told: list[bytes] = []
        someone.subscribe(topics("appliance/state"), lambda _topic, payload, retained: None if retained else told.append(payload))
        wait_for(lambda: someone.outbox is not None and not len(someone.outbox), what="the subscription")
        command("upload_limit", b"500")
        wait_for(lambda: "PYARCHIVE_UPLOAD_LIMIT_KB_PER_S" in caplog.text, what="the line")
        wait_for(lambda: told, what="the state, once more")
        assert appliance.state.upload_limit_kb_per_s == 100
