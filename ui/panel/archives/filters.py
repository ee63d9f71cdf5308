"""What narrows a list of archives, and its order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from nicegui import ui

from ui.panel import parts
from ui.panel.archives.query import PLACE, PROTECTION, SORT, Choice, Query

Ask = Callable[[Query], Awaitable[object]]


class Filters:
    """``ask(query)`` when somebody changes something; ``show`` puts the controls to a query that came from elsewhere."""

    def __init__(self, query: Query, owners: Mapping[str, str], ask: Ask) -> None:
        """``owners``: empty where there is nobody to choose."""
        self._query = query
        self._ask = ask
        with ui.element("div").classes("pa-archives-tabs").props('role="group" aria-label="Which archives"'):
            self._kept = self._tab("Archives", trash=False)
            self._trash = self._tab("Trash", trash=True)
        with ui.element("div").classes("pa-archives-filters").props('role="search"'):
            self._search = ui.input("Search titles and file names", value=query.search).props(
                'outlined dense clearable debounce=250 type="search" maxlength=256'
            )
            self._search.classes("pa-archives-search").on_value_change(self._changed("search"))
            self._protection = self._choice("Protection", PROTECTION, query.protection, "protection")
            self._place = self._choice("Where", PLACE, query.place, "place")
            self._owner = self._select("Owner", {"": "Everybody", **owners}, query.owner, "owner") if owners else None
            sorts = {name: choice for name, choice in SORT.items() if owners or name != "owner"}
            self._sort = self._choice("Order", sorts, query.sort, "sort")
        self.show(query)

    def show(self, query: Query) -> None:
        self._query = query
        if (self._search.value or "").strip() != query.search:  # not while a space is being typed
            self._search.value = query.search
        self._protection.value, self._place.value, self._sort.value = query.protection, query.place, query.sort
        if self._owner:
            self._owner.value = query.owner
        for control in (self._protection, self._place):
            control.set_visibility(not query.trash)
        for button, pressed in ((self._kept, not query.trash), (self._trash, query.trash)):
            button.props(f'aria-pressed="{"true" if pressed else "false"}"')

    def _tab(self, label: str, *, trash: bool) -> Any:
        async def choose() -> None:
            await self._ask(Query(trash=trash))

        button = ui.element("button").classes("pa-tab").props('type="button"').on("click", choose)
        with button:
            parts.icon("delete" if trash else "inventory_2")
            parts.text(label)
        return button

    def _choice(self, label: str, choices: Mapping[str, Choice], value: str, name: str) -> Any:
        return self._select(label, {key: words for key, (words, _) in choices.items()}, value, name)

    def _select(self, label: str, options: dict[str, str], value: str, name: str) -> Any:
        if value not in options:
            options = {**options, value: value}
        return ui.select(options, label=label, value=value, on_change=self._changed(name)).props("outlined dense options-dense")

    def _changed(self, name: str) -> Callable[[Any], Awaitable[None]]:
        async def changed(event: Any) -> None:
            value = (event.value or "").strip() if name == "search" else event.value
            if value != getattr(self._query, name):  # else it was put there by ``show``
                chosen: dict[str, Any] = {name: value}
                await self._ask(replace(self._query, page=1, **chosen))

        return changed
