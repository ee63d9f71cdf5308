"""Adding somebody who is told: by mail, by ntfy, by a webhook, or by any address that apprise knows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from ui.errors import Failed
from ui.panel import here, parts
from ui.panel.notifying import addresses

_KINDS = {"mail": "E-mail", "ntfy": "ntfy (push to a phone)", "webhook": "Webhook", "other": "Another service"}
_OTHER = "tgram://bot-token/chat-id, gotify://host/token, discord://id/token …"
Compose = Callable[[], str]


class Adding:
    """``added`` is called with what the appliance says of the new one; what was typed is forgotten then."""

    def __init__(self, added: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        self._added = added
        with parts.card("Tell somebody else"):
            self._kind = ui.select(_KINDS, value="mail", label="By").props("outlined").classes("pa-field")
            self._kind.on_value_change(self._draw)
            self._fields = parts.stack()
            self._name = ui.input("Name, for this list").props("outlined maxlength=64").classes("pa-field")
            parts.action("Add", self._add, kind="main", icon="add")
        self._compose: Compose = str
        self._draw()

    def _draw(self) -> None:
        self._fields.clear()
        draw = {"mail": _mail, "ntfy": _ntfy, "webhook": _webhook, "other": _other}[self._kind.value]
        with self._fields:
            self._compose = draw()

    async def _add(self) -> None:
        try:
            url = self._compose()
        except ValueError as error:
            raise Failed(str(error)) from None
        target = await here.ask("notification/add", url=url, name=self._name.value or None, timeout_s=40.0)
        self._name.set_value("")
        self._draw()
        await self._added(target)


def _field(label: str, *, hint: str = "", secret: bool = False) -> ui.input:
    field = ui.input(label, password=secret, password_toggle_button=secret, placeholder=hint)
    return field.props("outlined autocomplete=off autocapitalize=none stack-label").classes("pa-field")


def _mail() -> Compose:
    server = _field("Mail server, for sending", hint="smtp.example.org")
    user = _field("Name there", hint="me@example.org")
    password = _field("Password there", secret=True)
    to = _field("To", hint="me@example.org, you@example.org")
    secure = ui.switch("Over TLS", value=True)
    return lambda: addresses.mail(server=server.value, user=user.value, password=password.value, to=to.value, secure=secure.value)


def _ntfy() -> Compose:
    topic = _field("Topic", hint="a word that nobody guesses")
    server = _field("Server", hint=f"https://{addresses.NTFY}")
    token = _field("Token, where the server wants one", secret=True)
    return lambda: addresses.ntfy(server=server.value, topic=topic.value, token=token.value)


def _webhook() -> Compose:
    url = _field("Address", hint="https://example.org/hook")
    return lambda: addresses.webhook(url.value)


def _other() -> Compose:
    url = _field("Address, as apprise writes it", hint=_OTHER, secret=True)
    return lambda: str(url.value)
