"""The end of a connection: forgotten, or emptied. Both say first what they would take."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import here, jobs, parts
from ui.panel.connecting.standing import State
from ui.words import count, size


class GiveUp:
    """A card in the place where it is made."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._id = state["id"]
        with parts.card("Remove or empty"):
            parts.text(
                "Removing forgets the connection and its sign-in here; what lies there stays. "
                "Emptying moves all of ours there to its trash.",
                "p",
            ).classes("pa-muted")
            self._notice = parts.notice()
            self._held = parts.area()
            with parts.row():
                parts.action("Remove …", self._remove, icon="link_off", kind="danger")
                parts.action("Empty …", self._empty, icon="delete_forever", kind="danger")

    async def _remove(self) -> None:
        await self._notice.attempt(self._ask_and_remove)

    async def _ask_and_remove(self) -> None:
        preview = await here.ask("connection/removal", connection=self._id)
        if preview["refused"]:
            self._notice.show(f"It cannot be removed now: {parts.sentence_of(preview['refused'])}")
            self._held.show(preview["refused"], lambda: _only_there(preview))
            return
        name = preview["name"]
        if await parts.confirm(f"Remove “{name}”?", "\n\n".join(removal_words(preview)), "Remove", danger=True, typed=name):
            await here.ask("connection/remove", connection=self._id)
            ui.navigate.to("/connections")

    async def _empty(self) -> None:
        await self._notice.attempt(self._ask_and_empty)

    async def _ask_and_empty(self) -> None:
        would = await jobs.finished(here.ask, "connection/empty", connection=self._id)
        name = (await here.ask("connection/show", connection=self._id))["name"]
        if not would["objects"]:
            self._notice.show("Nothing of ours lies there.", "ok")
            return
        what = f"{count(would['objects'], 'object')} of {count(would['archives'], 'archive')}, {size(would['bytes'])},"
        words = f"{what} would go to the trash of “{name}”."
        if await parts.confirm(f"Empty “{name}”?", words, "Move all of it to the trash", danger=True, typed=name):
            done = await jobs.finished(here.ask, "connection/empty", connection=self._id, confirm=name)
            self._notice.show(f"{count(done['objects'], 'object')}, {size(done['bytes'])}, moved to the trash there.", "ok")


def removal_words(preview: dict[str, Any]) -> list[str]:
    """What the removal would mean, a sentence or two each. Pure."""
    lies = f"{count(preview['archives'], 'archive')} with {size(preview['stored_bytes'])} lie there, and stay there."
    words = [f"{lies} This appliance forgets what it knows of them there."]
    if preview["at_risk"]:
        words.append(
            f"{count(preview['at_risk'], 'archive')} with {size(preview['at_risk_bytes'])} would be on this appliance only, "
            "until they are copied elsewhere."
        )
    if preview["active"]:
        words.append("New files are copied nowhere afterwards, until you choose another connection.")
    return words


def _only_there(preview: dict[str, Any]) -> None:
    """The archives that keep it: each leads to where it can be restored."""
    with ui.element("ul").classes("pa-list"):
        for one in preview["examples"][: preview["only_there"]]:
            with ui.element("li").classes("pa-list-row"):
                parts.link(one["title"], f"/archives/{one['archive_id']}").classes("pa-grow pa-ellipsis")
                parts.text(size(one["size_bytes"])).classes("pa-muted pa-num")
    more = preview["only_there"] - len(preview["examples"])
    if more > 0:
        parts.text(f"and {more} more", "p").classes("pa-muted")
