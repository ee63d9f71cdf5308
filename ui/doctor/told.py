"""What the appliance says of itself, asked once for all checks: its retained messages, and the errors in its log."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from mqtt.client import Broker
from ui.client_settings import ClientSettings
from ui.errors import Failed
from ui.link import Link

_FOLLOWED = ("availability", "appliance/#", "connection/+/state", "frontpanel/state", "runner/state")
_RETAINED_TIMEOUT_S, _ANSWER_TIMEOUT_S, _REFUSED_S, _CONNECT_S = 3.0, 5.0, 1.5, 4.0
_MOST_LINES = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """``why_not``: why broker or appliance could not be asked; empty where they could. ``messages``: by their names below the base."""

    connected: bool = False
    online: bool = False
    why_not: str = ""
    messages: dict[str, Any] = field(default_factory=dict)
    lines: list[dict[str, Any]] | None = None
    more_lines: bool = False

    @property
    def state(self) -> dict[str, Any]:
        """The payload of ``appliance/state``; empty where nothing is known, and old where the appliance is not online."""
        found = self.messages.get("appliance/state")
        return found if isinstance(found, dict) else {}

    @property
    def hardware(self) -> dict[str, Any]:
        """The payload of ``appliance/hardware``; empty while the appliance is not online, or knows nothing of its computer."""
        found = self.messages.get("appliance/hardware") if self.online else None
        return found if isinstance(found, dict) else {}

    @property
    def connections(self) -> list[dict[str, Any]]:
        found = [payload for name, payload in self.messages.items() if name.startswith("connection/")]
        return [payload for payload in found if isinstance(payload, dict)]

    @property
    def problems(self) -> list[dict[str, Any]]:
        return list(self.state.get("problems", [])) if self.online else []

    def setting(self, name: str) -> Any:
        """Its value in force; None where it is not known."""
        settings = (self.messages.get("appliance/settings") or {}).get("settings", [])
        return next((each["value"] for each in settings if each["name"] == name), None)


def ask(settings: ClientSettings) -> Told:
    """Within some 12 s, whatever is dead."""
    try:
        with Link(settings, _CONNECT_S, _REFUSED_S) as link:
            return _listen(link)
    except Failed as error:
        return Told(why_not=str(error))


def _listen(link: Link) -> Told:
    mirror = link.mirror
    mirror.follow(*_FOLLOWED)
    mirror.wait(lambda: bool(mirror.get("availability") and mirror.get("appliance/state")), _RETAINED_TIMEOUT_S)
    if not mirror.online:
        return Told(connected=True, messages=mirror.below(""), why_not="it is not online")
    why_not, lines = "", None
    try:
        day_ago = datetime.now(UTC) - timedelta(days=1)
        lines = link.ask("log/query", timeout_s=_ANSWER_TIMEOUT_S, limit=_MOST_LINES, level="warning", since_at=day_ago.isoformat())
    except Failed as error:
        why_not = str(error)
    # By now all that is retained has come: it was sent before the answer.
    told = {"lines": lines["lines"], "more_lines": lines["more"]} if lines else {}
    return Told(connected=True, online=True, why_not=why_not, messages=mirror.below(""), **told)


def connects(broker: Broker, timeout_s: float) -> bool:
    """Whether that login is let in; the first answer counts. The broker is left again."""
    broker.start()
    try:
        ends_s = time.monotonic() + timeout_s
        while time.monotonic() < ends_s and not broker.last_error:
            if broker.wait_connected(0.02):
                return True
        return False
    finally:
        broker.stop(0.5)
