"""Handing files in, against a scripted appliance."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mqtt.client import BrokerAddress
from mqtt.embedded import EmbeddedBroker
from tests.ui.conftest import Run
from tests.ui.stand_in import Refusal, StandIn, archive, problem, until


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "photos.tar"
    path.write_bytes(os.urandom(300_000))
    return path


def test_a_file_is_announced_filled_and_committed(appliance: StandIn, run: Run, file: Path) -> None:
    done = run("put", file, "--owner", "anna", "--title", "Photos")
    assert (done.status, done.err) == (0, "")
    assert done.out == "received photos.tar (300 kB) as 0000000000000000\n"
    assert appliance.asked[0] == ("archive/begin", {"file_name": "photos.tar", "size_bytes": 300_000, "title": "Photos", "owner": "anna"})
    assert (appliance.uploads / "0000000000000000").read_bytes() == file.read_bytes()
    assert [verb for verb, _ in appliance.asked] == ["archive/begin", "archive/commit", "archive/upload"]


def test_put_as_json_tells_what_became_of_each(appliance: StandIn, run: Run, file: Path) -> None:
    done = run("put", file, "--json")
    (found,) = done.json["archives"]
    known = appliance.archives["0000000000000000"]
    assert found == {name: known[name] for name in ("id", "title", "file_name", "size_bytes", "sha256", "rung")}


def test_what_cannot_be_read_is_named_and_the_others_go_on(appliance: StandIn, run: Run, file: Path, tmp_path: Path) -> None:
    done = run("put", tmp_path, tmp_path / "none", file, "/dev/null", "--json")
    assert done.status == 1
    assert [found["title"] for found in done.json["archives"]] == ["photos.tar"]
    assert [line.split(" cannot be handed in: ")[0] for line in done.err.splitlines()] == [
        f"pyarchive: {tmp_path}", f"pyarchive: {tmp_path}/none", "pyarchive: /dev/null",
    ]  # fmt: skip
    assert appliance.times_asked("archive/begin") == 1


def test_a_name_of_any_bytes_is_handed_in(appliance: StandIn, run: Run, tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\x1b[2J")
    Path(path).write_bytes(b"x")
    done = run("put", path)
    assert done.status == 0
    assert appliance.asked[0][1]["file_name"] == "caf\ufffd\x1b[2J"
    assert "\x1b" not in done.out


def test_a_source_that_changes_while_it_is_read_is_not_handed_in(appliance: StandIn, run: Run, file: Path) -> None:
    begin = appliance.answers["archive/begin"]

    def begin_and_change(asked: dict[str, Any]) -> Any:
        file.write_bytes(os.urandom(300_000))
        return begin(asked)

    appliance.answers["archive/begin"] = begin_and_change
    done = run("put", file)
    assert done.status == 1
    assert "changed while it was read" in done.err
    assert [verb for verb, _ in appliance.asked] == ["archive/begin", "archive/abort"]
    assert list(appliance.uploads.iterdir()) == []


def test_a_refusal_is_shown_as_the_appliance_said_it(appliance: StandIn, run: Run, file: Path) -> None:
    def full(_asked: dict[str, Any]) -> Any:
        raise Refusal("disk_full", "photos.tar needs 300 kB, and 0 B can be used; release archives")

    appliance.answers["archive/begin"] = full
    done = run("put", file)
    assert (done.status, done.err) == (1, "pyarchive: photos.tar needs 300 kB, and 0 B can be used; release archives\n")


def test_what_fails_while_it_is_checked_ends_with_1(appliance: StandIn, run: Run, file: Path) -> None:
    steps = iter(["hashing", "failed"])

    def upload(_asked: dict[str, Any]) -> Any:
        return {"state": next(steps), "done_bytes": 0, "size_bytes": 1, "error": {"code": "damaged", "message": "hand it in again"}}

    appliance.answers["archive/upload"] = upload
    done = run("put", file)
    assert (done.status, done.err) == (1, "pyarchive: hand it in again\n")


def test_a_file_is_never_made_by_the_command_itself(appliance: StandIn, run: Run, file: Path, tmp_path: Path) -> None:
    place = tmp_path / "planted"
    appliance.answers["archive/begin"] = {"archive_id": "aaaa1111", "path": str(place)}
    assert run("put", file).status == 1
    assert not place.exists()
    place.symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_bytes(b"precious")
    assert run("put", file).status == 1
    assert (tmp_path / "elsewhere").read_bytes() == b"precious"


def test_put_waits_until_the_archive_is_remote(appliance: StandIn, run: Run, file: Path) -> None:
    appliance.online()
    shown = iter(
        [archive("0" * 16), archive("0" * 16, rung="partial", batches_stored=1), archive("0" * 16, rung="remote", batches_stored=3)]
    )
    appliance.answers["archive/show"] = lambda _asked: next(shown)
    done = run("put", file, "--wait", "--timeout", 20)
    assert (done.status, done.err) == (0, "")
    assert "remote: holidays.tar (0000000000000000) is safe" in done.out


def test_a_wait_ends_on_a_problem_in_the_way_of_the_connection(appliance: StandIn, run: Run, file: Path) -> None:
    appliance.online(problems=[problem("c1")])
    done = run("put", file, "--wait")
    assert done.status == 1
    assert "photos.tar waits: trouble with c1; mend it" in done.err


def test_a_restart_of_broker_and_appliance_in_the_middle_is_survived(tmp_path: Path, file: Path) -> None:
    (tmp_path / "uploads").mkdir()
    broker = EmbeddedBroker.start()
    address = BrokerAddress(host=broker.host, port=broker.port, username=broker.username, password=broker.password)
    appliance = StandIn(address, "restarted", tmp_path / "uploads")
    received = appliance.answers["archive/upload"]
    appliance.answers["archive/upload"] = {"state": "hashing", "done_bytes": 1, "size_bytes": 2, "error": None}
    process = subprocess.Popen(
        [sys.executable, "-m", "ui.cli", "put", str(file)], env=_environment(address), stdout=subprocess.PIPE, text=True
    )
    try:
        appliance.wait_asked("archive/upload")
        appliance.stop()
        broker.stop()
        broker = EmbeddedBroker.start(port=broker.port, password=broker.password)
        appliance.answers["archive/upload"] = received
        appliance.start()
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        appliance.stop()
        broker.stop()
    assert process.returncode == 0
    assert "received photos.tar" in out


def _environment(address: BrokerAddress) -> dict[str, str]:
    found = {"HOST": address.host, "PORT": str(address.port), "USERNAME": address.username or "", "PASSWORD": address.password or ""}
    return {**os.environ, "PYARCHIVE_APPLIANCE_ID": "restarted", **{f"PYARCHIVE_MQTT_{name}": value for name, value in found.items()}}


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_forgets_the_unfinished_upload(
    appliance: StandIn, client_data: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    source = tmp_path / "endless"
    with source.open("wb") as file:
        file.write(b"begun")
        file.truncate(1 << 40)  # a hole of a terabyte takes long to hash
    process = subprocess.Popen([sys.executable, "-m", "ui.cli", "--data", str(client_data), "put", str(source)], stderr=subprocess.PIPE)
    try:
        appliance.wait_asked("archive/begin")
        place = appliance.uploads / ("0" * 16)
        until(lambda: place.exists() and place.stat().st_size)
        process.send_signal(number)
        assert process.wait(20) == status
    finally:
        process.kill()
        process.communicate()
    assert appliance.times_asked("archive/abort") == 1
    assert list(appliance.uploads.iterdir()) == []
