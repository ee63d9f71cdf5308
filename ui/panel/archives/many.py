"""Many archives at once: what is ticked, what can be done with it, and what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from nicegui import ui
from nicegui.element import Element

from ui.errors import Failed
from ui.panel import here, parts
from ui.panel.archives import jobs, words
from ui.panel.archives.downloads import download_each
from ui.panel.archives.outcome import Outcome
from ui.panel.archives.query import Query
from ui.panel.archives.row import Archive
from ui.words import count, size

_MOST = 1000
_A_PAGE = 200
_BUSY = {
    "release": "Checking the remotes and freeing space …", "restore": "Asking for {} back …", "pin": "Keeping {} here …",
    "unpin": "Letting go of {} …", "remove": "Moving {} to the trash …", "undo": "Taking {} back …",
}  # fmt: skip
Act = Callable[[], Awaitable[object]]


class Many:
    """``chosen``: by id. ``refresh`` shows the list anew; ``told`` hears that other archives are ticked."""

    def __init__(self, outcome: Outcome, refresh: Act, told: Callable[[], None]) -> None:
        self.chosen: dict[str, Archive] = {}
        self._outcome = outcome
        self._refresh = refresh
        self._told = told
        self._query = Query()
        self._total = 0
        with ui.element("div").classes("pa-many").props('role="group" aria-label="What is selected"') as self._bar:
            with ui.element("div").classes("pa-many-head"):
                self._count = parts.text("").classes("pa-strong pa-num").props('role="status"')
                self._everything = parts.action("", self._choose_everything, kind="quiet")
                parts.action("Select nothing", self._choose_nothing, kind="quiet")
            self._kept, self._buttons = _buttons(
                ("Free the space", "eject", self._release), ("Bring back", "cloud_download", lambda: self._act("restore")),
                ("Keep here", "push_pin", lambda: self._act("pin")), ("Keep no longer", "block", lambda: self._act("unpin")),
                ("Check", "verified_user", self._verify), ("Download", "download", self._download), ("Remove", "delete", self._remove),
            )  # fmt: skip
            self._removed, _ = _buttons(("Take back", "undo", lambda: self._act("undo")))
        self._show()

    # What is ticked

    def tick(self, archive: Archive, ticked: bool) -> None:
        if ticked:
            self.chosen[archive["id"]] = archive
        else:
            self.chosen.pop(archive["id"], None)
        self._changed()

    def forget(self, ids: Iterable[str]) -> None:
        """They are not there any more."""
        for archive_id in ids:
            self.chosen.pop(archive_id, None)
        self._show()

    def clear(self) -> None:
        self.chosen.clear()
        self._changed()

    def offer(self, query: Query, total: int) -> None:
        """Of which list all can be selected."""
        self._query, self._total = query, total
        self._show()

    def _changed(self) -> None:
        self._show()
        self._told()

    def _show(self) -> None:
        number, most = len(self.chosen), min(self._total, _MOST)
        self._bar.set_visibility(bool(number))
        self._count.set(f"{number:,} selected")
        self._everything.set_text(f"Select all {most:,}" if most == self._total else f"Select the first {most:,}")
        self._everything.set_visibility(number < most)
        self._kept.set_visibility(not self._query.trash)
        self._removed.set_visibility(self._query.trash)
        self._buttons["Keep no longer"].set_visibility(any(one["pinned"] for one in self.chosen.values()))

    async def _choose_nothing(self) -> None:
        self.clear()

    async def _choose_everything(self) -> None:
        """All that match, a thousand at the most: so many the appliance takes at once."""
        for offset in range(0, min(self._total, _MOST), _A_PAGE):
            found = await here.ask("archive/list", **(self._query.parameters | {"offset": offset, "limit": _A_PAGE}))
            self.chosen |= {archive["id"]: archive for archive in found["archives"]}
        self._changed()

    # What is done

    async def undo(self, ids: list[str]) -> None:
        """Take those back."""
        await self._act("undo", ids)

    async def _act(self, act: str, ids: list[str] | None = None) -> None:
        ids = ids or list(self.chosen)
        busy = self._outcome.busy(_BUSY[act].format(count(len(ids), "archive")))
        try:
            result = await jobs.run("archive/many", busy.show, act=act, archives=ids)
        except Failed as error:
            self._outcome.failed(error)
            return
        await self._refresh()
        self.clear()
        self._tell(act, ids, result)

    def _tell(self, act: str, ids: list[str], result: dict[str, Any]) -> None:
        said, refusals = words.done_many(result)
        left = {one["archive"] for one in result["not_done"]}
        back = [archive_id for archive_id in ids if archive_id not in left]
        undo = ("Take back", lambda: self.undo(back)) if act == "remove" and back else None
        self._outcome.say("warn" if refusals else "ok", said, refusals, then=undo)

    async def _release(self) -> None:
        number, freed = len(self.chosen), sum(one["size_bytes"] for one in self.chosen.values() if one["local"])
        question = (
            f"Up to {size(freed)} are freed on this appliance. Before a file goes from here it is checked that a remote has all of it; "
            "what is not safe yet stays. Bring back fetches a file again."
        )
        if await parts.confirm(f"Free the space of {count(number, 'archive')}?", question, "Free the space"):
            await self._act("release")

    async def _remove(self) -> None:
        number = len(self.chosen)
        if await parts.confirm(f"Remove {count(number, 'archive')}?", self._what_goes(), "Remove", danger=True):
            await self._act("remove")

    def _what_goes(self) -> str:
        alone = sum(1 for one in self.chosen.values() if not words.whole_copies(one))
        warning = f"{count(alone, 'archive')} of these {'has its' if alone == 1 else 'have their'} only copy here.\n\n" if alone else ""
        total = size(sum(one["size_bytes"] for one in self.chosen.values()))
        return (
            f"{warning}They go to the trash ({total}), and can be taken back from there for a while. "
            "After that they are gone here, and then on the remotes too."
        )

    async def _verify(self) -> None:
        ids = list(self.chosen)
        busy = self._outcome.busy(f"Checking {count(len(ids), 'archive')}, here and on the remotes …")
        try:
            result = await jobs.run("integrity/verify", busy.show, archives=ids)
        except Failed as error:
            self._outcome.failed(error)
            return
        is_well, verdict, more = words.checked(result)
        self._outcome.say("ok" if is_well else "warn", f"{count(len(ids), 'archive')}: {verdict}", more)

    async def _download(self) -> None:
        local = [one for one in self.chosen.values() if one["local"]]
        away = [f"{one['title']}: not here; bring it back first." for one in self.chosen.values() if not one["local"]]
        download_each([one["id"] for one in local])
        started = f"The browser fetches {count(len(local), 'archive')}." if local else "Nothing to fetch."
        self._outcome.say("warn" if away else "ok", started, away[:5])


def _buttons(*acts: tuple[str, str, Act]) -> tuple[Element, dict[str, Element]]:
    """Beside their row, each by its label."""
    with ui.element("div").classes("pa-many-acts") as element:
        buttons: dict[str, Element] = {
            label: parts.action(label, do, icon=icon, kind="danger" if label == "Remove" else "plain") for label, icon, do in acts
        }
    return element, buttons
