"""The panel as a page sees it: who is looking, what is known, and how to ask. Only inside a page of ``ui.panel.frame``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from mqtt.client import Broker
from ui.panel.appliance import Appliance
from ui.panel.happened import Happened
from ui.panel.live import Following, Live, Told, Took
from ui.panel.person import Person
from ui.panel.rates import Rates
from ui.panel.sessions import Sessions
from ui.panel.settings import PanelSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """The parts of this process."""

    settings: PanelSettings
    broker: Broker
    appliance: Appliance
    live: Live
    sessions: Sessions
    rates: Rates
    happened: Happened


_panels: list[Panel] = []


def install(panel: Panel) -> None:
    """Once, before the first page: NiceGUI's pages are the process's, so what they show is too."""
    _panels[:] = [panel]


def panel() -> Panel:
    return _panels[0]


def live() -> Live:
    return _panels[0].live


def person() -> Person:
    """Who looks at this page; the gate let nobody else in."""
    found = ui.context.client.request.scope["state"]["person"]
    if not isinstance(found, Person):
        raise PermissionError("this page was asked for without a session")
    return found


async def ask(verb: str, *, timeout_s: float = 15.0, **parameters: Any) -> Any:
    """As the person of this page. Raises Failed."""
    return await panel().appliance.ask(verb, person(), timeout_s=timeout_s, **parameters)


def follow(names: Iterable[str], told: Told) -> Following:
    """``told()`` in this page's context after each change; ends with the page."""
    client = ui.context.client

    def tell() -> None:
        with client:
            told()

    return _ends_with_page(live().follow(names, tell))


def stream(name: str, took: Took) -> Following:
    """``took(payloads)`` in this page's context; ends with the page."""
    client = ui.context.client

    def take(payloads: list[Any]) -> None:
        with client:
            took(payloads)

    return _ends_with_page(live().stream(name, take))


def follow_happened(took: Took) -> None:
    """``took(payloads)`` of events in this page's context, when ``happened`` has them; ends with the page."""
    client = ui.context.client

    def take(payloads: list[Any]) -> None:
        with client:
            took(payloads)

    client.on_delete(panel().happened.follow(take))


def _ends_with_page(following: Following) -> Following:
    ui.context.client.on_delete(following.end)
    return following
