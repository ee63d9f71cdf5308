"""Who is told now, and how that goes."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import here, parts
from ui.words import count

Target = dict[str, Any]


class Targets:
    """Addresses are secrets: only the kind and the host are shown."""

    def __init__(self) -> None:
        with parts.card("Who is told"):
            self._list = ui.element("ul").classes("pa-list")

    async def load(self) -> None:
        targets = (await here.ask("notification/list"))["targets"]
        self._list.clear()
        with self._list:
            for target in targets:
                self._row(target)
            if not targets:
                with ui.element("li"):
                    parts.empty("notifications_off", "Nobody yet", "Add a mail address, a phone or a webhook below.")

    async def added(self, target: Target) -> None:
        await self.load()
        parts.toast(f"{target['name']} is told from now on. Send a test to see that it arrives.")

    def _row(self, target: Target) -> None:
        with ui.element("li").classes("pa-list-row pa-between"):
            with parts.stack().classes("pa-tight"):
                parts.text(target["name"], "div").classes("pa-strong")
                with parts.row().classes("pa-muted pa-small"):
                    parts.text(" at ".join(part for part in (target["kind"], target["host"]) if part))
                    if target["sent_at"]:
                        parts.text("last told")
                        parts.when(target["sent_at"])
                    if target["waiting"]:
                        parts.text(f"{count(target['waiting'], 'message')} waiting")
                if target["error"]:
                    parts.text(parts.sentence_of(target["error"]), "p").classes("pa-bad-text pa-small")
            with parts.row():
                parts.action("Send a test", lambda: self._test(target), icon="send")
                parts.action("Remove", lambda: self._remove(target), kind="danger")

    async def _test(self, target: Target) -> None:
        await here.ask("notification/test", id=target["id"], timeout_s=40.0)
        parts.toast(f"{target['name']} took the test message.")
        await self.load()

    async def _remove(self, target: Target) -> None:
        words = "Nothing more is told there, and its address is forgotten."
        if await parts.confirm(f"Remove {target['name']}?", words, "Remove", danger=True):
            await here.ask("notification/remove", id=target["id"])
            await self.load()
