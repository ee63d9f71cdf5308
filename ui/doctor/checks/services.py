"""The services: systemd's own word on each."""

from __future__ import annotations

from collections.abc import Iterator

from ui.doctor.case import Case
from ui.doctor.finding import Finding, good, look, mend, skipped
from ui.words import count, duration

UNITS = ("mosquitto.service", "pyarchive-appliance.service", "pyarchive-panel.service", "pyarchive-scripts.service")
_WATCHER = "pyarchive-broker.path"
"""Sees another id of the appliance, and has the broker's rights written for it."""
_SHARE = "smbd.service"
_FACTS = "Id,LoadState,ActiveState,SubState,Result,NRestarts,ExecMainStatus,ActiveEnterTimestamp,WatchdogUSec,UnitFileState,Job"
_REASONS = {"watchdog": "it stood still", "oom-kill": "memory was short", "exit-code": "it ended with an error", "signal": "it was killed"}

Facts = dict[str, str]


def services(case: Case) -> Iterator[Finding]:
    """A line a unit."""
    if not case.place.installed:
        yield skipped("services", "this is no installed system: systemd does not start its processes")
        return
    units = [*UNITS, _WATCHER, *([_SHARE] if case.place.choices.get("share") else [])]
    ran = case.machine.run("systemctl", "show", f"--property={_FACTS}", *units)
    if ran is None or ran.status != 0:
        yield look("services", "systemd does not answer, so how the services are is unknown", "systemctl status")
        return
    known = {facts.get("Id", ""): facts for facts in map(_facts, ran.out.split("\n\n"))}
    for unit in units:
        yield _of_unit(unit, known.get(unit, {}))


def _facts(block: str) -> Facts:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _of_unit(unit: str, facts: Facts) -> Finding:
    journal = f"journalctl -u {unit.removesuffix('.service')} -n 50"
    if facts.get("LoadState") != "loaded":
        return mend(unit, f"{unit} is not there", "run `sudo ./install.sh` in the folder of PyArchive again")
    if facts["ActiveState"] != "active":
        return _not_running(unit, facts, journal)
    if facts["UnitFileState"] not in {"enabled", "enabled-runtime", "static", "indirect", "alias"}:
        return mend(unit, f"{unit} runs, and would not after a start of the computer", f"sudo systemctl enable {unit}")
    since = f"{unit} runs since {facts['ActiveEnterTimestamp'] or 'an unknown time'}{_watchdog(facts)}"
    if facts.get("NRestarts", "0") not in {"", "0"}:
        return look(unit, f"{since}; {_times(facts)}", journal)
    return good(unit, since)


def _not_running(unit: str, facts: Facts, journal: str) -> Finding:
    if facts["SubState"] in {"auto-restart", "auto-restart-queued"}:
        return mend(unit, f"{unit} ends again and again ({_why(facts)}; {_times(facts)})", journal)
    if facts["ActiveState"] == "activating" or facts.get("Job", "0") not in {"", "0"}:
        return look(unit, f"{unit} is starting, or is about to", f"look again in a minute; if it is still so: {journal}")
    return mend(unit, f"{unit} is {facts['ActiveState']} ({_why(facts)})", f"sudo systemctl start {unit}; if it does not stay: {journal}")


def _why(facts: Facts) -> str:
    result = facts["Result"]
    status = f", status {facts['ExecMainStatus']}" if facts.get("ExecMainStatus") not in {None, "", "0"} else ""
    return _REASONS.get(result, "it was stopped" if result == "success" else result) + status


def _times(facts: Facts) -> str:
    return f"systemd has started it again {count(int(facts.get('NRestarts') or 0), 'time')}"


def _watchdog(facts: Facts) -> str:
    watched = facts.get("WatchdogUSec", "")
    if watched in {"", "0", "infinity"}:
        return ""
    return f", watched ({duration(int(watched) / 1e6) if watched.isdecimal() else watched})"
