"""What a process tells the service manager."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from mqtt.service_manager import ServiceManager
from tests.service_manager import Manager


def test_what_is_told_arrives_word_for_word(tmp_path: Path) -> None:
    with Manager(tmp_path, watchdog_s=60) as manager:
        service = ServiceManager(manager.environment)
        assert service.watchdog_s == 60
        service.extend(90, "reading")
        service.extend(90, "more often than it is worth telling")
        service.ready("3 archives\nREADY=0")
        service.alive()
        service.stopping()
        assert manager.hears("STOPPING=1", 5)
        begun = ["EXTEND_TIMEOUT_USEC=90000000", "WATCHDOG=1", "STATUS=reading"]
        assert manager.told == [*begun, "READY=1", "STATUS=3 archives READY=0", "WATCHDOG=1", "STOPPING=1"]


def test_a_socket_without_a_file_is_found() -> None:
    name = f"pyarchive-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).alive()
        assert listening.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    "environment",
    [
        {}, {"WATCHDOG_USEC": "1000000"}, {"NOTIFY_SOCKET": "/nowhere/notify"},
        {"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_PID": "1", "WATCHDOG_USEC": "5"},
    ],
)  # fmt: skip
def test_where_nobody_listens_nothing_happens_and_nothing_is_expected(environment: dict[str, str]) -> None:
    service = ServiceManager(environment)
    assert service.watchdog_s is None
    service.ready("")
    service.alive()
