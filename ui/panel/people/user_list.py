"""Users in a list, each with what an admin may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from nicegui import ui
from nicegui.elements.menu import MenuItem

from ui.panel import here, parts
from ui.panel.people.dialogs import ask_new_user, ask_owner, ask_password
from ui.words import count, size

User = dict[str, Any]
_ROLES = {"admin": "Admin", "member": "Member"}


class Users:
    """Loaded anew after each change, whoever made it; not while something is asked of the person who looks."""

    def __init__(self) -> None:
        with parts.card("People"):
            self._list = ui.element("ul").classes("pa-list")
            with parts.row():
                parts.action("Add a user", self._add, icon="person_add")
        self._others = parts.stack()
        self._names: list[str] = []
        self._asking = 0
        self._shown: object = None

    async def load(self) -> None:
        self.show(await self.known())

    async def known(self) -> Any:
        return await here.ask("user/list")

    def changed(self, found: Any) -> None:
        """By somebody else. A menu or dialog that is open belongs to a row, and would go with it: so only where there is news."""
        if not self._asking and _news(found) != self._shown:
            self.show(found)

    def show(self, found: Any) -> None:
        self._shown = _news(found)
        self._names = [user["name"] for user in found["users"]]
        self._list.clear()
        with self._list:
            for user in found["users"]:
                self._row(user)
        self._others.clear()
        if found["others"]:
            with self._others:
                self._without_account(found["others"])

    def _row(self, user: User) -> None:
        with ui.element("li").classes("pa-list-row pa-user"):
            with ui.element("div").classes("pa-face pa-face-small"):
                parts.text(user["name"][:1].upper()).props('aria-hidden="true"')
            with parts.stack().classes("pa-tight pa-grow"):
                with parts.row():
                    parts.text(user["display_name"]).classes("pa-strong")
                    parts.pill(_ROLES[user["role"]], "ok" if user["role"] == "admin" else "mute")
                    if not user["can_sign_in"]:
                        parts.pill("Cannot sign in: no password", "warn")
                with parts.row().classes("pa-muted pa-small"):
                    parts.text(user["name"])
                    parts.text(f"{count(user['archives'], 'archive')}, {size(user['bytes'])}").classes("pa-num")
                    parts.text("last seen")
                    parts.when(user["last_seen_at"])
            self._menu(user)

    def _menu(self, user: User) -> None:
        button = ui.button(icon="more_vert", color=None).props("flat round").classes("pa-button-icon")
        button.props["aria-label"] = f"What to do with {user['name']}"
        other_role = "member" if user["role"] == "admin" else "admin"
        with button, ui.menu().props("auto-close"):
            self._item(f"Make {_ROLES[other_role].lower()}", lambda: here.ask("user/role", name=user["name"], role=other_role))
            self._item("Set a password", lambda: ask_password(user["name"]))
            self._item("Sign out everywhere", lambda: self._sign_out(user))
            self._item("Give the archives to …", lambda: ask_owner(user["name"], self._names))
            self._item("Remove", lambda: self._remove(user)).classes("pa-bad-text")

    def _item(self, label: str, do: Callable[[], Awaitable[object]]) -> MenuItem:
        """Quasar calls it an item of a list; it is one of a menu, and is said to be."""
        return ui.menu_item(label, self._then(do)).props('role="menuitem"')

    def _then(self, do: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
        async def done() -> None:
            self._asking += 1
            try:
                await parts.said(do)
            finally:
                self._asking -= 1
            await parts.said(self.load)

        return done

    async def _add(self) -> None:
        await ask_new_user()
        await self.load()

    async def _sign_out(self, user: User) -> None:
        for session in (await here.ask("user/sessions", name=user["name"]))["sessions"]:
            if not session["current"]:
                await here.ask("user/end-session", id=session["id"], name=user["name"])
        parts.toast(f"{user['display_name']} is signed out everywhere else.")

    async def _remove(self, user: User) -> None:
        words = (
            "The account goes, with its sessions and its profile. Archives stay: a user who owns some is not removed before they are given."
        )
        if await parts.confirm(f"Remove {user['display_name']}?", words, "Remove", danger=True):
            await here.ask("user/remove", name=user["name"])
            parts.toast(f"{user['display_name']} is removed.")

    def _without_account(self, others: list[dict[str, Any]]) -> None:
        with parts.card("Archives of owners without an account"):
            parts.text("They came by the command line or the inbox, or their owner was not recovered. Admins see them.", "p").classes(
                "pa-muted"
            )
            with ui.element("ul").classes("pa-list"):
                for owner in others:
                    with ui.element("li").classes("pa-list-row pa-between"):
                        parts.text(owner["name"]).classes("pa-strong")
                        parts.text(f"{count(owner['archives'], 'archive')}, {size(owner['bytes'])}").classes("pa-num pa-muted")
                        parts.action("Give to …", self._then(partial(ask_owner, owner["name"], self._names)), kind="quiet")


def _news(found: Any) -> object:
    """All but when somebody was seen, which is always new."""
    return [{**user, "last_seen_at": None} for user in found["users"]], found["others"]
