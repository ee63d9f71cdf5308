"""All scripts: how the last run of each ended, when the next one is, and the output of what is run here."""

from __future__ import annotations

from typing import Any

from ui.panel import here, parts
from ui.panel.frame import page
from ui.panel.parts.keyed import Keyed
from ui.panel.refresh import Refresh
from ui.panel.scripting.card import ScriptCard
from ui.panel.scripting.console import Console
from ui.panel.scripting.look import dress
from ui.panel.scripting.pausing import Pausing
from ui.panel.scripting.runner_away import runner_away
from ui.panel.scripting.running import Stage
from ui.panel.scripting.runs import Runs

_ALL = 200


@page("/scripts", title="Scripts", admin=True)
async def scripts_page() -> None:
    dress()
    runner_away()
    with parts.row():
        parts.go("Write a script", "/scripts/new", icon="add", kind="main")
        pausing = Pausing()
    cards = parts.grid()
    with parts.card("Output") as card:
        stage = Stage(card, Console())
    with parts.card("Lately run"):
        runs = Runs(stage.show, nothing="Nothing was run yet.")
    listing = _Listing(Keyed(cards, lambda: ScriptCard(stage)), cards)
    await listing.load()
    await pausing.load()
    await runs.load()


class _Listing:
    def __init__(self, keyed: Keyed[Any], area: Any) -> None:
        self._keyed, self._area = keyed, area
        refresh = Refresh(self._ask, self._show)
        here.follow(["script/+/state", "runner/state"], refresh.soon)

    async def load(self) -> None:
        """Raises Failed."""
        self._show(await self._ask())

    async def _ask(self) -> Any:
        return (await here.ask("script/list", limit=_ALL))["scripts"]

    def _show(self, scripts: list[dict[str, Any]]) -> None:
        self._keyed.show({one["id"]: one for one in scripts})
