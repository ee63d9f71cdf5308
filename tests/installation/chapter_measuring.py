"""What systemd says of the units, what they take of the memory, and what the doctor finds."""

from __future__ import annotations

import json
import os
import re
import threading
from dataclasses import dataclass

from tests.installation.claims import Claims
from tests.installation.installed import UNITS, Installed, Reading
from tests.installation.root import CommandFailed
from tests.installation.visitor import Visitor

_MIB = 1 << 20
IDLE_MB, LOAD_MB = 330.0, 420.0
_MEASURE = """
import json, sys
from pathlib import Path
found = {}
for unit in sys.argv[1:]:
    ids = [each for file in Path("/sys/fs/cgroup/system.slice", unit).rglob("cgroup.procs") for each in file.read_text().split()]
    rss = pss = 0
    for each in ids:
        try:
            with open(f"/proc/{each}/smaps_rollup") as file:
                lines = dict(line.split(":", 1) for line in file.read().splitlines()[1:])
        except OSError:
            continue
        rss += int(lines["Rss"].split()[0])
        pss += int(lines["Pss"].split()[0])
    found[unit] = (len(ids), rss * 1024 / 1e6, pss * 1024 / 1e6)
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Memory:
    """Of all processes of each unit, in MB: how many, RSS (what is shared counts for each of them), PSS."""

    units: dict[str, tuple[int, float, float]]

    @property
    def rss_mb(self) -> float:
        return sum(rss for _, rss, _ in self.units.values())

    def __str__(self) -> str:
        parts = [f"{unit.removesuffix('.service')} {rss:.0f}/{pss:.0f} ({count})" for unit, (count, rss, pss) in self.units.items()]
        return f"{self.rss_mb:.0f} MB RSS, {sum(pss for _, _, pss in self.units.values()):.0f} MB PSS: {', '.join(parts)}"


def measuring(claims: Claims, installed: Installed, visitor: Visitor) -> None:
    """While everything runs."""
    root = installed.root
    with claims.claim("systemd-analyze verify finds nothing in the units"):
        status, said = root.attempt("systemd-analyze", "--man=no", "verify", *UNITS)
        assert status == 0, said
        assert not [line for line in said.splitlines() if "pyarchive" in line or "mosquitto" in line], said
    for unit in UNITS:
        score = re.findall(
            r"exposure level for \S+: (.*?)\s*[\U0001F300-\U0001FAFF]?$", root.attempt("systemd-analyze", "security", unit)[1], re.MULTILINE
        )
        claims.figure(f"systemd-analyze security {unit}: {' '.join(score)}")
    idle = measured(installed)
    claims.figure(f"idle: {idle}")
    with claims.claim(f"all units together take at most {IDLE_MB:.0f} MB RSS idle ({idle.rss_mb:.0f} MB)"):
        assert idle.rss_mb <= IDLE_MB, idle
    load = _under_load(installed, visitor)
    claims.figure(f"most under load: {load}")
    with claims.claim(f"and at most {LOAD_MB:.0f} MB under load ({load.rss_mb:.0f} MB)"):
        assert load.rss_mb <= LOAD_MB, load
    with claims.claim("the doctor finds nothing to mend but the clock, which a root may not set"):
        said = root.attempt("pyarchive", "doctor", timeout_s=180)[1]
        claims.figure("doctor: " + said.strip().splitlines()[-1])
        wrong = [line for line in said.splitlines() if line.strip().startswith("MEND")]
        assert "good" in said, said
        assert all("clock" in line for line in wrong), "\n".join(wrong)


def measured(installed: Installed) -> Memory:
    """Now."""
    found = json.loads(installed.root.run("python3", "-c", _MEASURE, *UNITS))
    return Memory({unit: (count, rss, pss) for unit, (count, rss, pss) in found.items()})


def _under_load(installed: Installed, visitor: Visitor) -> Memory:
    """The most while a file is put, another is uploaded, both are carried away, and a script runs."""
    path, _ = installed.file("large.bin", 200 * _MIB)
    running = [
        Reading(installed.root.start("pyarchive", "put", path, "--wait", user="anna", folder="/tmp")),
        Reading(installed.root.start("pyarchive", "script", "run", "report", "--wait", user="anna", folder="/tmp")),
    ]
    sending = threading.Thread(target=lambda: visitor.upload(os.urandom(64 * _MIB)))
    sending.start()
    most = measured(installed)
    while sending.is_alive() or any(each.process.poll() is None for each in running):
        most = max(most, measured(installed), key=lambda memory: memory.rss_mb)
    for each in running:
        if each.process.returncode:
            raise CommandFailed("\n".join(each.end()))
    return most
