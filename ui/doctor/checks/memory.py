"""Memory, and what the kernel ended because there was none."""

from __future__ import annotations

from collections.abc import Iterator

from ui.doctor.case import Case
from ui.doctor.checks.services import UNITS
from ui.doctor.finding import Finding, good, look, mend, skipped
from ui.words import count, size

_LOW, _SHORT = 0.10, 0.05


def memory(case: Case) -> Iterator[Finding]:
    facts = _table(case.machine.text("/proc/meminfo") or "")
    total, free = facts.get("MemTotal", 0) * 1024, facts.get("MemAvailable", 0) * 1024
    if not total:
        yield skipped("memory", "how much memory there is is not known: the kernel does not tell")
        return
    text = f"{size(free)} of {size(total)} of memory are free"
    end = "end what else runs on this computer: systemd-cgtop -m"
    if free < total * _SHORT:
        yield mend("memory", text, end)
    else:
        yield look("memory", text, end) if free < total * _LOW else good("memory", text)
    yield from _killed(case)


def _killed(case: Case) -> Iterator[Finding]:
    """Of our services by their cgroups; of all by the kernel's count since its start."""
    for unit in UNITS if case.place.installed else ():
        events = _table(case.machine.text(f"/sys/fs/cgroup/system.slice/{unit}/memory.events") or "")
        if events.get("oom_kill"):
            yield mend(
                "memory kills",
                f"the kernel has ended {unit} {count(events['oom_kill'], 'time')}, for memory was short",
                f"journalctl -u {unit} -n 50; then end what else runs on this computer",
            )
    number = _table(case.machine.text("/proc/vmstat") or "").get("oom_kill")
    if number:
        yield look(
            "memory kills",
            f"the kernel has ended {number} processes since its start, for memory was short",
            "sudo dmesg | grep -i 'out of memory'",
        )
    elif number == 0:
        yield good("memory kills", "the kernel has ended no process for lack of memory")


def _table(text: str) -> dict[str, int]:
    rows = (line.replace(":", " ").split() for line in text.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdecimal()}
