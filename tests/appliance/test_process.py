"""The appliance as a process: how it starts, ends, and stands without its broker."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import KINDS
from tests.processes import House
from tests.waiting import wait_for

MIB = 1 << 20


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with House(tmp_path) as running:
        yield running


@pytest.fixture(params=KINDS)
def each_house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """On each kind of broker."""
    with House(tmp_path, broker=request.param, upload_limit_kb_per_s=4000) as running:
        yield running


def test_online_comes_after_the_numbers_and_a_kill_is_told_by_the_last_will(each_house: House) -> None:
    house = each_house
    availability = house.topics.availability
    wait_for(lambda: house.seen.get(availability) == b"online")
    assert house.topics("appliance/state") in house.seen
    house.kill()
    wait_for(lambda: house.seen.get(availability) == b"offline")


def test_a_clean_end_says_offline_and_leaves_nothing_half_done(each_house: House) -> None:
    house = each_house
    wait_for(lambda: house.seen.get(house.topics.availability) == b"online")
    house.stop()
    assert house.process is not None
    assert house.process.returncode == 0
    wait_for(lambda: house.seen.get(house.topics.availability) == b"offline")


@pytest.mark.parametrize("work", ["ingest", "upload", "restore", "verify"])
def test_sigterm_ends_it_within_five_seconds_whatever_it_does(tmp_path: Path, work: str) -> None:
    with House(tmp_path, upload_limit_kb_per_s=0) as house:
        house.connect()
        content = random.Random(3).randbytes(64 * MIB)
        archive_id = house.begin(content, "a.bin") if work == "ingest" else house.put(content)
        if work == "ingest":
            house.ask("archive/commit", archive_id=archive_id, sha256="0" * 64)
        elif work != "upload":
            house.wait_remote(archive_id)
        if work == "restore":
            assert house.job("archive/release", archive=archive_id)["state"] == "done"
            house.ask("archive/restore", archive=archive_id)
        elif work == "verify":
            house.ask("integrity/verify", read_back=True)
        started = time.monotonic()
        house.stop(5.0)
        assert time.monotonic() - started < 5
        assert house.process is not None
        assert house.process.returncode == 0


def test_transfers_go_on_while_the_broker_is_dead_and_the_truth_is_told_when_it_is_back(each_house: House) -> None:
    house = each_house
    house.connect()
    archive_id = house.put(random.Random(4).randbytes(6 * MIB))
    house.broker.stop()
    house.seen.clear()
    manifest = house.remote / house.topics.appliance_id / archive_id / "manifest.json"
    wait_for(manifest.exists)
    house.broker.start()
    topic = house.topics(f"archive/{archive_id}/state")
    wait_for(lambda: json.loads(house.seen.get(topic, b"{}")).get("rung") == "remote", 40)
    wait_for(lambda: house.seen.get(house.topics.availability) == b"online")


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "appliance"], env=os.environ | environment, capture_output=True, text=True, timeout=30, check=False
    )


def test_an_unknown_setting_ends_the_start_with_one_line_that_names_it(tmp_path: Path) -> None:
    ended = run(PYARCHIVE_DATA=str(tmp_path / "data"), PYARCHIVE_UPLOAD_LIMT_KB_PER_S="5")
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "PYARCHIVE_UPLOAD_LIMT_KB_PER_S" in ended.stderr
    assert not (tmp_path / "data").exists()


def test_a_second_appliance_on_the_same_data_ends_with_one_line_that_names_the_holder(house: House) -> None:
    house.ask("archive/list")
    ended = run(PYARCHIVE_DATA=str(house.data))
    assert ended.returncode == 1
    assert house.process is not None
    assert f"process {house.process.pid}" in ended.stderr


def test_it_ends_when_its_parent_dies(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "appliance", "--until-stdin-closes"],
        env=os.environ | {"PYARCHIVE_DATA": str(tmp_path / "data"), "PYARCHIVE_MQTT_PORT": "1"},
        stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for((tmp_path / "data" / "catalog").exists)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(10) == 0
