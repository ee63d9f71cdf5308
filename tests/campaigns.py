"""What must be shown at full size, by name: ``python -m tests.campaigns NAME``; ``./install.sh campaign NAME`` in a clone."""

from __future__ import annotations

import argparse
import itertools
import secrets
import signal
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.__main__ import main as measure
from tests.browser.chromium import chromium
from tests.browser.screenshots import picture
from tests.browser.whole_life import WholeLife
from tests.faults.cuts import check_all, live
from tests.faults.drive_harm import HARMS, LINES
from tests.faults.drive_kills import DriveKills
from tests.faults.drive_life import Life
from tests.faults.drive_storm import CASES, run_case, run_harm, run_line, run_storm
from tests.faults.kills import MIB, Campaign
from tests.installation import campaign as installation
from tests.installation.computer import NEW, broken_off
from tests.panels import PanelProcess
from tests.processes import House
from tests.soak.soak import Soak


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


def upgrade(arguments: list[str]) -> int:
    """An upgrade killed after each of its events, by SIGKILL and by a power cut: one of the two versions, and all that was acknowledged."""
    argparse.ArgumentParser(prog="campaign upgrade", description=upgrade.__doc__).parse_args(arguments)
    for behaves, power_goes in itertools.product(("good", "fails"), (False, True)):
        ends: list[str] = []
        was_killed = True
        with tempfile.TemporaryDirectory(prefix="pyarchive-upgrade-") as folder:
            while was_killed:
                was_killed, in_use = broken_off(Path(folder) / str(len(ends)), behaves, len(ends), power=power_goes)
                ends.append(in_use)
        how = "power cut" if power_goes else "SIGKILL"
        print(f"new version {behaves}, {how}: {len(ends)} events, {ends.count(NEW)} times the new one at the end", flush=True)
        if behaves == "fails" and NEW in ends:
            return 1
    return 0


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


def drive(arguments: list[str]) -> int:
    """A large file put on Drive, read there by rclone, the appliance lost, recovered from Drive alone, and restored."""
    parser = argparse.ArgumentParser(prog="campaign drive", description=drive.__doc__)
    parser.add_argument("--size-mib", type=int, default=1024)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="pyarchive-drive-") as folder:
        Life(Path(folder), options.size_mib * MIB, lambda line: print(line, flush=True)).run()
    return 0


def panel(arguments: list[str]) -> int:
    """A large file's whole life in the panel, in Chromium: upload over a killed panel, remote, release, bring back, download."""
    parser = argparse.ArgumentParser(prog="campaign panel", description=panel.__doc__)
    parser.add_argument("--size-mib", type=int, default=1024)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="pyarchive-panel-") as folder, House(Path(folder), batch_size_mib=16) as house:
        house.connect()
        with PanelProcess(house, Path(folder)) as serving, chromium() as browser:
            WholeLife(house, serving, browser, Path(folder), options.size_mib * MIB, lambda line: print(line, flush=True)).run()
    return 0


def screenshots(arguments: list[str]) -> int:
    """Pictures of every page of the panel, 1280 and 390 pixels wide, light and dark, in the folder screenshots/."""
    parser = argparse.ArgumentParser(prog="campaign screenshots", description=screenshots.__doc__)
    parser.add_argument("paths", nargs="*", help="pages, such as /log; all where none is named")
    parser.add_argument("--to", type=Path, default=Path("screenshots"))
    options = parser.parse_args(arguments)
    complaints = picture(options.paths, options.to)
    print(f"pictures are in {options.to}; " + (f"consoles said: {complaints}" if complaints else "no console complained"))
    return 1 if complaints else 0


def drive_kills(arguments: list[str]) -> int:
    """SIGKILL of the appliance at random instants of an upload to Drive; beside it rclone, killed once."""
    parser = argparse.ArgumentParser(prog="campaign drive-kills", description=drive_kills.__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--size-mib", type=int, default=512)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    options = parser.parse_args(arguments)
    print(f"{options.kills} kills of an upload of {options.size_mib} MiB, --seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="pyarchive-drive-kills-") as folder:
        kills = DriveKills(Path(folder), options.size_mib * MIB, options.kills, options.seed, lambda line: print(line, flush=True))
        outcome = kills.run()
    print(
        f"appliance, {outcome.kills} kills: {outcome.twice_bytes:,} bytes came twice (limit {outcome.limit_bytes:,}), "
        f"{outcome.again_bytes:,} beyond the file in all\n"
        f"rclone, 1 kill: {outcome.rclone_sent_bytes:,} bytes sent before it, {outcome.rclone_again_bytes:,} sent again"
    )
    return 0 if max(outcome.twice_bytes, outcome.again_bytes) < outcome.limit_bytes else 1


def storm(arguments: list[str]) -> int:
    """Every fault of Drive and of the line to it, alone and mixed, during upload, listing, download and recovery."""
    parser = argparse.ArgumentParser(prog="campaign storm", description=storm.__doc__)
    parser.add_argument("--storms", type=int, default=20, help="mixtures of faults (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=0.2, help="of the requests that fail in a mixture (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    options = parser.parse_args(arguments)
    print(f"{len(CASES) + len(HARMS) + len(LINES)} faults, {options.storms} mixtures, --seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="pyarchive-storm-") as folder:
        for number, case in enumerate(CASES):
            run_case(Path(folder) / f"case-{number}", case, options.seed)
            print(f"{case.name}: nothing lost, nothing doubled{', right words' if case.words else ''}", flush=True)
        for name, harm in HARMS.items():
            run_harm(Path(folder) / name, harm, options.seed)
            print(f"{name}: nothing lost, found and mended", flush=True)
        for name, line in LINES.items():
            run_line(Path(folder) / name, line, options.seed)
            print(f"{name}: nothing lost, nothing doubled", flush=True)
        for number in range(options.storms):
            run_storm(Path(folder) / f"storm-{number}", options.seed + number, options.rate)
            print(f"mixture {number + 1} of {options.storms}, seed {options.seed + number}: nothing lost, nothing doubled", flush=True)
    return 0


def soak(arguments: list[str]) -> int:
    """24 h of typical work in 20 minutes: memory, files, threads, processes, topics and disk writes over time; what grows is told."""
    parser = argparse.ArgumentParser(prog="campaign soak", description=soak.__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="2 find mistakes, 8 find most of what grows (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--to", type=Path, default=Path("soak"), help="where curve.csv, curve.svg and the logs go (default: %(default)s)")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that processes end and the folder goes
    print(f"{options.minutes:g} minutes, --seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="pyarchive-soak-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)  # scripts run as another user
        run = Soak(Path(folder), options.to, options.minutes, options.seed, lambda line: print(line, flush=True))
        is_good = run.run()
    print(f"curves and logs are in {options.to}")
    return 0 if is_good else 1


def install(arguments: list[str]) -> int:
    """PyArchive installed in clean roots of Debian 12 and 13 with a real systemd: used, pried at, killed, cut off from power, left."""
    return installation.run(arguments)


def benchmarks(arguments: list[str]) -> int:
    """Every figure beside its budget; --help tells how to choose some, and a smaller form."""
    return measure(arguments)


CAMPAIGNS = {
    "kills": kills, "power": power, "drive": drive, "drive-kills": drive_kills, "storm": storm, "panel": panel,
    "screenshots": screenshots, "soak": soak, "install": install, "upgrade": upgrade,
    "benchmarks": benchmarks,
}  # fmt: skip


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
