"""The space on a remote: what is ours, what others have there, what is free."""

from __future__ import annotations

from nicegui import ui
from nicegui.element import Element

from ui.panel import parts
from ui.panel.connecting.standing import State, space_words
from ui.words import size


class Quota(Element):
    """A bar of three parts with words that say the same. ``ours`` is None to who may not ask for it."""

    def __init__(self, state: State) -> None:
        super().__init__("div")
        self.classes("pa-quota")
        self._ours: int | None = None
        with self:
            with ui.element("div").classes("pa-quota-bar").props('aria-hidden="true"') as self._bar:
                self._own = ui.element("div").classes("pa-quota-ours")
                self._others = ui.element("div").classes("pa-quota-others")
            self._words = parts.text("", "p").classes("pa-small pa-muted pa-num")
        self.show(state)

    def show(self, state: State, ours: int | None = None) -> None:
        self._ours = ours if ours is not None else self._ours
        limit, free = state["limit_bytes"], state["free_bytes"]
        taken = max(0, limit - free) if limit and free is not None else 0
        own = min(self._ours or 0, taken)
        self._bar.set_visibility(bool(limit))
        for element, part in ((self._own, own), (self._others, taken - own)):
            element.style(f"width: {100 * part / limit if limit else 0:.2f}%")
        known = state | {
            "used_bytes": max(state["used_bytes"] or 0, self._ours or 0)
        }  # the remote is asked once a minute, ours is known at once
        mine = f"; {size(self._ours)} there are copies from here" if self._ours else ""
        self._words.set(f"{space_words(known if state['used_bytes'] is not None else state)}{mine}")
