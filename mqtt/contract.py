"""Every topic: what is on it, whether it is retained, who writes it and who may read it. The documents are made of this table.

Access is here as the contract has it (who publishes, who may read); the broker's list of rights grants no login less.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import ConfigDict, Field

from mqtt.commands import COMMANDS
from mqtt.message import Message
from mqtt.messages import (
    ApplianceState,
    ArchiveState,
    ConnectionState,
    Event,
    FrontPanelState,
    HardwareState,
    Instance,
    KillOrder,
    LogLine,
    RunnerState,
    RunOrder,
    ScriptOutput,
    ScriptState,
    ScriptValues,
    SelfTestEcho,
    SettingsState,
    TransferState,
)
from mqtt.topics import ROOT

BASE = f"{ROOT}/{{appliance_id}}/"


class Login(StrEnum):
    """Who is at the broker. OWN: the login that the topic names, and no other."""

    APPLIANCE = "appliance"
    PANEL = "panel"
    CLI = "cli"
    SCRIPTS = "scripts"
    HOMEASSISTANT = "homeassistant"
    OWN = "{login}"


OURS = frozenset({Login.APPLIANCE, Login.PANEL, Login.CLI, Login.SCRIPTS})
HOUSE = OURS | {Login.HOMEASSISTANT}
_APPLIANCE = frozenset({Login.APPLIANCE})
_OWN = frozenset({Login.APPLIANCE, Login.OWN})
ASKING = (Login.CLI, Login.PANEL, Login.SCRIPTS)
"""Logins that may write requests."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plain:
    """A payload that is no JSON. ``pattern``: what is allowed, whole, as a regular expression."""

    pattern: str
    allowed: str
    example: str


class Discovery(Message):
    """What Home Assistant makes the device and its entities of, in its own words: see its documentation of MQTT discovery."""

    model_config = ConfigDict(extra="allow", frozen=True)

    dev: dict[str, Any] = Field(description="The device")
    o: dict[str, Any] = Field(description="Who says it: name and version of this program")
    cmps: dict[str, Any] = Field(description="The entities, by their ids")


@dataclass(frozen=True, kw_only=True, slots=True)
class Topic:
    """One line of the contract. ``sent``: this version does it. ``cleared``: when a retained message goes."""

    address: str
    content: type[Message] | Plain
    does: str
    retained: bool = False
    cleared: str = ""
    writers: frozenset[Login] = _APPLIANCE
    readers: frozenset[Login] = HOUSE
    sent: bool = True

    @property
    def name(self) -> str:
        """Below the base; in full where it is not ours."""
        return self.address.removeprefix(BASE)

    @property
    def to_appliance(self) -> bool:
        """The appliance listens there, and does not speak."""
        return Login.APPLIANCE not in self.writers


def _of(message: type[Message], does: str, **more: Any) -> Topic:
    return Topic(address=BASE + message.topic, content=message, retained=message.retain, does=does, **more)


_STATES = (
    Topic(
        address=f"{BASE}availability", content=Plain(pattern="online|offline", allowed="`online`, `offline`", example="online"),
        retained=True,
        does="`online` only when counts, rungs and bytes at risk are right. `offline`: stopped, or the broker's last will for it",
    ),
    Topic(
        address=f"{BASE}bridge", content=Plain(pattern="0|1|online", allowed="`online`, `1`, `0`", example="online"), retained=True,
        does="For who listens at another broker, behind a bridge of Mosquitto: `online` once the appliance has said so since the bridge "
        "came up. `1` and `0` are Mosquitto's own: the bridge is up, or gone, and then everything is old",
    ),
    _of(ApplianceState, "The appliance at one glance"),
    _of(HardwareState, "The computer under the appliance, as far as it tells: temperature, power, memory, load, wear of a card"),
    _of(SettingsState, "The settings, where each came from, and their JSON schema; no secrets"),
    _of(ArchiveState, "One archive", cleared="on its removal"),
    _of(TransferState, "What transfer slot n is moving; at most twice a second", cleared="when it is idle"),
    _of(ConnectionState, "One configured remote", cleared="on its removal"),
    _of(FrontPanelState, "Lamp and button"),
    _of(Event, "Something that happened, once"),
    _of(ScriptValues, "What a script has published for Home Assistant to show", cleared="when the script is deleted"),
)  # fmt: skip

_COMMANDS = tuple(
    Topic(
        address=BASE + command.topic, content=Plain(pattern=command.pattern, allowed=command.allowed, example=command.example),
        does=command.does, writers=frozenset({Login.HOMEASSISTANT}), readers=OURS,
    )
    for command in COMMANDS.values()
)  # fmt: skip

_RUNNER = frozenset({Login.SCRIPTS})
_PRIVATE = (
    _of(Instance, "A process that is this appliance: how two of one id find each other", readers=OURS),
    _of(SelfTestEcho, "The appliance to itself: that what it says at the broker is heard", readers=OURS),
    _of(LogLine, "One line of the appliance's log", readers=OURS),
    _of(ScriptOutput, "Lines that a run has written", writers=_RUNNER, readers=OURS),
    _of(
        ScriptState, "How a run is, and how it ended; by the appliance while it waits, and where it was lost", writers=_APPLIANCE | _RUNNER,
        readers=OURS, cleared="when it is dismissed",
    ),
    _of(RunOrder, "Run a script", readers=OURS),
    _of(KillOrder, "End a run", readers=OURS),
    _of(RunnerState, "Whether scripts can run, and which do", writers=_RUNNER, readers=OURS),
)  # fmt: skip

_HOME_ASSISTANT = (
    Topic(
        address="homeassistant/device/{appliance_id}/config", content=Discovery, retained=True,
        does="Discovery: one device with all its entities; `homeassistant` is what `home_assistant_prefix` says",
        cleared="when discovery is switched off",
        readers=frozenset({Login.APPLIANCE, Login.HOMEASSISTANT}),
    ),
    Topic(
        address="homeassistant/status", content=Plain(pattern="online|offline", allowed="`online`, `offline`", example="online"),
        does="Home Assistant has started (or stops): discovery is published again, after a random delay",
        writers=frozenset({Login.HOMEASSISTANT}), readers=frozenset({Login.APPLIANCE, Login.HOMEASSISTANT}),
    ),
)  # fmt: skip

TOPICS: tuple[Topic, ...] = _STATES + _COMMANDS + _PRIVATE + _HOME_ASSISTANT
"""All but requests and responses, which are as many as there are verbs."""

REQUEST_READERS = _OWN
RESPONSE_READERS = _OWN
REQUEST_WRITERS = frozenset({Login.OWN})

OF_THE_APPLIANCE = tuple(topic.name for topic in TOPICS if topic.retained and topic.address.startswith(BASE) and "{" not in topic.name)
"""Retained, and one for each appliance: what is to be cleared where an id is given up."""
