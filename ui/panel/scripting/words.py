"""Runs, scripts and deployments in words."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import Any

from ui.errors import Failed
from ui.panel.parts.basics import Tone

UNFINISHED = frozenset({"waiting", "running"})
PERMISSIONS = {"read": "May only look", "change": "May change things"}
PERMISSION_HELP = {
    "read": "It may ask how archives, transfers, connections, settings and the log are, and change nothing.",
    "change": "It may do what an admin may with archives, transfers, connections and settings: release, remove, sync, verify and repair.",
}
OVERLAPS = {"skip": "Leave that turn out", "queue": "Run once more when it has ended", "end_the_old_one": "End the old run, begin anew"}
CATCH_UPS = {"no": "Do not make up for them", "once": "Run once, for all of them"}
UNITS = {"second": 1, "minute": 60, "hour": 3600}
_STATES: dict[str, tuple[str, Tone]] = {
    "waiting": ("waits", "wait"),
    "running": ("runs", "busy"),
    "ended": ("done", "ok"),
    "killed": ("stopped", "warn"),
    "timed_out": ("its time was up", "bad"),
    "over_limit": ("reached a limit", "bad"),
    "lost": ("interrupted", "bad"),
    "refused": ("refused", "bad"),
}


def state(run: dict[str, Any]) -> tuple[str, Tone]:
    """A short word for how a run is, or how it ended."""
    if run["state"] == "ended" and run.get("exit_status"):
        return "failed", "bad"
    return _STATES.get(run["state"], (str(run["state"]), "mute"))


def ending(run: dict[str, Any]) -> str:
    """The reason, or the exit status where there is none to tell; empty while it has not ended."""
    if run["state"] in UNFINISHED:
        return ""
    status, reason = run.get("exit_status"), run.get("reason")
    return str(reason) if reason else "" if status is None else f"exit status {status}"


def asker(run: dict[str, Any]) -> str:
    return {"deployment": "by a deployment", "cli": "from the command line"}.get(run["asked_by"], f"by {run['asked_by']}")


def took(run: dict[str, Any]) -> str:
    """How long it ran; empty where it did not, or does still."""
    if not run.get("started_at") or not run.get("ended_at"):
        return ""
    seconds = (datetime.fromisoformat(run["ended_at"]) - datetime.fromisoformat(run["started_at"])).total_seconds()
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def every(deployment: dict[str, Any]) -> str:
    """When it has its turns."""
    if deployment["cron"]:
        return f"{deployment['cron']} ({deployment['time_zone'] or 'in the time zone of the appliance'})"
    amount, unit = in_units(deployment["every_s"])
    return f"every {unit}" if amount == 1 else f"every {amount:g} {unit}s"


def in_units(seconds: float) -> tuple[float, str]:
    """The largest unit that goes into it without a rest."""
    unit = next((name for name, size in reversed(UNITS.items()) if seconds % size == 0 and seconds >= size), "second")
    return seconds / UNITS[unit], unit


def arguments(typed: str) -> list[str]:
    """Words as a shell takes them apart. Raises Failed where a quotation mark is missing."""
    try:
        return shlex.split(typed)
    except ValueError:
        raise Failed("a quotation mark is missing in the arguments; close it, or write \\ before it", "bad_request") from None
