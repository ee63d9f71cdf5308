"""Is everything safe? One headline for it, and what it rests on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ui.panel.overview.figures import Figures
from ui.panel.parts.basics import Tone
from ui.panel.parts.wording import in_the_panel
from ui.words import count, duration, rate, size


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """``at``: a time that ends ``detail``; ISO 8601, or None."""

    tone: Tone
    icon: str
    title: str
    detail: str = ""
    at: str | None = None


UNKNOWN = Standing(tone="mute", icon="hourglass_empty", title="Looking at the appliance", detail="A moment, please.")


def standing(figures: Figures, state: dict[str, Any], problems: list[dict[str, Any]]) -> Standing:
    """``problems``: those that the person may see, the most serious first."""
    serious = [one for one in problems if one["needs_you"]]
    if serious:
        return Standing(tone="bad", icon="error", title=f"Needs you: {serious[0]['message']}", detail=_meanwhile(figures, len(serious) - 1))
    if state["status"] == "needs_you":  # of what the person may not see
        return Standing(tone="warn", icon="error", title=_title(figures), detail="An admin of this appliance is needed before it goes on.")
    if not figures.archives:
        return Standing(tone="mute", icon="inbox", title="Nothing is kept here yet", detail="Hand in a file, and it is carried to safety.")
    return _at_risk(figures, state) if figures.at_risk_bytes else _safe(figures, state)


def _meanwhile(figures: Figures, others: int) -> str:
    words = [f"{_title(figures)}."] if figures.archives else []
    if others:
        words.append(f"{count(others, 'more problem')} below.")
    return " ".join(words)


def _title(figures: Figures) -> str:
    of_yours = " of yours" if figures.own else ""
    if figures.at_risk_bytes:
        return f"{size(figures.at_risk_bytes)}{of_yours} are only here so far"
    return f"Everything{of_yours} is safe"


def _at_risk(figures: Figures, state: dict[str, Any]) -> Standing:
    title, active = _title(figures), state["active_connection"]
    if active is None:
        return Standing(tone="warn", icon="cloud_off", title=title, detail="There is no connection yet to which they could be carried.")
    if state["paused"]:
        return Standing(tone="wait", icon="pause_circle", title=title, detail="Transfers are paused.")
    if state["status"] != "transferring":
        return Standing(
            tone="wait", icon="schedule", title=title, detail=_why_waiting(state, own=figures.own), at=state["queue"]["next_try_at"]
        )
    detail, at = f"On the way to {active['name']}.", state["protected_by_at"]
    if figures.own or not at:
        return Standing(tone="busy", icon="cloud_upload", title=title, detail=detail)
    left = f" {duration(state['eta_s'])} left at {rate(state['upload_rate_bytes_per_s'])}." if state["eta_s"] else ""
    return Standing(tone="busy", icon="cloud_upload", title=title, detail=f"{detail}{left} Safe by", at=at)


def _why_waiting(state: dict[str, Any], *, own: bool) -> str:
    """Whose figures are their own is not told what others' archives wait for."""
    window = state["upload_window"]
    reason = window["reason"] if not window["allowed"] else "the line or the connection is not ready" if own else state["status_reason"]
    words = in_the_panel(f"Waiting: {reason}.")
    return f"{words} Next try" if state["queue"]["next_try_at"] else words


def _safe(figures: Figures, state: dict[str, Any]) -> Standing:
    active, title = state["active_connection"], _title(figures)
    what = f"{count(figures.archives, 'archive')}, {size(figures.size_bytes)}."
    if figures.damaged or figures.lost:
        words = f"{count(figures.damaged + figures.lost, 'archive')} had damage; see the problems."
        return Standing(tone="warn", icon="healing", title=title, detail=f"{words} {what}")
    if figures.to_go_bytes and active:
        rest = f"{size(figures.to_go_bytes)} are still to be carried to {active['name']}, and safe elsewhere."
        return Standing(tone="ok", icon="verified_user", title=title, detail=f"{what} {rest}")
    if active and not active["reachable"]:
        away = f"{active['name']} does not answer at the moment; it is tried again by itself."
        return Standing(tone="wait", icon="verified_user", title=f"Everything was stored on {active['name']}", detail=f"{away} {what}")
    where = f" on {active['name']}" if active else ""
    return Standing(tone="ok", icon="verified_user", title=f"{title}{where}", detail=what)
