"""One connection: how it is, the step that is due, and what an admin can do with it."""

from __future__ import annotations

from nicegui import ui

from ui.panel import here, parts
from ui.panel.connecting.caring import Care
from ui.panel.connecting.facts import Facts
from ui.panel.connecting.following import connection as known
from ui.panel.connecting.following import follow, soon
from ui.panel.connecting.giving_up import GiveUp
from ui.panel.connecting.look import dress
from ui.panel.connecting.recovering import Recovery
from ui.panel.connecting.setup import Setup
from ui.panel.connecting.standing import KIND_ICONS, State
from ui.panel.connecting.tidying import Tidy
from ui.panel.frame import page


@page("/connections/{connection_id}", title="Connection", heading=False)
async def connection(connection_id: str, begin: bool = False) -> None:
    dress()
    state = known(connection_id) or await here.ask("connection/show", connection=connection_id)
    heading = _heading(state)
    if here.person().admin:
        await _for_admins(state, begin=begin, heading=heading)
        return
    facts = Facts(state, admin=False)

    def show() -> None:
        now = known(state["id"]) or state
        heading.set(now["name"])
        facts.show(now)

    here.follow([f"connection/{state['id']}/state"], show)


def _heading(state: State) -> parts.Text:
    ui.page_title(f"{state['name']} · PyArchive")
    parts.link("All connections", "/connections")
    with ui.element("div").classes("pa-card-head"):
        parts.icon(KIND_ICONS[state["kind"]])
        return parts.text(state["name"], "h1").classes("pa-title pa-ellipsis")


async def _for_admins(state: State, *, begin: bool, heading: parts.Text) -> None:
    setup = Setup(state, begin=begin)
    facts, care = Facts(state, admin=True), Care(state)
    tidy = parts.area()
    GiveUp(state)

    async def show() -> None:
        now = known(state["id"])
        if now is None:
            ui.navigate.to("/connections")
            return
        heading.set(now["name"])
        facts.show(now)
        care.show(now)
        await setup.show(now)
        await figures(now)

    async def figures(now: State) -> None:
        """Of what lies there; nothing does before it was checked once."""
        tidy.show(bool(now["validated_at"]), lambda: _tidy(now))
        if now["validated_at"]:
            preview = await here.ask("connection/removal", connection=state["id"])
            facts.show(now, preview["stored_bytes"])

    await setup.show(state)
    follow([f"connection/{state['id']}/state"], show)
    soon(lambda: figures(known(state["id"]) or state))


def _tidy(state: State) -> None:
    if state["validated_at"]:
        soon(Tidy(state).load)


@page("/connections/{connection_id}/recover", title="Recover", admin=True)
async def recover(connection_id: str) -> None:
    dress()
    state = known(connection_id) or await here.ask("connection/show", connection=connection_id)
    parts.link(state["name"], f"/connections/{state['id']}")
    with parts.card(f"What lies on “{state['name']}”"):
        await Recovery(state).load()
