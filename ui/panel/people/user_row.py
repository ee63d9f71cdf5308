"""One user among the others, with what an admin may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui
from nicegui.element import Element
from nicegui.elements.menu import MenuItem

from ui.panel import here, parts
from ui.panel.people.dialogs import ask_owner, ask_password
from ui.words import count, size

User = dict[str, Any]
_ROLES = {"admin": "Admin", "member": "Member"}


class UserRow(Element):
    """``show`` puts another state of the same user into it; a menu that is open stays.

    ``refresh`` shows what an act changed; ``names``: of all users.
    """

    def __init__(self, refresh: Callable[[], Awaitable[object]], names: Callable[[], list[str]]) -> None:
        super().__init__("li")
        self.classes("pa-list-row pa-user")
        self._refresh, self._names = refresh, names
        self._user: User = {}
        with self:
            with ui.element("div").classes("pa-face pa-face-small"):
                self._letter = parts.text("").props('aria-hidden="true"')
            with parts.stack().classes("pa-tight pa-grow"):
                self._words()
            self._menu()

    def _words(self) -> None:
        with parts.row():
            self._called = parts.text("").classes("pa-strong")
            self._role = parts.pill("")
            self._locked = parts.pill("Cannot sign in: no password", "warn")
        with parts.row().classes("pa-muted pa-small"):
            self._name = parts.text("")
            self._owns = parts.text("").classes("pa-num")
            parts.text("last seen")
            self._seen = parts.when(None)

    def _menu(self) -> None:
        self._button = ui.button(icon="more_vert", color=None).props("flat round").classes("pa-button-icon")
        with self._button, ui.menu().props("auto-close"):
            self._others = {role: self._item(f"Make {word.lower()}", self._make(role)) for role, word in _ROLES.items()}
            self._item("Set a password", lambda: ask_password(self._user["name"]))
            self._item("Sign out everywhere", self._sign_out)
            self._item("Give the archives to …", lambda: ask_owner(self._user["name"], self._names()))
            self._item("Remove", self._remove).classes("pa-bad-text")

    def _item(self, label: str, do: parts.Do) -> MenuItem:
        """Quasar calls it an item of a list; it is one of a menu, and is said to be."""
        return ui.menu_item(label, parts.of_page(lambda: self._then_refreshed(do))).props('role="menuitem"')

    async def _then_refreshed(self, do: parts.Do) -> None:
        await parts.said(do)
        await parts.said(self._refresh)

    def show(self, user: User) -> None:
        self._user = user
        self._letter.set(user["name"][:1].upper())
        self._called.set(user["display_name"])
        self._role.show(_ROLES[user["role"]], "ok" if user["role"] == "admin" else "mute")
        self._locked.set_visibility(not user["can_sign_in"])
        self._name.set(user["name"])
        self._owns.set(f"{count(user['archives'], 'archive')}, {size(user['bytes'])}")
        self._seen.show(user["last_seen_at"])
        self._button.props["aria-label"] = f"What to do with {user['name']}"
        for role, item in self._others.items():
            item.set_visibility(role != user["role"])

    def _make(self, role: str) -> parts.Do:
        return lambda: here.ask("user/role", name=self._user["name"], role=role)

    async def _sign_out(self) -> None:
        user = self._user
        for session in (await here.ask("user/sessions", name=user["name"]))["sessions"]:
            if not session["current"]:
                await here.ask("user/end-session", id=session["id"], name=user["name"])
        parts.toast(f"{user['display_name']} is signed out everywhere else.")

    async def _remove(self) -> None:
        user = self._user
        words = (
            "The account goes, with its sessions and its profile. Archives stay: a user who owns some is not removed before they are given."
        )
        if await parts.confirm(f"Remove {user['display_name']}?", words, "Remove", danger=True):
            await here.ask("user/remove", name=user["name"])
            parts.toast(f"{user['display_name']} is removed.")
