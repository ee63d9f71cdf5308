"""Home Assistant's discovery of one appliance: facts in, the payload of one retained message out. Pure.

What is what: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload. What Home Assistant makes of our messages is
in `discovery_entities`; here they become one device.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from mqtt.discovery_entities import Entity, Thing, entities
from mqtt.discovery_scripts import PREFIX, ScriptSensor
from mqtt.messages import OFFLINE, ONLINE, ApplianceState
from mqtt.topics import Topics

DEFAULT_NAME = "PyArchive"
DEFAULT_PREFIX = "homeassistant"
BIRTH = b"online"
"""What Home Assistant says on ``<prefix>/status`` when it has started."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What decides how the appliance looks in Home Assistant."""

    appliance_id: str
    version: str
    name: str = DEFAULT_NAME
    panel_url: str | None = None
    has: frozenset[Thing] = frozenset()
    scripts: tuple[ScriptSensor, ...] = ()
    gone: frozenset[str] = frozenset()
    """Keys of scripts' sensors that were there."""


def config_topic(prefix: str, appliance_id: str) -> str:
    return f"{prefix}/device/{appliance_id}/config"


def status_topic(prefix: str) -> str:
    """Where Home Assistant says that it has started."""
    return f"{prefix}/status"


def config(facts: Facts) -> bytes:
    """The payload of ``config_topic``. Raises ValueError where the appliance id is none."""
    topics = Topics(facts.appliance_id)
    return json.dumps({
        "dev": _device(facts),
        "o": {"name": DEFAULT_NAME, "sw": facts.version},
        "state_topic": topics(ApplianceState.topic),
        "availability": _availability(topics),
        "availability_mode": "all",
        "cmps": {entity.key: _component(entity, facts, topics) for entity in entities()} | _of_scripts(facts, topics),
    }, separators=(",", ":"), ensure_ascii=False).encode()  # fmt: skip


def _availability(topics: Topics) -> list[dict[str, str]]:
    """``bridge`` too: behind a bridge an old `online` may be left on ``availability``; Mosquitto's 0 and 1 there are both not `online`."""
    return [
        {"topic": topics.availability, "payload_available": ONLINE, "payload_not_available": OFFLINE},
        {
            "topic": topics.bridge,
            "value_template": f"{{{{ '{ONLINE}' if value == '{ONLINE}' else '{OFFLINE}' }}}}",
            "payload_available": ONLINE,
            "payload_not_available": OFFLINE,
        },
    ]


def components(payload: bytes) -> set[str]:
    """Keys of the components that are there in a payload of ours; empty for what is none."""
    try:
        found = json.loads(payload)["cmps"].items()
        return {key for key, component in found if "unique_id" in component}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()


def _device(facts: Facts) -> dict[str, Any]:
    device: dict[str, Any] = {
        "ids": [f"pyarchive_{facts.appliance_id}"],
        "name": facts.name,
        "mf": "PyArchive",
        "mdl": "Backup appliance",
        "mdl_id": "pyarchive-appliance",
        "sw": facts.version,
        "sn": facts.appliance_id,
    }
    if facts.panel_url and re.match(r"https?://[^/\s]", facts.panel_url):  # with anything else the whole device is refused
        device["cu"] = facts.panel_url
    return device


def _component(entity: Entity, facts: Facts, topics: Topics) -> dict[str, Any]:
    """One that is not there is named with its platform alone: that removes it where it was, and means nothing elsewhere.

    So nobody has to remember what was published before, and a retained message that Home Assistant sees late still removes it.
    """
    if entity.needs and entity.needs not in facts.has:
        return {"p": entity.platform}
    return {
        "p": entity.platform,
        "name": entity.name,
        "unique_id": f"{facts.appliance_id}_{entity.key}",
        "default_entity_id": f"{entity.platform}.{slug(facts.name)}_{entity.key}",
        "qos": 1,
        "encoding": "utf-8",
        **({"command_topic": topics(entity.command)} if entity.command else {}),
        **({"state_topic": topics(entity.state)} if entity.state else {}),
        **({"json_attributes_topic": topics(entity.state or ApplianceState.topic)} if "json_attributes_template" in entity.more else {}),
        **entity.more,
    }


def _of_scripts(facts: Facts, topics: Topics) -> dict[str, Any]:
    there = {
        each.key: _component(Entity(key=each.key, platform="sensor", name=each.title, state=each.state, more=each.more), facts, topics)
        for each in facts.scripts
    }
    return {key: {"p": "sensor"} for key in sorted(facts.gone - there.keys())} | there


def of_scripts(payload: bytes) -> frozenset[str]:
    """Keys of the scripts' sensors in a payload of ours."""
    return frozenset(key for key in components(payload) if key.startswith(PREFIX))


def slug(name: str) -> str:
    """The name as a part of entity ids: ``Dachboden Süd`` is ``dachboden_sud``. Never empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "pyarchive"
