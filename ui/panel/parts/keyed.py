"""Lists whose lines stay the same elements while what they show changes, comes, goes, or takes another place."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Generic, Protocol, TypeVar

from nicegui.element import Element

Value = TypeVar("Value")
Shown_contra = TypeVar("Shown_contra", contravariant=True)


class Line(Protocol[Shown_contra]):
    """An element that shows one value."""

    id: int

    def show(self, value: Shown_contra) -> None: ...
    def delete(self) -> None: ...


class Keyed(Generic[Value]):
    """The lines are the children of ``area``, which has no others. ``make()`` builds a line inside of it."""

    def __init__(self, area: Element, make: Callable[[], Line[Value]]) -> None:
        self._area = area
        self._make = make
        self._lines: dict[Hashable, Line[Value]] = {}

    def show(self, values: Mapping[Hashable, Value]) -> None:
        """In their order. The focus of the keyboard stays on its line."""
        for key in self._lines.keys() - values.keys():
            self._lines.pop(key).delete()
        for key, value in values.items():
            if key not in self._lines:
                with self._area:
                    self._lines[key] = self._make()
            self._lines[key].show(value)
        self._sort([self._lines[key].id for key in values])

    def _sort(self, ids: list[int]) -> None:
        children = self._area.default_slot.children
        if [child.id for child in children] != ids:
            places = {each: place for place, each in enumerate(ids)}
            children.sort(key=lambda child: places[child.id])
            self._area.update()
