"""Questions about a user. Each asks until it is answered well or given up; what the appliance says stands in the dialog."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from ui.errors import Failed
from ui.panel import here, parts
from ui.words import count

Fill = Callable[[], Callable[[], Awaitable[object]]]


async def _asked(title: str, verb: str, fill: Fill) -> bool:
    """``fill`` draws the fields and answers what is to be done with them; the dialog stays open while that fails."""
    with ui.dialog() as dialog, ui.card().classes("pa-dialog"):
        parts.text(title, "h2").classes("pa-card-title")
        do = fill()
        complaint = parts.text("", "p").classes("pa-bad-text").props('role="alert"')

        async def go() -> None:
            try:
                await do()
            except Failed as error:
                complaint.set(parts.sentence(error))
            else:
                dialog.submit(True)

        with ui.element("div").classes("pa-dialog-actions"):
            ui.button("Cancel", on_click=lambda: dialog.submit(False), color=None).props("no-caps flat").classes(
                "pa-button pa-button-quiet"
            )
            parts.action(verb, go, kind="main")
    answer = await dialog
    dialog.delete()
    return bool(answer)


def _field(label: str, *, secret: bool = False) -> ui.input:
    field = ui.input(label, password=secret, password_toggle_button=secret).props("outlined autocomplete=off autocapitalize=none")
    return field.classes("pa-field")


async def ask_new_user() -> bool:
    def fill() -> Callable[[], Awaitable[object]]:
        name, called = _field("Name, for signing in: small letters and digits"), _field("What the person is called")
        password = _field("Password, at least 8 characters", secret=True)
        role = ui.select({"member": "Member: own archives", "admin": "Admin: everything"}, value="member", label="May see and do")
        role.props("outlined").classes("pa-field")
        return lambda: here.ask(
            "user/add", name=name.value, display_name=called.value or None, password=password.value or None, role=role.value
        )

    return await _asked("Add a user", "Add", fill)


async def ask_password(name: str) -> bool:
    def fill() -> Callable[[], Awaitable[object]]:
        parts.text(f"{name} is signed out everywhere and signs in with this one.", "p").classes("pa-muted")
        password = _field("New password, at least 8 characters", secret=True)
        return lambda: here.ask("user/passwd", name=name, password=password.value)

    return await _asked(f"Set a password for {name}", "Set", fill)


async def ask_owner(from_owner: str, names: list[str]) -> bool:
    """Gives until nothing is left."""

    def fill() -> Callable[[], Awaitable[object]]:
        parts.text("Removed archives that can be taken back go along. The copies on the remotes are told by and by.", "p").classes(
            "pa-muted"
        )
        chosen = ui.select([name for name in names if name != from_owner], label="To").props("outlined").classes("pa-field")
        return lambda: _give_all(from_owner, chosen.value)

    return await _asked(f"Give the archives of {from_owner}", "Give", fill)


async def _give_all(from_owner: str, to_owner: str | None) -> None:
    if not to_owner:
        raise Failed("choose somebody")
    given, left = 0, 1
    while left:
        answer = await here.ask("user/give", from_owner=from_owner, to_owner=to_owner, timeout_s=60.0)
        given, left = given + answer["archives"], answer["left"]
        if not answer["archives"]:
            break
    parts.toast(f"{count(given, 'archive')} now {'belongs' if given == 1 else 'belong'} to {to_owner}.")
