"""The lamp in words, for those who do not see it. Pure."""

from __future__ import annotations

from typing import Any

from ui.words import clean

LOOKS = {
    "needs_you": "blinks fast",
    "transferring": "blinks once a second",
    "waiting": "steady",
    "idle": "breathes",
    "off": "dark",
}
MEANS = {
    "needs_you": "somebody is needed",
    "transferring": "files are on their way",
    "waiting": "waits for the line, the timetable, or the end of a pause",
    "idle": "everything is remote",
    "off": "the appliance is not running",
}
WOULD_DO = {"sync": "sync now", "pause": "pause or resume", "shutdown": "shut the computer down"}


def lamp_line(state: dict[str, Any]) -> str:
    """Of ``frontpanel/state``: ``breathes (simulated)``; while the button is held, what letting go would do."""
    notes = ["simulated"] if state["simulated"] and not state["error"] else []
    notes += [clean(state["error"])] if state["error"] else []
    if state["button_pressed"]:
        step = WOULD_DO.get(state["button_step"], "nothing")
        return f"button held; let go for: {step}"
    return LOOKS.get(state["lamp"], clean(state["lamp"])) + (f" ({'; '.join(notes)})" if notes else "")
