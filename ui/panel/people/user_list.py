"""Users in a list, and the owners without an account."""

from __future__ import annotations

from functools import partial
from typing import Any

from nicegui import ui

from ui.panel import here, parts
from ui.panel.parts.keyed import Keyed
from ui.panel.people.dialogs import ask_new_user, ask_owner
from ui.panel.people.user_row import User, UserRow
from ui.words import count, size


class Users:
    """Loaded anew after each change, whoever made it: ``show`` what is ``known``."""

    def __init__(self) -> None:
        self._names: list[str] = []
        with parts.card("People"):
            rows = ui.element("ul").classes("pa-list")
            with parts.row():
                parts.action("Add a user", self._add, icon="person_add")
        self._rows: Keyed[User] = Keyed(rows, lambda: UserRow(self.load, lambda: self._names))
        self._others = parts.area()

    async def load(self) -> None:
        self.show(await self.known())

    async def known(self) -> Any:
        return await here.ask("user/list")

    def show(self, found: Any) -> None:
        self._names = [user["name"] for user in found["users"]]
        self._rows.show({user["name"]: user for user in found["users"]})
        others = found["others"]
        self._others.show(tuple(tuple(owner.items()) for owner in others), lambda: self._without_account(others))

    async def _add(self) -> None:
        await ask_new_user()
        await self.load()

    async def _give(self, owner: str) -> None:
        await ask_owner(owner, self._names)
        await self.load()

    def _without_account(self, others: list[dict[str, Any]]) -> None:
        if not others:
            return
        with parts.card("Archives of owners without an account"):
            parts.text("They came by the command line or the inbox, or their owner was not recovered. Admins see them.", "p").classes(
                "pa-muted"
            )
            with ui.element("ul").classes("pa-list"):
                for owner in others:
                    with ui.element("li").classes("pa-list-row pa-between"):
                        parts.text(owner["name"]).classes("pa-strong")
                        parts.text(f"{count(owner['archives'], 'archive')}, {size(owner['bytes'])}").classes("pa-num pa-muted")
                        parts.action("Give to …", partial(self._give, owner["name"]), kind="quiet")
