"""The short form of the kill campaign; the long one is `./install.sh campaign kills`."""

from __future__ import annotations

import secrets
from pathlib import Path

from tests.faults.kills import MIB, Campaign


def test_whatever_instant_a_kill_hits_nothing_acknowledged_is_lost_and_little_is_sent_twice(tmp_path: Path) -> None:
    seed = secrets.randbelow(1 << 32)
    print(f"seed {seed}: ./install.sh campaign kills --seed {seed} --kills 8")
    outcome = Campaign(tmp_path, seed, kills=8).run()
    assert outcome.sent_twice_bytes <= outcome.kills * MIB, outcome
