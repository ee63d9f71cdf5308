"""What of ours lies on a remote and is not needed any more: its trash, and what is to go there."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import here, jobs, parts
from ui.panel.connecting.standing import State
from ui.words import count, size


class Tidy:
    """A card in the place where it is made."""

    def __init__(self, state: State) -> None:
        self._id, self._name = state["id"], state["name"]
        with parts.card("Trash"):
            parts.text(
                "What you remove here goes to the trash there, days after it cannot be undone any more. "
                "Nothing else of yours is ever deleted.",
                "p",
            ).classes("pa-muted")
            self._trash = parts.text("Trash: not looked into yet.", "p").classes("pa-num")
            self._due = parts.area()
            self._notice = parts.notice()
            with parts.row():
                parts.action("Look into the trash", self._look, icon="delete_sweep")
                self._purge = parts.action("Empty the trash for ever …", self._empty, kind="danger")
            self._purge.set_visibility(False)

    async def load(self) -> None:
        """What waits under tombstones. Raises Failed."""
        page = await here.ask("integrity/tombstones", limit=1000)
        mine = [one for one in page["objects"] if one["connection_id"] == self._id]
        to_confirm = page["to_confirm"].get(self._id, 0)
        self._due.show((len(mine), to_confirm, tuple(page["held_back"])), lambda: self._show_due(mine, to_confirm, page["held_back"]))

    def _show_due(self, mine: list[dict[str, Any]], to_confirm: int, held_back: list[str]) -> None:
        if mine:
            parts.text(f"{count(len(mine), 'object')} of removed archives will go to the trash there.", "p")
            for words in held_back:
                parts.text(parts.sentence_of(words), "p").classes("pa-muted pa-small")
        if to_confirm:
            parts.banner(
                "warn", "delete", f"{count(to_confirm, 'object')} at once are much of all that lies there. Nothing goes before you say so."
            )
            parts.action(f"Let {count(to_confirm, 'object')} go …", lambda: self._bury(to_confirm), kind="danger")

    async def _bury(self, objects: int) -> None:
        what = f"{count(objects, 'object')} of removed archives go to the trash of “{self._name}”."
        words = f"{what} From there they can still be brought back for a while."
        if await parts.confirm("Let them go?", words, "Let them go", danger=True):
            await here.ask("integrity/bury", connection=self._id, objects=objects)
            await self.load()

    async def _look(self) -> None:
        found = await jobs.finished(here.ask, "connection/trash", connection=self._id)
        kept = f" {count(found['kept'], 'object')} of it are still needed, and are brought back by the next check." if found["kept"] else ""
        self._trash.set(f"Trash: {count(found['objects'], 'object')} of ours, {size(found['bytes'])}.{kept}")
        self._purge.set_visibility(found["objects"] > found["kept"])

    async def _empty(self) -> None:
        words = "What lies in the trash there and belongs to no archive any more is deleted for ever. Nobody can bring it back."
        if await parts.confirm("Empty the trash?", words, "Delete for ever", danger=True, typed=self._name):
            found = await jobs.finished(here.ask, "connection/trash", connection=self._id, purge=True)
            parts.toast(f"{count(found['purged'], 'object')} deleted.")
            await self._look()


def orphan_places(orphans: list[dict[str, Any]], names: dict[str, str]) -> list[str]:
    """A line for each place with what lies there that no ledger knows. Pure."""
    places: dict[str, list[dict[str, Any]]] = {}
    for orphan in orphans:
        places.setdefault(orphan["where"], []).append(orphan)
    return [
        f"{names.get(where, f'this appliance, {where}')}: {count(len(found), 'object')}, {size(sum(one['size_bytes'] for one in found))}"
        for where, found in sorted(places.items())
    ]


class Unclaimed:
    """A card: what lies here or there that nobody knows, to be looked for and taken in."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names
        with parts.card("Unlisted files"):
            parts.text(
                "After a crash or a mishap, files of ours may lie on a remote or on this appliance that are in no list. They are never "
                "deleted by themselves; they can be taken in.", "p",
            ).classes("pa-muted")  # fmt: skip
            self._found = ui.element("ul").classes("pa-list")
            self._notice = parts.notice()
            with parts.row():
                parts.action("Look for them", self._look, icon="search")
                self._adopt = parts.action("Take them in", self._take_in, kind="main")
            self._adopt.set_visibility(False)

    async def _look(self) -> None:
        await self._run(adopt=False)

    async def _take_in(self) -> None:
        await self._run(adopt=True)

    async def _run(self, *, adopt: bool) -> None:
        result: dict[str, Any] = {}

        async def run() -> None:
            result.update(await jobs.finished(here.ask, "integrity/orphans", adopt=adopt))

        if await self._notice.attempt(run):
            self._show(result)

    def _show(self, result: dict[str, Any]) -> None:
        left = [one for one in result["orphans"] if not one["adopted"]]
        lines = orphan_places(left, self._names) + [parts.sentence_of(words) for words in result["unknown"]]
        self._found.clear()
        with self._found:
            for line in lines:
                parts.text(line, "li").classes("pa-list-row")
        taken = len(result["orphans"]) - len(left)
        words = f"{count(taken, 'object')} taken in." if taken else "" if left else "Nothing was found: all that lies there is known."
        if result["unknown"] and not left:
            words = "Not everything could be asked."
        self._notice.show(words, "ok" if not result["unknown"] else "warn")
        self._adopt.set_visibility(any(one["why_not"] is None for one in left) and not taken)
