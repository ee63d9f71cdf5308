"""All archives: find one, see how safe each is, do something with many."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import here
from ui.panel.archives.listing import Listing
from ui.panel.archives.look import dress
from ui.panel.archives.query import of_address
from ui.panel.frame import page


@page("/archives", title="Archives")
async def archives_page() -> None:
    dress()
    admin = here.person().admin
    query = of_address(ui.context.client.request.query_params, admin=admin)
    listing = Listing(query, await _owners() if admin else {})
    await listing.first()
    _follow_history(listing, admin=admin)


async def _owners() -> dict[str, str]:
    """Who has an account, by name. Raises Failed."""
    users = (await here.ask("user/list"))["users"]
    return {user["name"]: user["display_name"] for user in users}


def _follow_history(listing: Listing, *, admin: bool) -> None:
    """Back and Forward change the list in place, as a click did before."""

    async def moved(event: Any) -> None:
        await listing.go(of_address(dict(event.args), admin=admin), from_history=True)

    ui.on("pa-address", moved)
