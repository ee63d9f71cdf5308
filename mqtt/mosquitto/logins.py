"""Rights of each login at the broker. Mosquitto's list of rights, the bridge and docs/broker.md follow this table.

It is wider than mqtt/contract.py, so that a topic of a later version needs no new rights, and never narrower: a test compares them. A
filter is below the appliance's base unless it begins with ``homeassistant/``. ``denied`` wins over ``reads``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mqtt.contract import Login
from mqtt.topics import Topics

HOME_ASSISTANT_STATUS = "homeassistant/status"


LOGINS = tuple(login for login in Login if login != Login.OWN)
"""Broker users. Each is also the ``<login>`` of the requests that it may write: that is how the appliance knows who asks."""

ON_THE_LAN = (Login.HOMEASSISTANT,)
"""The others exist on the loopback listener only."""


@dataclass(frozen=True, slots=True)
class Rights:
    """Topic filters in the order in which they are written; whole topics, once ``of`` made them."""

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    denied: tuple[str, ...] = ()


def _asking(login: Login, *, writes: tuple[str, ...] = ()) -> Rights:
    others = [other for other in LOGINS if other != login]
    denied = tuple(f"{kind}/{other}/#" for kind in ("request", "response") for other in others)
    return Rights(reads=("#",), writes=(f"request/{login}/#", *writes), denied=denied)


_DISCOVERY = "homeassistant/device/{appliance_id}/config"

_TABLE = {
    Login.APPLIANCE: Rights(reads=("#", HOME_ASSISTANT_STATUS, _DISCOVERY), writes=("#", _DISCOVERY)),
    Login.PANEL: _asking(Login.PANEL),
    Login.CLI: _asking(Login.CLI),
    Login.SCRIPTS: _asking(Login.SCRIPTS, writes=("script/+/output", "script/+/state", "runner/state")),
    Login.HOMEASSISTANT: Rights(
        reads=(
            "appliance/#", "archive/#", "transfer/#", "connection/#", "frontpanel/#", "event", "bridge", "availability", "script/+/values",
            "homeassistant/#",
        ),
        writes=("command/#", HOME_ASSISTANT_STATUS),
    ),
}  # fmt: skip


def of(login: Login, topics: Topics) -> Rights:
    """What that login may do on the appliance of ``topics``: filters as a broker knows them."""
    rights = _TABLE[login]
    return replace(
        rights, **{name: tuple(_whole(each, topics) for each in getattr(rights, name)) for name in ("reads", "writes", "denied")}
    )


def bridged_out(topics: Topics) -> tuple[str, ...]:
    """What a bridge carries to the other broker: what ``homeassistant`` reads and the appliance writes."""
    reads = [each for each in of(Login.HOMEASSISTANT, topics).reads if not each.startswith("homeassistant/")]
    # `online` comes last after a reconnect, when all that it vouches for is there.
    return (_whole(_DISCOVERY, topics), *reads)


def bridged_in(topics: Topics) -> tuple[str, ...]:
    """What a bridge carries from there: what ``homeassistant`` writes. Nothing is carried both ways, so nothing can run in a circle."""
    return of(Login.HOMEASSISTANT, topics).writes


def _whole(name: str, topics: Topics) -> str:
    if name.startswith("homeassistant/"):
        return name.format(appliance_id=topics.appliance_id)
    return topics(name)
