"""What a person may see of what the appliance publishes. The one place where that is decided; the appliance decides for requests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ui.panel.person import Person


def sees(person: Person, message: dict[str, Any]) -> bool:
    """Of archives, transfers and events: one's own. Admins see all; what has no owner is for admins."""
    return person.admin or message.get("owner") == person.name


def transfers(person: Person, messages: Iterable[Any]) -> list[dict[str, Any]]:
    """The transfers of the moment by slot; those of others are left out."""
    return sorted((one for one in messages if one and sees(person, one)), key=lambda one: one["slot"])


def events(person: Person, payloads: Iterable[Any]) -> list[dict[str, Any]]:
    """Events that concern the person."""
    return [one for one in payloads if isinstance(one, dict) and sees(person, one)]


def problems(person: Person, state: dict[str, Any] | None) -> list[dict[str, Any]]:
    """All of them for admins. Others see those that say nothing of other people's archives: their texts name titles."""
    stand = (state or {}).get("problems", [])
    return list(stand) if person.admin else [one for one in stand if one["about"] in _OF_THE_HOUSE]


def lamp_reason(person: Person, state: dict[str, Any] | None) -> str:
    """Why the lamp shows what it shows, for admins: a problem's words may name other people's archives."""
    return str(state["lamp_reason"]) if state and person.admin else ""


_OF_THE_HOUSE = frozenset({"disk", "store", "clock", "catalog", "front_panel", "data", "power", "temperature", "card"})
