"""A box to tick."""

from __future__ import annotations

from collections.abc import Callable

from nicegui.element import Element
from nicegui.events import GenericEventArguments


class Tick(Element):
    """The browser's own box: light enough for one in each row of a long list. ``told(ticked)`` when somebody ticks it."""

    def __init__(self, label: str, told: Callable[[bool], None]) -> None:
        super().__init__("input")
        self.classes("pa-tick").props('type="checkbox"')
        self._props["aria-label"] = label
        self._told = told
        self.on("change", self._changed, js_handler="(event) => emit(event.target.checked)")

    def show(self, ticked: bool) -> None:
        if bool(self._props.get("checked")) != ticked:
            self._props["checked"] = ticked
            self.update()

    def _changed(self, event: GenericEventArguments) -> None:
        self.show(bool(event.args))
        self._told(bool(event.args))


def tick(label: str, told: Callable[[bool], None]) -> Tick:
    return Tick(label, told)
