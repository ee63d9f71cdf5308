"""What a person may change of one's own: what one is called, the picture, the password, and where one is signed in."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.errors import Failed
from ui.panel import here, parts
from ui.panel.frame import page
from ui.panel.people.picture import picture_chooser, shown_picture

_LEAST_PASSWORD = 8


@page("/profile", title="Your profile")
async def profile_page() -> None:
    user = (await here.ask("user/me"))["user"]
    with parts.grid():
        await _about(user)
        _password()
    with parts.card("Where you are signed in"):
        sessions = SessionList()
        await sessions.load()


async def _about(user: dict[str, Any]) -> None:
    with parts.card("About you"):
        with parts.row():
            picture = await shown_picture(user["name"])
            with parts.stack():
                parts.text(user["name"], "div").classes("pa-strong")
                parts.pill("Admin" if user["role"] == "admin" else "Member", "mute")
        picture_chooser(picture)
        called = ui.input("What you are called", value=user["display_name"]).props('outlined autocomplete="name"').classes("pa-field")
        mail = ui.input("E-mail", value=user["email"] or "").props('outlined type=email autocomplete="email"').classes("pa-field")

        async def save() -> None:
            await here.ask("user/profile", display_name=called.value, email=mail.value)

        parts.action("Save", save, kind="main", done="Your profile is saved.")


def _password() -> None:
    with parts.card("Password"):
        parts.text("A new password signs you out everywhere else.", "p").classes("pa-muted")
        old = _secret("Password of now", "current-password")
        new = _secret(f"New password, at least {_LEAST_PASSWORD} characters", "new-password")
        again = _secret("New password again", "new-password")

        async def change() -> None:
            if new.value != again.value:
                raise Failed("the new password was typed in two different ways; type it again")
            await here.ask("user/password", old=old.value, new=new.value)
            for field in (old, new, again):
                field.set_value("")

        parts.action("Change the password", change, kind="main", done="The new password is in force.")


def _secret(label: str, kind: str) -> ui.input:
    return ui.input(label, password=True, password_toggle_button=True).props(f'outlined autocomplete="{kind}"').classes("pa-field")


class SessionList:
    """One's own sessions, each with its end."""

    def __init__(self) -> None:
        self._list = ui.element("ul").classes("pa-list")
        self._others = parts.action("Sign out everywhere else", self._end_others, kind="danger")

    async def load(self) -> None:
        sessions = (await here.ask("user/sessions"))["sessions"]
        self._list.clear()
        with self._list:
            for session in sessions:
                self._row(session)
        self._others.set_visibility(len(sessions) > 1)

    def _row(self, session: dict[str, Any]) -> None:
        with ui.element("li").classes("pa-list-row pa-between"):
            with parts.stack().classes("pa-tight"):
                parts.text(session["device"], "div").classes("pa-strong")
                with parts.row().classes("pa-muted pa-small"):
                    parts.text(session["address"] or "address unknown")
                    parts.text("last used")
                    parts.when(session["used_at"])
            if session["current"]:
                parts.pill("This one", "ok")
            else:
                parts.action("Sign out", lambda: self._end(session["id"]), kind="quiet")

    async def _end(self, session_id: str) -> None:
        await here.ask("user/end-session", id=session_id)
        await self.load()

    async def _end_others(self) -> None:
        await here.ask("user/end-session")
        await self.load()
