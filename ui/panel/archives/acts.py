"""What can be done with an archive, as it is now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from ui.errors import Failed
from ui.panel import here, parts
from ui.panel.archives import jobs, words
from ui.panel.archives.downloads import path_of
from ui.panel.archives.outcome import Outcome
from ui.panel.archives.removal import ask_removal
from ui.words import size

Archive = dict[str, Any]


class Acts:
    """The buttons are built anew only where other ones make sense. ``refresh`` shows the archive as it is afterwards."""

    def __init__(self, archive: Archive, outcome: Outcome, refresh: Callable[[], Awaitable[object]]) -> None:
        self._archive = archive
        self._outcome = outcome
        self._refresh = refresh
        self._admin = here.person().admin
        self._area = ui.element("div").classes("pa-acts").props('role="group" aria-label="What can be done"')
        self._shown: object = None
        self.show(archive)

    def show(self, archive: Archive) -> None:
        self._archive = archive
        kind = (
            archive["removed_at"], archive["local"], archive["wanted_local"], archive["pinned"], words.is_safe(archive),
            bool(archive["waiting_until_at"]), archive["position"] == 0,
        )  # fmt: skip
        if kind == self._shown:
            return
        self._shown = kind
        self._area.clear()
        with self._area:
            if archive["removed_at"]:
                parts.action("Take it back", self._undo, icon="undo", kind="main")
            else:
                self._everyday()
                self._rare()

    def _everyday(self) -> None:
        archive = self._archive
        if archive["local"]:
            parts.go("Download", path_of(archive["id"]), icon="download", kind="main").props("download")
            if words.is_safe(archive):
                parts.action("Free the space here", self._release, icon="eject")
        elif not archive["wanted_local"]:
            parts.action("Bring back", self._restore, icon="cloud_download", kind="main")
        if words.is_under_way(archive) and archive["waiting_until_at"]:
            parts.action("Try again now", self._retry, icon="refresh")

    def _rare(self) -> None:
        archive = self._archive
        parts.action("Check", self._check(), icon="verified_user")
        if words.whole_copies(archive):
            parts.action("Check by reading back", self._check(read_back=True), icon="cloud_sync", kind="quiet")
        if archive["pinned"]:
            parts.action("Keep here no longer", self._simply("archive/unpin"), icon="block", kind="quiet")
        elif archive["local"]:
            parts.action("Keep here always", self._simply("archive/pin"), icon="push_pin", kind="quiet")
        if self._admin and words.is_under_way(archive) and archive["position"] != 0:
            parts.action("Move to the front", self._simply("transfer/first"), icon="vertical_align_top", kind="quiet")
        parts.action("Remove", self._remove, icon="delete", kind="danger")

    # What each does

    def _simply(self, verb: str) -> Callable[[], Awaitable[None]]:
        async def do() -> None:
            await here.ask(verb, archive=self._archive["id"])
            await self._refresh()

        return do

    async def _retry(self) -> None:
        await self._simply("transfer/retry")()
        self._outcome.say("ok", "It is tried again now.")

    async def _restore(self) -> None:
        await self._simply("archive/restore")()
        self._outcome.say("ok", "It is asked back. It can be downloaded as soon as all of it is here, checked.")

    async def _release(self) -> None:
        archive = self._archive
        freed = size(archive["size_bytes"])
        question = (
            f"First it is checked that {' and '.join(words.whole_copies(archive)) or 'a remote'} really has all of it. Then {freed} are "
            "freed on this appliance. Bring back fetches the file again; how long that takes depends on your line."
        )
        if not await parts.confirm("Free the space here?", question, f"Free {freed}"):
            return
        busy = self._outcome.busy("Checking that a remote has all of it …")
        try:
            await jobs.run("archive/release", busy.show, archive=archive["id"])
            await self._refresh()
        except Failed as error:
            self._outcome.failed(error)
        else:
            self._outcome.say("ok", words.freed(self._archive))

    def _check(self, *, read_back: bool = False, repair: bool = False) -> Callable[[], Awaitable[None]]:
        async def check() -> None:
            where = "by reading all of it back" if read_back else "here and on the remotes"
            busy = self._outcome.busy(f"Mending {where} …" if repair else f"Checking {where} …")
            asked = {"archives": [self._archive["id"]], "read_back": read_back, "repair": repair}
            try:
                result = await jobs.run("integrity/verify", busy.show, **asked)
            except Failed as error:
                self._outcome.failed(error)
                return
            is_well, verdict, more = words.checked(result)
            mend = ("Mend it", self._check(read_back=read_back, repair=True)) if result["damage_left"] and not repair else None
            self._outcome.say("ok" if is_well else "warn", verdict, more, then=mend)

        return check

    async def _remove(self) -> None:
        preview = await here.ask("archive/removal", archive=self._archive["id"])
        if not await ask_removal(preview):
            return
        await self._simply("archive/remove")()
        self._outcome.say("ok", "Moved to the trash.", then=("Undo", self._undo))

    async def _undo(self) -> None:
        await self._simply("archive/undo")()
        self._outcome.say("ok", "Taken back.")
