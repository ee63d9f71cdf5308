"""How a connection is, and what is to be done next, in a household's words. Pure."""

from __future__ import annotations

from typing import Any, Literal

from ui.panel.parts.basics import Tone
from ui.words import size

State = dict[str, Any]
Step = Literal["sign_in", "validate", "decide", "activate", "done"]
KIND_WORDS = {"folder": "Folder", "drive": "Google Drive"}
KIND_ICONS = {"folder": "folder", "drive": "add_to_drive"}


def next_step(state: State) -> Step:
    """What is missing until copies go there: the first of it."""
    if state["sign_in"] in {"needed", "pending"}:
        return "sign_in"
    if not state["valid"]:
        return "validate"
    if state["adopting"]:
        return "decide"
    return "done" if state["active"] else "activate"


def standing(state: State) -> tuple[str, Tone]:
    """The worst that is true of it."""
    match next_step(state):
        case "sign_in":
            return ("Waiting for the sign-in", "busy") if state["sign_in"] == "pending" else ("Sign-in needed", "bad")
        case "validate":
            return ("Cannot be used", "bad") if state["validated_at"] else ("Not checked yet", "wait")
        case "decide":
            return "Needs a decision", "warn"
    if state["last_error"]:
        return ("In trouble" if state["reachable"] else "Cannot be reached"), "warn"
    return ("Copies go here" if state["active"] else "Ready"), "ok"


def sign_in_words(state: State) -> str:
    match state["sign_in"]:
        case "not_needed":
            return "Not needed"
        case "ok":
            return "Signed in"
        case "pending":
            return "Waiting for the code to be entered"
    return "Needed"


def where(state: State) -> str:
    """The folder's path, or the account."""
    return str(state["path"] or state["account"] or "Account not known yet")


def space_words(state: State) -> str:
    """``13.8 GB of 15 GB free``, as far as it is known."""
    used, limit, free = (state[f"{key}_bytes"] for key in ("used", "limit", "free"))
    if free is not None:
        return f"{size(free)} of {size(limit)} free" if limit else f"{size(free)} free"
    return f"{size(used)} used, without a limit" if used is not None else "Space not known yet"
