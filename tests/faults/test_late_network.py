"""A network that is not there at boot, comes late, and drops: in a namespace whose line is really taken down."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def test_what_waits_for_a_network_begins_by_itself_soon_after_it_is_there(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "--net", "ip", "link", "set", "lo", "up"], check=False, capture_output=True).returncode:
        pytest.skip("a network namespace takes root and iproute2")
    ran = subprocess.run(
        ["unshare", "--net", sys.executable, "-m", "tests.faults.late_network", tmp_path], check=False, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    log = (tmp_path / "appliance.log").read_text()
    assert ran.returncode == 0, f"{ran.stderr}\n{log}"
    words = [line for line in log.splitlines() if "WARNING" in line or "ERROR" in line]
    assert len(words) <= 12, words
