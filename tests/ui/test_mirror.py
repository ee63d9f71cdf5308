"""What the appliance published last, as the command sees it, and how it is drawn."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mqtt.messages import Direction, TransferState
from tests.ui.stand_in import NOW, StandIn, problem
from ui.client_settings import find
from ui.link import Link
from ui.live import draw
from ui.mirror import Mirror


@pytest.fixture
def mirror(appliance: StandIn, client_data: Path) -> Iterator[Mirror]:
    with Link(find({}, client_data)) as link:
        link.mirror.follow("availability", "appliance/state", "transfer/+/state")
        yield link.mirror


def moving(**changes: Any) -> bytes:
    facts: dict[str, Any] = {
        "slot": 0, "archive_id": "a", "title": "film\x1b[2J.mkv", "batch_index": 4, "batches_total": 50, "connection_id": "c1",
        "direction": Direction.UP, "done_bytes": 4_000_000, "size_bytes": 16_000_000, "rate_bytes_per_s": 600_000.0, "started_at": NOW,
    }  # fmt: skip
    return TransferState.model_validate(facts | changes).payload()


def test_the_last_message_counts_and_a_cleared_one_is_gone(appliance: StandIn, mirror: Mirror) -> None:
    appliance.online()
    appliance.publish("transfer/0/state", moving())
    assert mirror.wait(lambda: mirror.online and bool(mirror.below("transfer/")), 5)
    appliance.publish("transfer/0/state", b"")
    assert mirror.wait(lambda: not mirror.below("transfer/"), 5)
    assert mirror.get("appliance/state")["appliance_id"] == "stand-in"


def test_what_is_no_json_is_kept_as_text(appliance: StandIn, mirror: Mirror) -> None:
    appliance.publish("appliance/state", b"\xff{")
    assert mirror.wait(lambda: mirror.get("appliance/state") is not None, 5)
    assert mirror.get("appliance/state") == "\ufffd{"


def test_the_live_view_shows_slots_and_problems_and_lets_no_title_steer_the_terminal(appliance: StandIn, mirror: Mirror) -> None:
    appliance.publish("transfer/0/state", moving())
    appliance.publish("transfer/1/state", moving(slot=1, batch_index=None, direction=Direction.DOWN))
    appliance.online(status="needs_you", status_reason="look", problems=[problem("store")], progress_ratio=0.5)
    assert mirror.wait(lambda: mirror.online and len(mirror.below("transfer/")) == 2 and bool(mirror.get("appliance/state")), 5)
    console = Console(file=io.StringIO(), width=120, no_color=True)
    console.print(draw(mirror))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "\x1b" not in text
    for part in (
        "stand-in  needs you",
        "50 %",
        "↑ film\\x1b[2J.mkv",
        "25 % batch 5/50, 4.00 MB of 16.0 MB, 600 kB/s",
        "↓",
        "manifest",
        "needs you: trouble with store; mend it",
    ):
        assert part in text


def test_before_anything_is_known_the_view_says_that_it_waits(mirror: Mirror) -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(draw(mirror))
    assert isinstance(console.file, io.StringIO)
    assert "waiting for the appliance" in console.file.getvalue()


def test_bars_are_drawn_on_the_terminal_and_results_stay_alone_on_stdout(appliance: StandIn, client_data: Path, tmp_path: Path) -> None:
    file = tmp_path / "film.mkv"
    file.write_bytes(os.urandom(100_000))
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "ui.cli", "--data", str(client_data), "put", str(file)],
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"}, stdout=subprocess.PIPE, stderr=terminal, text=True,
    )  # fmt: skip
    os.close(terminal)
    drawn = b""
    try:
        while chunk := os.read(controller, 65_536):
            drawn += chunk
    except OSError:
        pass  # the end of a terminal
    finally:
        process.kill()
        os.close(controller)
    out, _ = process.communicate()
    assert out == "received film.mkv (100 kB) as 0000000000000000\n"
    assert b"film.mkv" in drawn
    assert "━".encode() in drawn
