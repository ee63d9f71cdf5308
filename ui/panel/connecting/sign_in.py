"""Google's sign-in on another device: a code to be typed on a phone, and what comes of it, live."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import here, parts
from ui.panel.connecting.qr import qr
from ui.panel.connecting.standing import State


class SignIn:
    """In the place where it is made. ``show(state)`` after each change of the connection."""

    def __init__(self, state: State) -> None:
        self._id = state["id"]
        self._name = state["name"]
        self._area = parts.area()
        self._notice = parts.notice()

    async def show(self, state: State) -> None:
        """What is under way, or how to begin."""
        asked = await here.ask("connection/sign-in-state", connection=self._id) if state["sign_in"] == "pending" else None
        if asked and asked["user_code"]:
            self._notice.clear_words()
            self._area.show(asked["user_code"], lambda: self._code(asked))
            self._trouble(asked)
        elif state["sign_in"] == "pending":
            self._area.show("unknown", lambda: parts.text(parts.in_the_panel(state["sign_in_message"] or ""), "p"))
        else:
            self._area.show(("begin", state["sign_in_message"]), lambda: self._begin(state["sign_in_message"]))

    def _begin(self, failed: str | None) -> None:
        if failed:
            cause, _, _ = failed.partition("; ")  # the next step is the button below
            parts.banner("bad", "error", parts.sentence_of(cause))
        parts.text(
            "You get a code, and enter it on Google's page on your phone or computer. Choose the account whose Drive is to hold the "
            "copies, and leave the permission for Google Drive files ticked.", "p",
        )  # fmt: skip
        with parts.row():
            parts.action("Get a new code" if failed else "Get a code", self.begin, icon="pin", kind="main")

    async def begin(self) -> None:
        """Ask Google for a code; the connection's state tells the page."""
        if not await self._notice.attempt(lambda: here.ask("connection/sign-in", timeout_s=60.0, connection=self._id)):
            return

    def _code(self, asked: dict[str, Any]) -> None:
        url = str(asked["verification_url"])
        with ui.element("div").classes("pa-code-panel"):
            with parts.stack():
                parts.text("1. Open this page on any phone or computer:", "p")
                if url.startswith("https://"):
                    parts.link(url, url, new_tab=True).classes("pa-strong pa-prewrap")
                else:
                    parts.text(url).classes("pa-strong pa-prewrap")
                parts.text("2. Enter this code there:", "p")
                with parts.row():
                    parts.text(asked["user_code"], "output").classes("pa-code").props('aria-label="Code for Google"')
                    parts.copy_button(asked["user_code"], "Copy the code")
                with parts.row():
                    parts.pill("Waiting for you at Google", "busy")
                    parts.countdown(asked["expires_at"])
                self._note = parts.text("", "p").classes("pa-small pa-muted")
            qr(url, f"QR code of {url}")
        with parts.row():
            parts.action("Get a new code", self.begin, icon="refresh", kind="quiet")
            parts.action("Cancel", self._cancel, kind="quiet")

    def _trouble(self, asked: dict[str, Any]) -> None:
        """What the appliance adds to its first message: Google cannot be asked at the moment."""
        _, _, more = str(asked["message"] or "").partition("; ")
        self._note.set(parts.sentence_of(more) if more else "This page goes on by itself as soon as you have signed in.")

    async def _cancel(self) -> None:
        await here.ask("connection/cancel-sign-in", connection=self._id)
