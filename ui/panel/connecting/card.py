"""One connection at a glance."""

from __future__ import annotations

from nicegui import ui

from ui.panel import parts
from ui.panel.connecting.quota import Quota
from ui.panel.connecting.standing import KIND_ICONS, KIND_WORDS, State, next_step, standing, where

_ACTS = {"sign_in": "Sign in", "validate": "Check it", "decide": "Decide what is to happen", "activate": "Send copies here"}


class ConnectionCard:
    """In the place where it is made; a link to its page. ``admin``: with what is to be done next."""

    def __init__(self, state: State, *, admin: bool) -> None:
        self._admin = admin
        with parts.card() as self.element:
            with ui.element("div").classes("pa-card-head"):
                parts.icon(KIND_ICONS[state["kind"]])
                with parts.text("", "h2").classes("pa-card-title pa-grow pa-ellipsis"):
                    self._name = parts.link(state["name"], f"/connections/{state['id']}").classes("pa-plain-link")
                self._pill = parts.pill("")
            self._where = parts.text("", "p").classes("pa-muted pa-ellipsis")
            self._quota = Quota(state)
            with parts.row().classes("pa-small pa-muted"):
                parts.text("Last checked")
                self._checked = parts.when(state["validated_at"])
            self._trouble = parts.area()
        self.show(state)

    def show(self, state: State, ours: int | None = None) -> None:
        self._name.set(state["name"])
        self._pill.show(*standing(state))
        self._where.set(f"{KIND_WORDS[state['kind']]} · {where(state)}")
        self._quota.show(state, ours)
        self._checked.show(state["validated_at"])
        error, step = state["last_error"] or state["sign_in_message"], next_step(state)
        shown = None if state["sign_in"] == "pending" else error
        self._trouble.show((shown, step), lambda: self._what_next(shown, state))

    def _what_next(self, error: str | None, state: State) -> None:
        if error:
            parts.banner("warn", "error", parts.sentence_of(error))
        label = _ACTS.get(next_step(state))
        if self._admin and label:
            with parts.row():
                parts.go(label, f"/connections/{state['id']}", kind="main" if error or not state["valid"] else "plain")
