"""What is known of a connection, as terms and what they are."""

from __future__ import annotations

from nicegui import ui

from ui.panel import parts
from ui.panel.connecting.quota import Quota
from ui.panel.connecting.standing import KIND_WORDS, State, sign_in_words, standing


class Facts:
    """A card in the place where it is made. Ids are for admins: they belong into the recovery kit, and say nothing to others."""

    def __init__(self, state: State, *, admin: bool) -> None:
        with parts.card("How it is"):
            with parts.row():
                self._pill = parts.pill("")
                self._active = parts.text("").classes("pa-muted")
            self._trouble = parts.area()
            self.quota = Quota(state)
            with ui.element("dl").classes("pa-terms"):
                self._terms = {term: _term(term) for term in _terms(state, admin=admin)}
                parts.text("Last checked", "dt")
                with ui.element("dd"):
                    self._checked = parts.when(state["validated_at"])
        self._admin = admin
        self.show(state)

    def show(self, state: State, ours: int | None = None) -> None:
        self._pill.show(*standing(state))
        self._active.set("New files are copied here." if state["active"] else "Nothing new is copied here.")
        for term, words in _terms(state, admin=self._admin).items():
            self._terms[term].set(words)
        self.quota.show(state, ours)
        self._checked.show(state["validated_at"])
        error = state["last_error"] if state["valid"] and state["sign_in"] in {"ok", "not_needed"} else None
        self._trouble.show((error, state["next_try_at"]), lambda: _trouble(error, state["next_try_at"]))


def _term(term: str) -> parts.Text:
    parts.text(term, "dt")
    return parts.text("", "dd")


def _terms(state: State, *, admin: bool) -> dict[str, str]:
    terms = {"Kind": KIND_WORDS[state["kind"]], "Reachable": "Yes" if state["reachable"] else "Not now; it is tried again by itself"}
    if state["kind"] == "folder":
        return terms | {"Folder": state["path"] or "-"}
    terms |= {"Account": state["account"] or "not known yet", "Sign-in": sign_in_words(state)}
    return terms | {"OAuth client": state["client_id"] or "-", "Folder's id": state["folder_id"] or "not known yet"} if admin else terms


def _trouble(error: str | None, next_try_at: str | None) -> None:
    if not error:
        return
    parts.banner("warn", "error", parts.sentence_of(error))
    if next_try_at:
        with parts.row().classes("pa-small pa-muted"):
            parts.text("It is tried again by itself:")
            parts.when(next_try_at)
