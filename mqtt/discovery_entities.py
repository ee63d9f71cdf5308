"""The entities that Home Assistant shows of an appliance, and how each is read from our messages.

Templates must never fail: a key that is missing, a null and an emptied topic all make the entity unknown, never 0. Sizes are converted
here because discovery knows no suggested unit; 1 GB is 10^9 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, get_args

from mqtt.commands import COMMANDS, CommandName
from mqtt.messages import ApplianceState, Event, EventName, FrontPanelState, HardwareState, Lamp

MAX_UPLOAD_LIMIT_KB_PER_S = 10_000_000
_LONGEST_STATE = 255
_STATUSES = get_args(ApplianceState.model_fields["status"].annotation)
_NOT_SHOWN = {EventName.BATCH_STORED, EventName.BATCH_RESTORED}
"""Thousands a day while a large file moves: they would fill a recorder's database."""
EVENT_TYPES = [str(name) for name in EventName if name not in _NOT_SHOWN]


class Thing(StrEnum):
    """What an appliance need not have; without it its entities do not exist."""

    REMOTE = "remote"
    QUOTA = "quota"
    SIGN_IN = "sign_in"
    TEMPERATURE = "temperature"
    POWER = "power"
    CARD_WEAR = "card_wear"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entity:
    """``key`` is part of its ids and stays for ever.

    ``state``: its topic below the base where it is not the device's; ``command``: the one that it publishes to.
    """

    key: str
    platform: str
    name: str
    needs: Thing | None = None
    state: str = ""
    command: str = ""
    more: dict[str, Any] = field(default_factory=dict)


def entities() -> list[Entity]:
    """All that there can be, in the order in which a person reads them."""
    return [*_sensors(), *_diagnostics(), *_binary_sensors(), *_hardware(), *_controls(), _event()]


# Templates

_MESSAGE = "(value_json | default({}, true))"


def _get(*path: str) -> str:
    """An expression: the value at that path of the message; none where any part of it is missing."""
    expression = f"{_MESSAGE}.get('{path[0]}')"
    for key in path[1:]:
        expression = f"({expression} or {{}}).get('{key}')"
    return expression


def _value(*path: str) -> str:
    return f"{{{{ {_get(*path)} }}}}"


def _made_of(path: tuple[str, ...], made: str) -> str:
    """``made`` is an expression over ``v``, the value at that path."""
    return f"{{% set v = {_get(*path)} %}}{{{{ None if v is none else {made} }}}}"


def _on_off(*path: str, on: str = "v") -> str:
    return _made_of(path, f"'ON' if {on} else 'OFF'")


def _gb(*path: str) -> str:
    return _made_of(path, "(v / 1000000000) | round(2)")


def _attributes(pairs: dict[str, str]) -> str:
    inside = ", ".join(f"'{name}': {expression}" for name, expression in pairs.items())
    return f"{{{{ {{{inside}}} | to_json }}}}"


# What is read

_GB: dict[str, Any] = {"device_class": "data_size", "unit_of_measurement": "GB", "state_class": "measurement"}


def _sensor(key: str, name: str, template: str, icon: str, needs: Thing | None = None, **more: Any) -> Entity:
    return Entity(key=key, platform="sensor", name=name, needs=needs, more={"value_template": template, "icon": icon, **more})


def _sensors() -> list[Entity]:
    # At least the 0.001 that is shown: what is at risk must never look like nothing.
    at_risk = _made_of(("bytes_at_risk",), "[(v / 1000000000) | round(3), 0.001] | max if v else 0")
    return [
        _sensor(
            "status", "Status", _value("status"), "mdi:cloud-sync-outline", device_class="enum", options=list(_STATUSES),
            json_attributes_template=_attributes({
                "reason": _get("status_reason"), "next_try_at": _get("queue", "next_try_at"),
                                "uploads_allowed": _get("upload_window", "allowed"), "uploads_reason": _get("upload_window", "reason"),
                "uploads_until_at": _get("upload_window", "until_at"), "limit_in_force_kb_per_s": _get("upload_window", "limit_kb_per_s"),
            }),
        ),
        _sensor("bytes_at_risk", "Bytes at risk", at_risk, "mdi:shield-alert-outline", **_GB, suggested_display_precision=3),
        _sensor("protected_by", "Protected by", _value("protected_by_at"), "mdi:calendar-clock-outline", device_class="timestamp"),
        _sensor(
            "upload_rate", "Upload rate", _made_of(("upload_rate_bytes_per_s",), "(v / 1000) | round(1)"), "mdi:upload-network-outline",
            device_class="data_rate", unit_of_measurement="kB/s", state_class="measurement", suggested_display_precision=0,
        ),
        _sensor(
            "eta", "ETA", _made_of(("eta_s",), "(v / 60) | round(1)"), "mdi:timer-sand", device_class="duration",
            unit_of_measurement="min", state_class="measurement", suggested_display_precision=0,
        ),
        _sensor(
            "progress", "Progress", _made_of(("progress_ratio",), "(v * 100) | round(2)"), "mdi:progress-upload",
            unit_of_measurement="%", state_class="measurement", suggested_display_precision=1,
        ),
        _sensor(
            "archives", "Archives", _value("counts", "archives"), "mdi:archive-outline", state_class="measurement",
            unit_of_measurement="archives", suggested_display_precision=0,
            json_attributes_template=_attributes({name: _get("counts", name) for name in _COUNTS}),
        ),
        _sensor("last_sync", "Last sync", _value("last_sync_at"), "mdi:cloud-check-outline", device_class="timestamp"),
    ]  # fmt: skip


_COUNTS = ("received", "partial", "remote", "proven", "local", "damaged", "lost")
_DIAGNOSTIC: dict[str, Any] = {"entity_category": "diagnostic"}


def _diagnostics() -> list[Entity]:
    pending = _made_of(("queue",), "v.get('batches_up', 0) + v.get('batches_down', 0)")
    problem = ("code", "about", "next_step", "needs_you", "since_at")
    return [
        _sensor(
            "batches_pending", "Batches pending", pending, "mdi:tray-full", state_class="measurement", unit_of_measurement="batches",
            suggested_display_precision=0, **_DIAGNOSTIC,
            json_attributes_template=_attributes({name: _get("queue", name) for name in ("batches_up", "batches_down")}),
        ),
        _sensor("free_disk", "Free disk", _gb("disk", "free_bytes"), "mdi:harddisk", **_GB, suggested_display_precision=1, **_DIAGNOSTIC),
        _sensor(
            "remote_quota", "Remote quota left", _gb("active_connection", "free_bytes"), "mdi:cloud-percent-outline", Thing.QUOTA,
            **_GB, suggested_display_precision=1, **_DIAGNOSTIC,
            json_attributes_template=_attributes({name: _get("active_connection", name) for name in ("limit_bytes", "used_bytes")}),
        ),
        _sensor(
            "last_problem", "Last problem", _made_of(("last_problem", "message"), f"v[:{_LONGEST_STATE}]"), "mdi:alert-circle-outline",
            **_DIAGNOSTIC,
            json_attributes_template=_attributes(
                {name: _get("last_problem", name) for name in problem}
                | {"stands": f"{_get('last_problem')} in ({_get('problems')} or [])"}
            ),
        ),
        _sensor("last_proof", "Last proof", _value("last_proof_at"), "mdi:shield-check-outline", device_class="timestamp", **_DIAGNOSTIC,
                json_attributes_template=_attributes({"oldest_proof_at": _get("oldest_proof_at")})),
        _sensor("last_check", "Last check", _value("last_scrub_at"), "mdi:text-box-check-outline", device_class="timestamp", **_DIAGNOSTIC,
                json_attributes_template=_attributes({name: _get(name) for name in ("oldest_scrub_at", "last_listing_at")})),
        _sensor("version", "Version", _value("version"), "mdi:tag-outline", **_DIAGNOSTIC),
        _lamp(),
    ]  # fmt: skip


def _lamp() -> Entity:
    # The button is not offered: it can pause, and shut the computer down.
    told = {"reason": _get("lamp_reason"), "simulated": _get("simulated"), "button_pressed": _get("button_pressed")}
    return Entity(
        key="lamp", platform="sensor", name="Lamp", state=FrontPanelState.topic,
        more={
            "value_template": _value("lamp"), "icon": "mdi:led-on", "device_class": "enum", "options": list(get_args(Lamp)),
            "json_attributes_template": _attributes(told), **_DIAGNOSTIC,
        },
    )  # fmt: skip


def _binary(key: str, name: str, template: str, device_class: str, needs: Thing | None = None, **more: Any) -> Entity:
    return Entity(
        key=key, platform="binary_sensor", name=name, needs=needs,
        more={"value_template": template, "device_class": device_class, **more},
    )  # fmt: skip


def _binary_sensors() -> list[Entity]:
    # A problem that needs a person hides the other states; bytes still flow then.
    moving = "'transferring' or v == 'needs_you' and " + " + ".join(
        f"({_get(f'{way}_rate_bytes_per_s')} or 0)" for way in ("upload", "download")
    ) + " > 0"  # fmt: skip
    problems = f"({_get('problems')} or [])"
    return [
        _binary(
            "problem", "Problem", _on_off("problems"), "problem",
            json_attributes_template=_attributes({
                "needs_you": f"{problems} | selectattr('needs_you', 'eq', true) | list | count > 0",
                "count": f"{problems} | count",
                "messages": f"{problems}[:5] | map(attribute='message') | map('truncate', 300) | list",
            }),
        ),
        _binary(
            "remote_connectivity", "Remote", _on_off("active_connection", "reachable"), "connectivity", needs=Thing.REMOTE, **_DIAGNOSTIC,
            json_attributes_template=_attributes({name: _get("active_connection", name) for name in ("name", "kind")}),
        ),
        _binary(
            "sign_in_needed", "Sign-in needed", _on_off("active_connection", "sign_in", on="v in ['needed', 'pending']"), "problem",
            needs=Thing.SIGN_IN, icon="mdi:account-key-outline",
        ),
        _binary("transferring", "Transferring", _on_off("status", on=f"v == {moving}"), "running", icon="mdi:swap-vertical"),
    ]  # fmt: skip


_OF_COMPUTER = ("model", "throttled", "memory_used_ratio", "load_ratio")


def _hardware() -> list[Entity]:
    """Of the computer, where it tells; that its power is weak or its card worn is among the problems, too."""
    temperature = {
        "value_template": _value("temperature_c"), "device_class": "temperature", "unit_of_measurement": "°C",
        "state_class": "measurement", "suggested_display_precision": 0, "icon": "mdi:thermometer",
        "json_attributes_template": _attributes({name: _get(name) for name in _OF_COMPUTER}),
    }  # fmt: skip
    power = {
        "value_template": _on_off("under_voltage"), "device_class": "problem", "icon": "mdi:flash-alert-outline",
        "json_attributes_template": _attributes({"lately": _get("under_voltage_lately")}),
    }  # fmt: skip
    wear = {
        "value_template": _made_of(("card_wear_ratio",), "(v * 100) | round(0)"), "icon": "mdi:sd", "unit_of_measurement": "%",
        "state_class": "measurement", "suggested_display_precision": 0,
    }  # fmt: skip
    found = (
        ("temperature", "sensor", "Temperature", Thing.TEMPERATURE, temperature),
        ("under_voltage", "binary_sensor", "Under-voltage", Thing.POWER, power),
        ("card_wear", "sensor", "Card wear", Thing.CARD_WEAR, wear),
    )  # fmt: skip
    return [
        Entity(key=key, platform=platform, name=name, needs=needs, state=HardwareState.topic, more={**more, **_DIAGNOSTIC})
        for key, platform, name, needs, more in found
    ]


# What is told


def _controls() -> list[Entity]:
    return [
        _button(CommandName.SYNC, "Sync now", "mdi:cloud-upload-outline"),
        _button(CommandName.VERIFY, "Verify", "mdi:shield-search"),
        _switch(CommandName.PAUSE, "Pause", _on_off("paused"), "mdi:pause-circle-outline"),
        _switch(CommandName.METERED, "Metered", _on_off("metered"), "mdi:cash-clock", entity_category="config"),
        Entity(
            key="upload_limit", platform="number", name="Upload limit", command=COMMANDS[CommandName.UPLOAD_LIMIT].topic,
            more={
                "value_template": _value("upload_limit_kb_per_s"), "icon": "mdi:speedometer", "device_class": "data_rate",
                "unit_of_measurement": "kB/s", "min": 0, "max": MAX_UPLOAD_LIMIT_KB_PER_S, "step": 1, "mode": "box",
                "entity_category": "config",
            },
        ),
    ]  # fmt: skip


def _button(name: CommandName, label: str, icon: str) -> Entity:
    command = COMMANDS[name]
    more = {"payload_press": command.example, "icon": icon}
    return Entity(key=name.value, platform="button", name=label, command=command.topic, more=more)


def _switch(name: CommandName, label: str, template: str, icon: str, **more: Any) -> Entity:
    on_off = {"payload_on": "ON", "payload_off": "OFF", "state_on": "ON", "state_off": "OFF", "optimistic": False}
    return Entity(
        key=name.value, platform="switch", name=label, command=COMMANDS[name].topic,
        more={"value_template": template, "icon": icon, **on_off, **more},
    )  # fmt: skip


def _event() -> Entity:
    # What is none says nothing; a type that was not named beforehand would be a warning in Home Assistant's log.
    told = "v.items() | rejectattr(1, 'none') | rejectattr(0, 'eq', 'event')"
    made = f"dict({told}, event_type=v.get('event')) | to_json if v.get('event') in {EVENT_TYPES!r} else ''"
    template = f"{{% set v = {_MESSAGE} %}}{{{{ {made} }}}}"
    return Entity(
        key="event", platform="event", name="Event", state=Event.topic,
        more={"value_template": template, "event_types": EVENT_TYPES, "icon": "mdi:bell-outline"},
    )  # fmt: skip
