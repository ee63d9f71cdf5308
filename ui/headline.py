"""The state of the appliance, and what happened, in one line each. Without colours or bars: for a log, a pipe, a narrow place."""

from __future__ import annotations

from typing import Any

from ui.words import age, clean, count, duration, percent, rate, size


def headline(state: dict[str, Any]) -> str:
    """``12 archives, 21.3 GB; 1.2 GB to go, 600 kB/s, 34 min left``."""
    return "; ".join([f"{count(state['counts']['archives'], 'archive')}, {size(state['stored_bytes'])}", ", ".join(movement(state))])


def movement(state: dict[str, Any]) -> list[str]:
    """What is to move, how fast, how long it takes; what is at risk where nothing moves."""
    waiting, parts = state["queue"], []
    for way, word in (("up", "to go"), ("down", "to come back")):
        if waiting[f"batches_{way}"]:
            parts.append(f"{size(waiting[f'bytes_{way}'])} {word}")
    parts += [rate(state[key]) for key in ("upload_rate_bytes_per_s", "download_rate_bytes_per_s") if state[key]]
    if state["eta_s"] and parts:
        parts.append(f"{duration(state['eta_s'])} left")
    if not parts:
        parts.append(f"{size(state['bytes_at_risk'])} at risk" if state["bytes_at_risk"] else "nothing at risk")
    return parts


def uploads(state: dict[str, Any]) -> str:
    """What timetable, metered mode and limit allow: ``the timetable limits uploads to 500 kB/s until 18:00``; empty: all."""
    window = state["upload_window"]
    parts = [] if window["allowed"] else ["wait"]
    if window["reason"]:
        parts.append(clean(window["reason"]))
    elif window["until_at"]:
        parts.append(f"without a limit; the timetable changes that {age(window['until_at'])}")
    return ": ".join(parts)


def plain_line(state: dict[str, Any], *, online: bool) -> str:
    """One line of the plain live view."""
    if not online:
        return "not online"
    reason = f" ({clean(state['status_reason'])})" if state["status_reason"] else ""
    window = uploads(state)
    limits = f"; {window}" if window and state["upload_window"]["allowed"] else ""  # what closes it is the status' reason
    return f"{state['status'].replace('_', ' ')}{reason}: {headline(state)}; {percent(state['progress_ratio'])} stored{limits}"


def event_line(event: dict[str, Any]) -> str:
    """``archive remote 3f2a…: words of the appliance``."""
    about = event.get("title") or event.get("archive_id") or event.get("connection_id") or ""
    message = event.get("message") or ""
    name = str(event.get("event", "event")).replace("_", " ")
    return clean(" ".join(part for part in (name, about) if part) + (f": {message}" if message else ""))


def problem_line(problem: dict[str, Any]) -> str:
    lead = "needs you" if problem["needs_you"] else "passes"
    return f"{lead}: {clean(problem['message'])}; {clean(problem['next_step'])} (since {age(problem['since_at'])})"
