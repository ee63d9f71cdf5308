"""Settings and where each came from: environment > ``settings set`` > TOML file > default. Unknown names are refused."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from appliance.errors import ApplianceError, BadRequest
from appliance.settings_form import GROUPS, drawn
from appliance.timetable import timetable, zone_of
from mqtt.messages import Setting, SettingsState

PREFIX = "PYARCHIVE_"
DEFAULT_FILE = Path("/etc/pyarchive/pyarchive.toml")
_NEWLY_SET = object()
NO_SETTINGS = frozenset({"CONFIG", "LOGIN_FILE", "PANEL_HOST", "PANEL_PORT", "PANEL_DATA", "PANEL_TLS_CERT", "PANEL_TLS_KEY"})


class SettingsError(ApplianceError):
    """A setting is unknown or out of range. The text names it and where it stands."""

    code = "bad_settings"


class Settings(BaseModel):
    """All settings of the appliance; the names are those of the TOML file and, in capitals after PYARCHIVE_, of the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Path = Field(default=Path("/var/lib/pyarchive"), description="Folder of everything the appliance keeps")
    appliance_id: str | None = Field(
        default=None, pattern="^[a-z0-9-]{4,36}$", description="Fixed at the first start; random where not given"
    )
    mqtt_host: str = Field(default="127.0.0.1", description="Broker's address")
    mqtt_port: int = Field(default=1883, ge=1, le=65535, description="Broker's port")
    mqtt_username: str | None = Field(default=None, description="Login at the broker")
    mqtt_password: str | None = Field(default=None, repr=False, description="Password of that login")
    mqtt_tls_ca: Path | None = Field(default=None, description="CA file of the broker's certificate; TLS is used where it is given")
    batch_size_mib: int = Field(default=16, ge=1, le=1024, description="Size in MiB of the batches that new archives are cut into")
    transfers: int = Field(default=3, ge=1, le=16, description="Batches moved at the same time")
    upload_limit_kb_per_s: int = Field(default=0, ge=0, le=10_000_000, description="Upload limit in kB/s; 0 for none")
    timetable: str = Field(
        default="", max_length=4000,
        description="When uploads may run, and how fast: rules like mon-fri 08:00-18:00 500; daily 18:00-23:00 pause; the first that holds",
    )  # fmt: skip
    time_zone: str | None = Field(
        default=None, description="Time zone of the timetable, like Europe/Berlin; the computer's where not given"
    )
    metered: bool = Field(default=False, description="The line costs money: nothing moves, or uploads at metered_limit_kb_per_s")
    metered_limit_kb_per_s: int = Field(
        default=0, ge=0, le=10_000_000, description="Upload limit in kB/s while the line is metered; 0: nothing moves, up or down"
    )
    keep_free_mib: int | None = Field(
        default=None, ge=0, description="Free space in MiB for which the oldest proven archives are released; none where not given"
    )
    stall_timeout_s: float = Field(default=90.0, ge=1, description="Seconds without a byte after which a transfer counts as stalled")
    retry_cap_s: float = Field(default=300.0, ge=1, le=3600, description="Longest wait in seconds between two tries")
    reserve_mib: int | None = Field(
        default=None, ge=0, description="Free space in MiB that no file may eat into; 5 % and at most 1 GiB where not given"
    )
    undo_days: float = Field(default=30.0, ge=0, description="Days in which a removal can be undone")
    grace_days: float = Field(default=7.0, ge=0, description="Days between a tombstone and the trashing of the object on the remote")
    trash_per_run: int = Field(default=1000, ge=1, description="Objects moved to a remote's trash at the most in one run")
    scrub_days: float = Field(
        default=30.0, ge=0, le=3650, description="Days in which every local copy is read and compared once; 0 for never"
    )
    listing_days: float = Field(
        default=7.0, ge=0, le=3650,
        description="Days between two checks of what a connection has, by its listing (of a disk: by reading it); 0 for never",
    )  # fmt: skip
    drill_mib_per_day: int = Field(
        default=256, ge=0, le=1_048_576, description="MiB a day that are read back from remotes and compared; 0 for none"
    )
    unfinished_days: float = Field(default=7.0, gt=0, description="Days after which a file that was announced and never filled expires")
    catalog_copy_minutes: float = Field(
        default=60.0, gt=0, description="Minutes between two copies of the catalog on the active connection, while it changes"
    )
    inbox_settle_s: float = Field(
        default=5.0, ge=0, description="Seconds for which a file in the inbox must not change to count as arrived"
    )
    drive_endpoint: str | None = Field(
        default=None, description="Root URL of a server that stands in for Google Drive, for tests; plain http on loopback only"
    )
    home_assistant_discovery: bool = Field(default=True, description="Home Assistant finds the appliance by itself")
    home_assistant_prefix: str = Field(
        default="homeassistant", pattern="^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$", max_length=128,
        description="Discovery prefix, as in the options of Home Assistant's MQTT integration",
    )  # fmt: skip
    home_assistant_name: str = Field(
        default="PyArchive", min_length=1, max_length=64, description="The device's name in Home Assistant; entity ids begin with it"
    )
    registration: Literal["invitation", "open"] = Field(
        default="invitation", description="Who may make an account for themselves: whoever was invited, or everybody in the house"
    )
    front_panel: Literal["auto", "real", "simulated"] = Field(
        default="auto",
        description="Lamp and button: auto takes a Raspberry Pi's pins, and simulates them on other computers",
    )  # fmt: skip
    lamp_pin: int = Field(default=17, ge=2, le=27, description="GPIO number of the lamp's pin")
    lamp_active: Literal["high", "low"] = Field(default="high", description="Level of its pin at which the lamp is lit")
    lamp_brightness_percent: int = Field(default=100, ge=1, le=100, description="How bright the lamp gets, in percent of the current")
    button_pin: int = Field(default=27, ge=2, le=27, validate_default=True, description="GPIO number of the button's pin")
    button_active: Literal["high", "low"] = Field(default="low", description="Level of its pin at which the button is down")
    button_pull: bool = Field(
        default=True, description="The Pi's own resistor holds the button's pin at its other level; off where one is wired"
    )
    shutdown_enabled: bool = Field(default=False, description="Holding the button for 10 s shuts the computer down")
    trust_clock: bool = Field(
        default=False,
        description="This computer keeps the time by itself (a clock with a battery): its date is believed without a time server",
    )
    default_owner: str = Field(default="home", pattern="^[a-z0-9][a-z0-9._-]{0,63}$", description="Owner of files handed in without one")
    notify_needs_you: bool = Field(default=True, description="Notify of what needs somebody")
    notify_damage: bool = Field(default=True, description="Notify of damage, also where it is mended by itself")
    notify_all_protected: bool = Field(default=True, description="Notify once everything is safe again; once an hour at the most")
    notify_unproven_days: int = Field(
        default=30, ge=0, le=3650, description="Notify when for so many days no copy was read back and found right; 0 for never"
    )
    panel_url: str | None = Field(
        default=None, pattern=r"^https?://[^/\s]+(/\S*)?$", max_length=256,
        description="Where the house finds the panel, like http://pyarchive.local:8080; shown in Home Assistant and in notifications",
    )  # fmt: skip
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$", description="What is logged at the least")

    @field_validator("timetable")
    @classmethod
    def _is_a_timetable(cls, text: str) -> str:
        timetable(text, None)
        return text

    @field_validator("button_pin")
    @classmethod
    def _is_not_the_lamps(cls, pin: int, info: ValidationInfo) -> int:
        if pin == info.data.get("lamp_pin"):
            raise ValueError(f"lamp and button cannot both be at GPIO {pin}")
        return pin

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str | None, info: ValidationInfo) -> str | None:
        # At a start it may be one that an upgrade of the system took away: then uploads wait and say so, and all else works.
        if info.context is _NEWLY_SET:
            zone_of(name)
        return name


FIXED_AT_START = frozenset(
    {
        "data",
        "appliance_id",
        "drive_endpoint",
        "mqtt_host",
        "mqtt_port",
        "mqtt_username",
        "mqtt_password",
        "mqtt_tls_ca",
        "transfers",
        "home_assistant_prefix",
    }
)
SECRET = frozenset({"mqtt_password"})


def from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Values by name. Raises SettingsError on a PYARCHIVE_ variable that means nothing: a typo must not pass as a default."""
    found: dict[str, Any] = {}
    for variable, text in environment.items():
        name = variable.removeprefix(PREFIX)
        if name == variable or name in NO_SETTINGS or name.startswith("TEST_"):
            continue
        if name.lower() not in Settings.model_fields:
            raise SettingsError(f"unknown setting in the environment: {variable}; remove it, or see `pyarchive settings get` for the names")
        found[name.lower()] = text
    return found


def from_file(path: Path, *, required: bool) -> dict[str, Any]:
    """Values by name; ``[mqtt] host`` is mqtt_host. A missing file is an error only where it was asked for."""
    try:
        content = _toml(path)
    except FileNotFoundError:
        if required:
            raise SettingsError(f"the settings file {path} is missing; create it, or unset PYARCHIVE_CONFIG") from None
        return {}
    return _known_names(path, content | _broker_of(content))


def from_login_file(path: Path) -> dict[str, Any]:
    """Its ``[mqtt]`` alone: the id that stands beside is the one of when the login was made, and a recovery changes it."""
    try:
        return _known_names(path, _broker_of(_toml(path)))
    except FileNotFoundError:
        raise SettingsError(f"the file {path} with the login is missing; create it, or unset PYARCHIVE_LOGIN_FILE") from None


def _toml(path: Path) -> dict[str, Any]:
    """Raises FileNotFoundError, SettingsError."""
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"cannot read the settings file {path}: {error}; mend it and start again") from error


def _broker_of(content: dict[str, Any]) -> dict[str, Any]:
    mqtt = content.pop("mqtt", {})
    return {f"mqtt_{key}": value for key, value in mqtt.items()}


def _known_names(path: Path, flat: dict[str, Any]) -> dict[str, Any]:
    for name in flat:
        if name not in Settings.model_fields:
            raise SettingsError(f"unknown setting in {path}: {name}; remove it, or see `pyarchive settings get` for the names")
    return flat


def _checked(layers: list[dict[str, Any]], context: object = None) -> Settings:
    merged: dict[str, Any] = {}
    for layer in layers:
        merged |= layer
    try:
        return Settings.model_validate(merged, context=context)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        shown = "" if name in SECRET else f" (got {str(first.get('input'))[:80]!r})"
        raise SettingsError(f"setting {name}: {first['msg'].removeprefix('Value error, ')}{shown}") from error


class SettingsStore:
    """The settings in force. ``keep`` writes what ``settings set`` changed, before it is in force."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        config, login = environment.get("PYARCHIVE_CONFIG"), environment.get("PYARCHIVE_LOGIN_FILE")
        self._environment = from_environment(environment)
        self._file = from_file(Path(config) if config else DEFAULT_FILE, required=config is not None)
        if login:
            self._file |= from_login_file(Path(login))
        self._set: dict[str, Any] = {}
        self._keep: Callable[[dict[str, Any]], None] = lambda _: None
        self._listeners: list[Callable[[], None]] = []
        self.current = _checked([self._file, self._environment])

    def attach(self, kept: dict[str, Any], keep: Callable[[dict[str, Any]], None]) -> None:
        """The kept settings are known now (they live in the catalog, whose place is itself a setting).

        Kept names of a later version are carried along and not in force.
        """
        self._set, self._keep = dict(kept), keep
        self.current = _checked([self._file, self._known(self._set), self._environment])

    @staticmethod
    def _known(values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name in Settings.model_fields}

    def on_change(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def set(self, name: str, value: Any) -> None:
        """Keep a value, or with None take it back. Raises BadRequest or SettingsError; then nothing has changed."""
        if name not in Settings.model_fields:
            raise BadRequest(f"unknown setting {name[:64]!r}; `pyarchive settings get` lists the names")
        if name in FIXED_AT_START:
            raise BadRequest(f"{name} is fixed at the start; change {PREFIX}{name.upper()} or the settings file and start again")
        if name in self._environment:
            raise BadRequest(f"{name} is set by the environment variable {PREFIX}{name.upper()}, which wins; change it there")
        changed = {key: old for key, old in self._set.items() if key != name}
        if value is not None:
            changed[name] = value
        checked = _checked([self._file, self._known(changed), self._environment], _NEWLY_SET if name == "time_zone" else None)
        self._keep(changed)
        self._set, self.current = changed, checked
        for listener in self._listeners:
            listener()

    def source(self, name: str) -> str:
        layers = (("environment", self._environment), ("set", self._set), ("file", self._file))
        return next((source for source, layer in layers if name in layer), "default")

    def state(self) -> SettingsState:
        """For ``appliance/settings``: without secrets."""
        values = self.current.model_dump(mode="json")
        return SettingsState(
            settings=[
                Setting.model_validate(
                    {"name": name, "value": values[name], "source": self.source(name), "description": field.description or ""}
                )
                for name, field in Settings.model_fields.items()
                if name not in SECRET
            ],
            json_schema=_public_schema(),
        )


def _public_schema() -> dict[str, Any]:
    """No secret is in it: what is secret is never shown, and set where the appliance is started."""
    schema = Settings.model_json_schema()
    return {**schema, "properties": drawn(schema["properties"], FIXED_AT_START), "x-groups": GROUPS}
