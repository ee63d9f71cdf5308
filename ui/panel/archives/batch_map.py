"""Every batch of an archive at one glance: a cell each, or one for several where there are very many.

The drawing is ``static/batch-map.js``; the counts beside it say the same in words.
"""

from __future__ import annotations

import re
from typing import Any

from nicegui import ui
from nicegui.element import Element

from ui.panel import here, parts
from ui.words import count

LETTERS = {
    "b": "here and on {}", "s": "only on {}", "c": "only here", "e": "not here, on another remote", "u": "on the way up",
    "d": "on the way back", "w": "failed, tried again soon", "x": "damaged here, mended from a remote", "m": "missing",
}  # fmt: skip
"""What each letter of the appliance's map means, the usual first; {} is the connection's name."""


class BatchMap:
    """``load`` asks for it anew; ``show`` hears of other placements."""

    def __init__(self, archive: dict[str, Any]) -> None:
        self._id = archive["id"]
        self._names: dict[str, str] = {}
        self._connection: str | None = None
        self._counts: dict[str, int] = {}
        with parts.card("Every batch"):
            with parts.row().classes("pa-between"):
                parts.text("A batch is a piece of the file that is sent, checked and mended by itself.").classes("pa-muted pa-small")
                self._choice = ui.select({}, label="As it stands on", on_change=self._chosen).props("outlined dense options-dense")
            self._drawing = Element("pa-batch-map")
            self._legend = ui.element("ul").classes("pa-map-legend").props('aria-label="How many batches are where"')
        self.show(archive)

    def show(self, archive: dict[str, Any]) -> None:
        names = {one["connection_id"]: one["connection_name"] for one in archive["placements"]}
        if names != self._names:
            self._names = names
            self._choice.set_options(names, value=self._connection if self._connection in names else next(iter(names), None))
        self._choice.set_visibility(len(names) > 1)

    async def load(self) -> None:
        """Raises Failed."""
        found = await here.ask("archive/batch-map", archive=self._id, connection=self._connection)
        name = self._names.get(found["connection_id"], "the remote")
        said = {letter: text.format(name) for letter, text in LETTERS.items()}
        drawing = {"data-map": shortened(found["map"]), "data-words": "|".join(f"{letter}{text}" for letter, text in said.items())}
        if any(self._drawing.props.get(key) != value for key, value in drawing.items()):
            self._drawing.props.update(drawing)
            self._drawing.props["data-summary"] = summary(found, said)
            self._drawing.update()
        self._show_counts(found["counts"], said)

    def _show_counts(self, counts: dict[str, int], said: dict[str, str]) -> None:
        if counts == self._counts:
            return
        self._counts = counts
        self._legend.clear()
        with self._legend:
            for letter, text in said.items():
                if counts.get(letter):
                    with ui.element("li").classes("pa-map-legend-item"):
                        ui.element("span").classes("pa-swatch").props(f'data-letter="{letter}" aria-hidden="true"')
                        parts.text(f"{counts[letter]:,}").classes("pa-num pa-strong")
                        parts.text(text)

    async def _chosen(self, event: Any) -> None:
        if event.value != self._connection:
            self._connection = event.value
            await parts.said(self.load)


def shortened(letters: str) -> str:
    """``bbbbs`` is ``b4s1``: most batches are like their neighbours."""
    return re.sub(r"(.)\1*", lambda run: f"{run[1]}{len(run[0])}", letters)


def summary(found: dict[str, Any], said: dict[str, str]) -> str:
    """The map in one sentence."""
    told = [f"{found['counts'][letter]:,} {text}" for letter, text in said.items() if found["counts"].get(letter)]
    return f"Map of {count(found['total'], 'batch')}: {', '.join(told)}"
