"""First steps: from the first admin to a proven copy, a sheet of paper, and the family. Left and come back to at any time."""

from __future__ import annotations

from nicegui import ui

from ui.panel import here, parts
from ui.panel.connecting.following import connections, follow
from ui.panel.connecting.look import dress
from ui.panel.connecting.standing import State, next_step, where
from ui.panel.frame import page
from ui.panel.welcome.inviting import invite
from ui.panel.welcome.place import Place
from ui.panel.welcome.proving import Proving
from ui.panel.welcome.steps import WizardStep


@page("/welcome", title="First steps", admin=True)
async def welcome() -> None:
    dress()
    parts.text("Five steps to files that are safe and have been proven to come back. You can leave, and go on here later.", "p").classes(
        "pa-muted"
    )
    with ui.element("ol").classes("pa-wizard"):
        wizard = Wizard()
    with parts.row():
        parts.go("To the overview", "/", icon="home")
    await wizard.show()
    follow(["connection/+/state", "appliance/state"], wizard.show)


class Wizard:
    """How each step stands follows from what the appliance says; nothing is remembered here."""

    def __init__(self) -> None:
        you, place, proof, sheet, family = (
            WizardStep(number, title)
            for number, title in enumerate(
                ("You are the admin", "Where should copies go?", "Proof that they come back", "A sheet of paper", "Your family"), start=1
            )
        )
        you.show("done", f"Signed in as {here.person().display_name}.")
        self._place_step, self._proof_step, self._sheet_step, self._family_step = place, proof, sheet, family
        with place.body():
            self._place = Place()
        with proof.body():
            self._proving = Proving()
        with sheet.body():
            self._sheet = parts.area()
        with family.body():
            invite()

    async def show(self) -> None:
        active = next((state for state in connections() if next_step(state) == "done"), None)
        state = here.live().get("appliance/state") or {}
        proven = bool(state.get("last_proof_at"))
        self._place_step.show("done" if active else "due", f"“{active['name']}”: {where(active)}" if active else "")
        self._proof_step.show(
            "later" if not active else "done" if proven else "due",
            "" if active else "As soon as there is a place for copies.", open_body=bool(active),
        )  # fmt: skip
        self._sheet_step.show("open" if active else "later", "" if active else "As soon as there is a place for copies.")
        self._family_step.show("open" if active else "later", "" if active else "Phones, and the others in the house.")
        await self._place.show()
        if active:
            self._sheet.show(active["id"], lambda: _sheet(active))
            await self._proving.load()


def _sheet(state: State) -> None:
    parts.text(
        "If the appliance burns or its card dies, this sheet and the account bring everything back. Print it, and keep it somewhere else.",
        "p",
    )
    with parts.row():
        parts.go("Open the recovery sheet", f"/connections/{state['id']}/recovery-sheet", icon="print", kind="main")
