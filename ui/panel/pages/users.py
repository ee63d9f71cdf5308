"""The people of the house, for admins: who may do what, who owns how much, who may come in."""

from __future__ import annotations

from ui.panel import parts
from ui.panel.frame import page
from ui.panel.people.invitations import Invitations
from ui.panel.people.user_list import Users


@page("/users", title="Users", admin=True)
async def users_page() -> None:
    users = Users()
    invitations = Invitations()
    await users.load()
    await invitations.load()
    parts.text("Owners see their own archives, admins see all of them.", "p").classes("pa-muted pa-small")
