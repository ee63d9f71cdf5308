"""What must be shown at full size, by name: ``python -m tests.campaigns NAME``; ``./install.sh campaign NAME`` in a clone."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.__main__ import main as measure
from tests.faults.cuts import check_all, live
from tests.faults.kills import MIB, Campaign


def kills(arguments: list[str]) -> int:
    """SIGKILL of the appliance at random instants of all its work, with the contents and what was sent twice checked."""
    parser = argparse.ArgumentParser(prog="campaign kills", description=kills.__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    options = parser.parse_args(arguments)
    print(f"{options.kills} kills, --seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="pyarchive-kills-") as folder:
        outcome = Campaign(Path(folder), options.seed, options.kills, lambda line: print(line, flush=True)).run()
    per_kill = outcome.sent_twice_bytes / outcome.kills
    print(
        f"{outcome.archives} archives right; {outcome.sent_bytes:,} bytes sent, {outcome.sent_twice_bytes:,} twice: {per_kill:,.0f} a kill"
    )
    return 0 if per_kill <= MIB else 1


def power(arguments: list[str]) -> int:
    """A power cut after every durable operation of a short life, with what was not synced dropped, torn and reordered."""
    parser = argparse.ArgumentParser(prog="campaign power", description=power.__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    options = parser.parse_args(arguments)
    print(f"--seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="pyarchive-power-") as folder:
        life = live(Path(folder) / "life")
        checked = check_all(life, Path(folder), options.seed)
    operations = len(life.recorder.operations)
    print(f"{checked} disks after {operations} operations: the appliance started on each, nothing acknowledged was missing")
    return 0


def benchmarks(arguments: list[str]) -> int:
    """Every figure beside its budget; --help tells how to choose some, and a smaller form."""
    return measure(arguments)


CAMPAIGNS = {"kills": kills, "power": power, "benchmarks": benchmarks}


def main() -> int:
    """Exit status 0: shown; 1: not; 2: no such campaign."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in CAMPAIGNS:
        lines = [f"  {each:12} {(run.__doc__ or '').strip()}" for each, run in CAMPAIGNS.items()]
        print("campaigns:\n" + "\n".join(lines), file=sys.stderr)
        return 2
    return CAMPAIGNS[name](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
