"""What an admin does with a connection that stands: name, check, sign-in, credentials."""

from __future__ import annotations

from nicegui import ui

from ui.panel import here, parts
from ui.panel.connecting.adding_drive import CredentialsForm
from ui.panel.connecting.checking import check_again
from ui.panel.connecting.credentials_file import CredentialsFile
from ui.panel.connecting.standing import State, next_step

_OTHERS = (
    "For a new secret of the same OAuth client, or a sign-in made elsewhere. Another client does not see what this one made on Drive: "
    "for that, add a second connection."
)


class Care:
    """A card in the place where it is made."""

    def __init__(self, state: State) -> None:
        self._id = state["id"]
        with parts.card("Change it"):
            with parts.row().classes("pa-narrow"):
                self._name = ui.input("Name", value=state["name"]).props("outlined maxlength=64").classes("pa-grow")
                parts.action("Rename", self._rename, icon="edit")
            self._notice = parts.notice()
            self._acts = parts.area()
            if state["kind"] == "drive":
                with ui.element("details").classes("pa-fold"):
                    parts.text("Use other credentials", "summary")
                    with parts.stack().classes("pa-narrow"):
                        parts.text(_OTHERS, "p")
                        CredentialsForm("Use these credentials", self._credentials)
        self.show(state)

    def show(self, state: State) -> None:
        """What can be done depends on how far it is."""
        self._acts.show((state["valid"], state["sign_in"]), lambda: self._build(state))

    def _build(self, state: State) -> None:
        if next_step(state) in {"sign_in", "validate"}:
            return
        with parts.row():
            parts.action("Check again", lambda: check_again(self._id), icon="fact_check")
            if state["kind"] == "drive":
                parts.action("Sign in again", self._sign_in, icon="login")
            parts.go("Recovery sheet", f"/connections/{self._id}/recovery-sheet", icon="print")
            parts.go("Recover …", f"/connections/{self._id}/recover", icon="history")

    async def _rename(self) -> None:
        name = (self._name.value or "").strip()
        await self._notice.attempt(lambda: here.ask("connection/rename", connection=self._id, name=name))

    async def _sign_in(self) -> None:
        await here.ask("connection/sign-in", timeout_s=60.0, connection=self._id)

    async def _credentials(self, given: CredentialsFile) -> None:
        await here.ask("connection/credentials", connection=self._id, credentials=given.text)
        parts.toast("The new credentials are kept. Next comes the sign-in, or a check.")
