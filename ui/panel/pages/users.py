"""The people of the house, for admins: who may do what, who owns how much, who may come in."""

from __future__ import annotations

from typing import Any

from ui.panel import here, parts
from ui.panel.frame import page
from ui.panel.people.invitations import Invitations
from ui.panel.people.user_list import Users
from ui.panel.refresh import Refresh

_TELL = frozenset({"audit", "log"})  # of the log itself is the line that says how many were left out


@page("/users", title="Users", admin=True)
async def users_page() -> None:
    users = Users()
    invitations = Invitations()
    await users.load()
    await invitations.load()
    follow_changes(Refresh(users.known, users.show), Refresh(invitations.known, invitations.show))
    parts.text("Owners see their own archives, admins see all of them.", "p").classes("pa-muted pa-small")


def follow_changes(*lists: Refresh) -> None:
    """What people do stands in the log, each act in a line; that is how a list knows that it may be old."""

    def took(lines: list[Any]) -> None:
        if any(isinstance(line, dict) and line.get("source") in _TELL for line in lines):
            for one in lists:
                one.soon()

    here.stream("log", took)
