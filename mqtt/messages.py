"""Every message of the MQTT contract: its topic, whether it is retained, its shape.

Appliance, panel, command line and scripts read and write these classes and nothing else. Units are in the names:
``_bytes``, ``_s`` (seconds), ``_bytes_per_s``; ``_at`` is a UTC time in ISO 8601 with ``Z``; ``_ratio`` is 0 to 1.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from mqtt.hardware_messages import HardwareState as HardwareState  # noqa: PLC0414 - all messages are imported from here
from mqtt.message import Message as Message  # noqa: PLC0414 - all messages are imported from here
from mqtt.script_messages import KillOrder as KillOrder  # noqa: PLC0414 - as above
from mqtt.script_messages import Limits as Limits  # noqa: PLC0414 - as above
from mqtt.script_messages import RunnerState as RunnerState  # noqa: PLC0414 - as above
from mqtt.script_messages import RunOrder as RunOrder  # noqa: PLC0414 - as above
from mqtt.script_messages import ScriptLine as ScriptLine  # noqa: PLC0414 - as above
from mqtt.script_messages import ScriptOutput as ScriptOutput  # noqa: PLC0414 - as above
from mqtt.script_messages import ScriptState as ScriptState  # noqa: PLC0414 - as above
from mqtt.script_messages import ScriptValues as ScriptValues  # noqa: PLC0414 - as above
from mqtt.script_messages import Value as Value  # noqa: PLC0414 - as above

MAX_PAYLOAD_BYTES = 256 * 1024
ONLINE, OFFLINE = "online", "offline"


class Rung(StrEnum):
    """How well an archive is protected on a connection."""

    RECEIVED = "received"
    PARTIAL = "partial"
    REMOTE = "remote"
    PROVEN = "proven"


class Health(StrEnum):
    """Beside the rung: whether what we know of the copies is good."""

    OK = "ok"
    CHECKING = "checking"
    UNKNOWN = "unknown"
    DAMAGED = "damaged"
    LOST = "lost"


class Direction(StrEnum):
    """Which way a transfer goes."""

    UP = "up"
    DOWN = "down"


class EventName(StrEnum):
    """All that an Event can tell. A closed list: Home Assistant is told it beforehand."""

    ARCHIVE_CREATED = "archive_created"
    BATCH_STORED = "batch_stored"
    ARCHIVE_REMOTE = "archive_remote"
    ARCHIVE_RELEASED = "archive_released"
    BATCH_RESTORED = "batch_restored"
    ARCHIVE_RESTORED = "archive_restored"
    ARCHIVE_REMOVED = "archive_removed"
    PROBLEM_RAISED = "problem_raised"
    PROBLEM_CLEARED = "problem_cleared"


class ButtonStep(StrEnum):
    """What a release of the button does, by how long it was held."""

    SYNC = "sync"
    PAUSE = "pause"
    SHUTDOWN = "shutdown"


Lamp = Literal["needs_you", "transferring", "waiting", "idle", "off"]
SignIn = Literal["not_needed", "ok", "needed", "pending"]


class Problem(Message):
    """Something that keeps files from being safe. ``code`` and ``about`` together name it; it is cleared under the same name."""

    code: str
    about: str = Field(description="What it is about: 'disk', 'store', an archive id, a connection id, …")
    owner: str | None = Field(default=None, description="Whose archive it is about; none where it is about no archive")
    message: str
    next_step: str
    needs_you: bool = Field(description="It does not pass by itself")
    since_at: datetime


class Disk(Message):
    total_bytes: int
    free_bytes: int
    reserve_bytes: int = Field(description="Kept free for the appliance itself; no file is accepted into it")


class Counts(Message):
    archives: int
    received: int
    partial: int
    remote: int
    proven: int
    local: int
    damaged: int
    lost: int
    removed: int = Field(description="Removed, and can still be undone")


class Queue(Message):
    batches_up: int
    bytes_up: int
    batches_down: int
    bytes_down: int
    next_try_at: datetime | None = None


class ActiveConnection(Message):
    """The connection to which archives are carried, as far as the whole house wants to know of it."""

    id: str
    name: str
    kind: str
    reachable: bool = Field(default=True, description="It answered when it was last asked")
    sign_in: SignIn = "not_needed"
    free_bytes: int | None = Field(default=None, description="None: unknown, or without a limit")
    limit_bytes: int | None = Field(default=None, description="Its quota; none: unknown, or without a limit")
    used_bytes: int | None = None


class UploadWindow(Message):
    """What timetable and metered mode allow at the moment."""

    allowed: bool = Field(default=True, description="Uploads may run")
    limit_kb_per_s: int = Field(default=0, description="Limit in force: the lowest of setting, timetable and metered mode; 0 for none")
    reason: str | None = Field(default=None, description="What closes or narrows it, in words")
    until_at: datetime | None = Field(default=None, description="When the timetable changes it next")


class ApplianceState(Message, topic="appliance/state", retain=True):
    """The appliance at one glance."""

    appliance_id: str
    status: Literal["starting", "idle", "transferring", "waiting", "paused", "needs_you"]
    status_reason: str
    version: str
    started_at: datetime
    counts: Counts
    stored_bytes: int = Field(description="Sum of the sizes of all archives")
    bytes_at_risk: int = Field(description="Bytes that exist only on this appliance")
    protected_by_at: datetime | None = Field(
        default=None, description="When nothing will be at risk any more, at the measured rate; none while unknown"
    )
    upload_rate_bytes_per_s: float = Field(default=0.0, description="Over the last 60 s")
    download_rate_bytes_per_s: float = 0.0
    eta_s: float | None = Field(default=None, description="Until the upload queue is empty; none while unknown")
    progress_ratio: float = Field(default=1.0, description="Stored bytes of all archives on the active connection")
    queue: Queue
    paused: bool
    metered: bool = Field(default=False, description="The line costs money: nothing moves, or slowly, as the settings say")
    upload_limit_kb_per_s: int = Field(description="As set; 0 for none. upload_window has what is in force")
    upload_window: UploadWindow = UploadWindow()
    active_connection: ActiveConnection | None = None
    disk: Disk
    last_sync_at: datetime | None = Field(default=None, description="When the upload queue was last empty on the active connection")
    last_proof_at: datetime | None = Field(default=None, description="When a batch was last read back from a remote and found right")
    oldest_proof_at: datetime | None = Field(
        default=None, description="When what was read back longest ago was read back; none unless every archive is proven"
    )
    last_scrub_at: datetime | None = Field(default=None, description="When all local copies had last been read and compared")
    oldest_scrub_at: datetime | None = Field(
        default=None, description="Since when every local copy has been read and compared: when that round began"
    )
    last_listing_at: datetime | None = Field(
        default=None,
        description="When what a valid connection has was last compared to the end, of the one where that is longest ago; "
        "none where it never was",
    )
    problems: list[Problem] = Field(default=[], description="Those that stand, the most serious first; at most 50")
    last_problem: Problem | None = None


class Placement(Message):
    """One archive on one connection."""

    connection_id: str
    connection_name: str
    active: bool
    rung: Rung
    batches_stored: int
    manifest_stored: bool
    proven_at: datetime | None = Field(default=None, description="When the batch that was read back longest ago was read back")


class ArchiveState(Message, topic="archive/{archive_id}/state", retain=True):
    """One archive."""

    id: str
    title: str
    file_name: str
    owner: str
    size_bytes: int
    sha256: str = Field(description="64 hexadecimal digits")
    created_at: datetime
    batch_bytes: int
    rung: Rung = Field(description="The best over valid connections")
    health: Health
    batches_total: int
    batches_stored: int = Field(description="On the connection with the best rung")
    batches_cached: int
    local: bool = Field(description="The whole file is in the store")
    wanted_local: bool = Field(description="False after a release, true again after a restore was asked for")
    progress_ratio: float
    at_risk_bytes: int
    placements: list[Placement] = Field(default=[], description="On every connection that has something of it")
    pinned: bool = Field(default=False, description="The keep-local policy never releases it")
    position: int | None = Field(
        default=None, description="Its place in the order made by hand, 0 for the first; none: its turn comes by itself"
    )
    waiting_for: str | None = Field(default=None, description="Why nothing moves, in words")
    waiting_until_at: datetime | None = None
    removed_at: datetime | None = None


class TransferState(Message, topic="transfer/{slot}/state", retain=True):
    """What one transfer slot is moving. Published at most twice a second; cleared when idle."""

    slot: int
    archive_id: str
    owner: str | None = Field(default=None, description="The archive's")
    title: str
    batch_index: int | None = Field(description="None: the manifest")
    batches_total: int
    connection_id: str
    direction: Direction
    done_bytes: int
    size_bytes: int
    rate_bytes_per_s: float
    started_at: datetime


class ConnectionState(Message, topic="connection/{connection_id}/state", retain=True):
    """One configured remote."""

    id: str
    kind: str
    name: str
    active: bool
    valid: bool
    path: str | None = Field(default=None, description="Folder remotes only")
    account: str | None = Field(default=None, description="Whose it is, where one signs in")
    folder_id: str | None = Field(
        default=None, description="Of the connection's folder, where folders have ids: belongs into the recovery kit"
    )
    client_id: str | None = Field(default=None, description="OAuth client that signs in: belongs into the recovery kit")
    reachable: bool = Field(default=True, description="It answered when it was last asked")
    sign_in: SignIn = "not_needed"
    sign_in_message: str | None = Field(default=None, description="Why the last sign-in ended, or what to type where while one is pending")
    adopting: str | None = Field(default=None, description="In adopt mode: why, in words. Nothing on it is changed")
    validated_at: datetime | None = None
    last_listing_at: datetime | None = Field(default=None, description="When what it has was last compared to the end")
    free_bytes: int | None = None
    limit_bytes: int | None = None
    used_bytes: int | None = None
    last_error: str | None = None
    next_try_at: datetime | None = None


class LampLight(Message):
    """A step of what the lamp shows."""

    level_ratio: float = Field(description="0 dark, 1 bright, as the eye has it")
    for_s: float = Field(description="How long it takes, or stays")
    fades: bool = Field(description="It gets there within that time; else at once")


class FrontPanelState(Message, topic="frontpanel/state", retain=True):
    """Lamp and button."""

    lamp: Lamp = Field(description="Fast blinking, blinking, steady, slow breathing, dark: the first that is true is shown")
    lamp_reason: str = Field(description="Why, in words")
    lamp_pattern: list[LampLight] = Field(
        default=[], description="What it shows, again and again: the pattern of its state or, while the button is held, of the step reached"
    )
    button_pressed: bool
    button_step: ButtonStep | None = Field(default=None, description="What a release of the button would do now; none while it is not held")
    last_press_at: datetime | None = None
    simulated: bool = Field(description="There is no hardware: `pyarchive press` and the panel are the button")
    error: str | None = Field(default=None, description="Why the hardware does not work, in words")


class Setting(Message):
    name: str
    value: Any
    source: Literal["environment", "set", "file", "default"]
    description: str


class SettingsState(Message, topic="appliance/settings", retain=True):
    """The settings with where each came from, and their JSON schema."""

    settings: list[Setting]
    json_schema: dict[str, Any]


class Event(Message, topic="event"):
    """Something that happened."""

    event: EventName
    at: datetime
    archive_id: str | None = None
    owner: str | None = Field(default=None, description="The archive's; none where it is about no archive")
    title: str | None = Field(default=None, description="The archive's")
    connection_id: str | None = None
    batch_index: int | None = None
    batches: int | None = Field(default=None, description="Of how many batches it tells: all since the archive's last event")
    code: str | None = Field(default=None, description="The problem's; with about it names it")
    about: str | None = Field(default=None, description="What the problem is about")
    message: str | None = Field(default=None, description="The problem in words")


class Instance(Message, topic="instance"):
    """A process that is this appliance. Sent at each connect, and as an answer to another one's: two of one id find each other so."""

    instance: str = Field(max_length=64, description="Random, of the process")
    host: str = Field(max_length=64, description="Name of its computer")
    serving: bool = Field(description="It publishes and answers; a second one keeps silent")
    started_at: datetime


class SelfTestEcho(Message, topic="self-test"):
    """The appliance to itself, by way of the broker: that what it says is heard."""

    word: str = Field(max_length=64, description="Random")


class LogLine(Message, topic="log"):
    """One line of the appliance's log."""

    at: datetime
    level: Literal["debug", "info", "warning", "error"]
    source: str
    message: str
    archive_id: str | None = None


class Error(Message):
    code: str
    message: str


class Response(Message):
    """The answer to a request; exactly one of data and error is meaningful."""

    transaction: str
    status: Literal["ok", "error"]
    data: Any = None
    error: Error | None = None
