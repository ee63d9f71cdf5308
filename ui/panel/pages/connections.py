"""Where the copies go: all connections, and the ways to a new one."""

from __future__ import annotations

from nicegui import ui

from ui.panel import here, parts
from ui.panel.connecting.adding_drive import AddDrive
from ui.panel.connecting.adding_folder import AddFolder
from ui.panel.connecting.card import ConnectionCard
from ui.panel.connecting.following import connections as known
from ui.panel.connecting.following import soon
from ui.panel.connecting.look import dress
from ui.panel.connecting.tidying import Unclaimed
from ui.panel.frame import page


@page("/connections", title="Connections")
async def connections() -> None:
    dress()
    admin = here.person().admin
    if admin:
        _ways()
    area = parts.area()
    cards: dict[str, ConnectionCard] = {}

    def build() -> None:
        cards.clear()
        if not known():
            parts.empty("hub", "Nothing is copied anywhere yet", _none(admin=admin))
        with parts.grid():
            cards.update({state["id"]: ConnectionCard(state, admin=admin) for state in known()})

    def show() -> None:
        area.show(tuple(state["id"] for state in known()), build)
        for state in known():
            cards[state["id"]].show(state)

    async def ours() -> None:
        for state in known():
            preview = await here.ask("connection/removal", connection=state["id"])
            if state["id"] in cards:
                cards[state["id"]].show(state, preview["stored_bytes"])

    show()
    here.follow(["connection/+/state"], show)
    if admin:
        Unclaimed({state["id"]: state["name"] for state in known()})
        soon(ours)


def _none(*, admin: bool) -> str:
    return (
        "Add a disk in the house or your Google Drive; new files are then copied there by themselves."
        if admin
        else "An admin adds a place."
    )


def _ways() -> None:
    with parts.row():
        parts.go("Add Google Drive", "/connections/add/drive", icon="add_to_drive", kind="main")
        parts.go("Add a folder", "/connections/add/folder", icon="create_new_folder")
        parts.go("First steps", "/welcome", icon="flag", kind="quiet")


@page("/connections/add/folder", title="Add a folder", admin=True)
def add_folder() -> None:
    dress()
    with parts.card():
        AddFolder(_go_on)


@page("/connections/add/drive", title="Add Google Drive", admin=True)
def add_drive() -> None:
    dress()
    with parts.card():
        AddDrive(_go_on)


def _go_on(connection_id: str) -> None:
    ui.navigate.to(f"/connections/{connection_id}?begin=1")
