"""The page of one archive, put together; live by what the appliance publishes of it."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import here, parts, visible
from ui.panel.archives import facts, words
from ui.panel.archives.acts import Acts
from ui.panel.archives.batch_map import BatchMap
from ui.panel.archives.batch_table import BatchTable
from ui.panel.archives.copies import Copies
from ui.panel.archives.head import Head
from ui.panel.archives.history import History
from ui.panel.archives.outcome import Outcome
from ui.panel.archives.rungs import steps
from ui.panel.archives.standing import Standing
from ui.panel.refresh import Refresh

Archive = dict[str, Any]
_MAP_S, _LARGE_MAP_S, _MANY_BATCHES = 1.0, 3.0, 20_000
_HISTORY_S = 2.0


class Detail:
    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._person = here.person()
        self._head = Head(archive, self.refresh)
        self._standing = Standing(archive)
        self._outcome = Outcome()
        self._acts = Acts(archive, self._outcome, self.refresh)
        with ui.element("div").classes("pa-pair"):
            with parts.card("How well it is protected"):
                self._ladder = parts.ladder()
            self._copies = Copies(archive)
        self._map = BatchMap(archive)
        self._table = BatchTable(archive)
        with ui.element("div").classes("pa-pair"):
            facts.card(archive)
            self._history = History(archive["id"])
        self._show_ladder()
        self._moving: Any = None
        every_s = _LARGE_MAP_S if archive["batches_total"] > _MANY_BATCHES else _MAP_S
        self._batches = Refresh(self._load_batches, _nothing, every_s)
        self._past = Refresh(self._load_history, _nothing, _HISTORY_S)
        self._itself = Refresh(self._ask, self._show, _HISTORY_S)
        here.follow([f"archive/{archive['id']}/state"], self._changed)
        here.follow(["transfer/+/state"], self._moved)

    async def load(self) -> None:
        """What has to be asked for. Raises Failed."""
        await self._load_batches()
        await self._load_history()

    async def refresh(self) -> None:
        """After something was done here. Raises Failed."""
        await self._itself.now()

    async def _ask(self) -> Any:
        return await here.ask("archive/show", archive=self._archive["id"])

    def _changed(self) -> None:
        state = here.live().get(f"archive/{self._archive['id']}/state")
        if state is None:  # it was removed, maybe by somebody else
            self._itself.soon()
        elif visible.sees(self._person, state):
            self._show(state)

    def _moved(self) -> None:
        """Which batches of it are on their way is seen in the map; that a batch grows is not."""
        moving = [
            (one["batch_index"], one["direction"])
            for one in here.live().below("transfer/").values()
            if one and one["archive_id"] == self._archive["id"]
        ]
        if moving != self._moving:
            self._moving = moving
            self._batches.soon()

    def _show(self, archive: Archive) -> None:
        if archive == self._archive:
            return
        self._archive = archive
        for part in (self._head, self._standing, self._acts, self._copies, self._map):
            part.show(archive)
        self._show_ladder()
        self._batches.soon()
        self._past.soon()

    async def _load_batches(self) -> None:
        await self._map.load()
        await self._table.reload()

    async def _load_history(self) -> None:
        await self._history.load()
        self._show_ladder()

    def _show_ladder(self) -> None:
        self._ladder.show(steps(self._archive, self._history.safe_since(words.whole_copies(self._archive))))


def _nothing(_: object) -> None:
    """What was asked for is shown already."""
