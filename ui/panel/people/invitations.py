"""Invitations: a code and a link for one person each."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import here, parts

_ROLES = {"admin": "admin", "member": "member"}


class Invitations:
    """Those that can still be used; a code is shown once, when it is made."""

    def __init__(self) -> None:
        with parts.card("Invitations"):
            parts.text("Whoever has the link makes an account with it, once.", "p").classes("pa-muted")
            self._list = ui.element("ul").classes("pa-list")
            with parts.row():
                parts.action("Invite a member", lambda: self._invite("member"), icon="mail")
                parts.action("Invite an admin", lambda: self._invite("admin"), kind="quiet")

    async def load(self) -> None:
        self.show(await self.known())

    async def known(self) -> Any:
        return await here.ask("user/invitations")

    def show(self, found: Any) -> None:
        self._list.clear()
        with self._list:
            for invitation in found["invitations"]:
                self._row(invitation)

    def _row(self, invitation: dict[str, Any]) -> None:
        with ui.element("li").classes("pa-list-row pa-between"):
            with parts.row():
                parts.text(f"For a new {_ROLES[invitation['role']]}, good until")
                parts.when(invitation["expires_at"], "moment")
            parts.action("Take back", lambda: self._take_back(invitation["id"]), kind="quiet")

    async def _invite(self, role: str) -> None:
        made = await here.ask("user/invite", role=role)
        await self.load()
        page = f"{str(ui.context.client.request.base_url).rstrip('/')}/register"
        link = f"{page}?code={made['code']}"
        with ui.dialog() as dialog, ui.card().classes("pa-dialog"):
            parts.text("Give this link to one person", "h2").classes("pa-card-title")
            parts.text("It is shown only now.", "p").classes("pa-muted")
            ui.input("Link", value=link).props("outlined readonly").classes("pa-field")
            parts.text(f"Or the code {made['code']} on {page}.", "p").classes("pa-mono")
            with ui.element("div").classes("pa-dialog-actions"):
                parts.copy_button(link, "Copy the link")
                ui.button("Close", on_click=dialog.close, color=None).props("no-caps flat").classes("pa-button pa-button-quiet")
        dialog.open()

    async def _take_back(self, invitation_id: str) -> None:
        await here.ask("user/uninvite", id=invitation_id)
        await self.load()
