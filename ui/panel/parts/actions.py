"""Buttons that do something, questions before they do, and what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from nicegui import ui
from nicegui.elements.button import Button

from ui.errors import Failed
from ui.panel.parts.basics import text
from ui.panel.parts.wording import in_the_panel

Kind = Literal["main", "plain", "quiet", "danger"]
Do = Callable[[], Awaitable[object]]
PROPS = {"main": "unelevated", "plain": "outline", "quiet": "flat", "danger": "outline"}


def sentence(error: Failed) -> str:
    """The appliance's words as a sentence; they say the cause and the next step."""
    return sentence_of(str(error))


def sentence_of(words: str) -> str:
    """Begins with a capital and ends with a full stop; names buttons and pages where the panel does what a command does."""
    words = in_the_panel(words.strip())
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith(('.', '!', '?')) else '.'}"


def toast(words: str, *, bad: bool = False) -> None:
    """A bad one stays until it is closed: it says what to do next."""
    ui.notify(
        words, multi_line=True, close_button="Close" if bad else False, timeout=0 if bad else 4000, position="bottom",
        classes=f"pa-toast{' pa-toast-bad' if bad else ''}",
    )  # fmt: skip


async def said(do: Do, done: str | None = None) -> bool:
    """Whether it worked; if not, why is shown."""
    try:
        await do()
    except Failed as error:
        toast(sentence(error), bad=True)
        return False
    if done:
        toast(done)
    return True


def of_page(do: Do) -> Do:
    """As the handler of an event: for the page, so that what it asks stays when the element it began at is replaced or goes meanwhile."""

    async def handle() -> None:
        with ui.context.client:
            await do()

    return handle


def action(label: str, do: Do, *, icon: str | None = None, kind: Kind = "plain", done: str | None = None) -> Button:
    """A button. It turns at once and takes no second click until its work is done; an error is shown with its next step."""
    button = ui.button(label, icon=icon, color=None)
    button.props(f"no-caps {PROPS[kind]}").classes(f"pa-button pa-button-{kind}")

    async def clicked() -> None:
        button.props("loading")
        try:
            await said(do, done)
        finally:
            if not button.is_deleted:
                button.props(remove="loading")

    button.on_click(of_page(clicked))
    return button


async def confirm(
    title: str, words: str, verb: str, *, danger: bool = False, typed: str | None = None, more: Callable[[], object] | None = None
) -> bool:
    """Ask first. ``typed``: what has to be typed, letter by letter, before the button can be pressed.

    ``more`` builds what has to be seen beside the words.
    """
    with ui.dialog() as dialog, ui.card().classes("pa-dialog"):
        text(title, "h2").classes("pa-card-title")
        text(words, "p").classes("pa-prewrap")
        if more:
            more()
        go = ui.button(verb, on_click=lambda: dialog.submit(True), color=None)
        go.props("no-caps unelevated").classes(f"pa-button pa-button-{'danger-full' if danger else 'main'}")
        if typed is not None:
            field = ui.input(f"Type {typed} to go on").props("outlined autocomplete=off").classes("pa-field")
            go.set_enabled(False)
            field.on_value_change(lambda event: go.set_enabled(event.value == typed))
            field.move(target_index=2)
        with ui.element("div").classes("pa-dialog-actions") as actions:
            cancel = ui.button("Cancel", on_click=lambda: dialog.submit(False), color=None)
            cancel.props("no-caps flat").classes("pa-button pa-button-quiet")
        go.move(actions)
    answer = await dialog
    dialog.delete()
    return bool(answer)
