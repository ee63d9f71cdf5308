"""Progress."""

from __future__ import annotations

from nicegui import ui
from nicegui.element import Element


class Bar(Element):
    """How far something is, as a bar and for screen readers. Its height never changes."""

    def __init__(self, label: str, ratio: float) -> None:
        super().__init__("div")
        self.classes("pa-bar").props('role="progressbar" aria-valuemin="0" aria-valuemax="100"')
        self._props["aria-label"] = label
        with self:
            self._fill = ui.element("div").classes("pa-bar-fill")
        self._shown = -1.0
        self.show(ratio)

    def show(self, ratio: float) -> None:
        """Rounded down to a tenth of a percent: full is only what is whole."""
        permille = int(max(0.0, min(1.0, ratio)) * 1000)
        if permille == self._shown:
            return
        self._shown = permille
        self._props["aria-valuenow"] = permille // 10
        self._fill.style(f"width: {permille / 10}%")
        self.update()


def bar(label: str, ratio: float = 0.0) -> Bar:
    return Bar(label, ratio)
