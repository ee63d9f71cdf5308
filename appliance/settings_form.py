"""How settings are drawn as a form: a title, a group and a unit for each, beside what their JSON schema says already."""

from __future__ import annotations

from typing import Any, NamedTuple

TRANSFERS, SPACE, SAFETY, CHECKS, NOTIFICATIONS = "Transfers", "Space", "Safety", "Checks", "Notifications"
PANEL, FRONT_PANEL, HOUSE, SYSTEM = "Panel", "Front panel", "Home Assistant", "System"
GROUPS = (TRANSFERS, SPACE, SAFETY, CHECKS, NOTIFICATIONS, PANEL, FRONT_PANEL, HOUSE, SYSTEM)
"""In the order in which they are shown."""


class Drawn(NamedTuple):
    title: str
    group: str
    unit: str | None = None


FORM = {
    "upload_limit_kb_per_s": Drawn("Upload limit", TRANSFERS, "kB/s"),
    "timetable": Drawn("Timetable", TRANSFERS),
    "time_zone": Drawn("Time zone", TRANSFERS),
    "metered": Drawn("Metered line", TRANSFERS),
    "metered_limit_kb_per_s": Drawn("Upload limit on a metered line", TRANSFERS, "kB/s"),
    "transfers": Drawn("Batches at the same time", TRANSFERS),
    "batch_size_mib": Drawn("Batch size", TRANSFERS, "MiB"),
    "stall_timeout_s": Drawn("Stalled after", TRANSFERS, "s"),
    "retry_cap_s": Drawn("Longest wait between two tries", TRANSFERS, "s"),
    "keep_free_mib": Drawn("Keep free", SPACE, "MiB"),
    "reserve_mib": Drawn("Reserve", SPACE, "MiB"),
    "unfinished_days": Drawn("Unfinished files expire after", SPACE, "days"),
    "inbox_settle_s": Drawn("Inbox files settle for", SPACE, "s"),
    "undo_days": Drawn("Removals can be undone for", SAFETY, "days"),
    "grace_days": Drawn("Grace time on remotes", SAFETY, "days"),
    "trash_per_run": Drawn("Objects trashed in one run", SAFETY),
    "catalog_copy_minutes": Drawn("Copy the catalog every", SAFETY, "minutes"),
    "scrub_days": Drawn("Read local copies every", CHECKS, "days"),
    "listing_days": Drawn("Look through connections every", CHECKS, "days"),
    "drill_mib_per_day": Drawn("Read back a day", CHECKS, "MiB"),
    "notify_needs_you": Drawn("When somebody is needed", NOTIFICATIONS),
    "notify_damage": Drawn("When something is damaged", NOTIFICATIONS),
    "notify_all_protected": Drawn("When everything is safe again", NOTIFICATIONS),
    "notify_unproven_days": Drawn("When nothing was proven for", NOTIFICATIONS, "days"),
    "panel_url": Drawn("Address of the panel", PANEL),
    "registration": Drawn("Who may register", PANEL),
    "default_owner": Drawn("Usual owner", PANEL),
    "front_panel": Drawn("Lamp and button", FRONT_PANEL),
    "shutdown_enabled": Drawn("A hold of 10 s shuts down", FRONT_PANEL),
    "lamp_brightness_percent": Drawn("Brightness of the lamp", FRONT_PANEL, "%"),
    "lamp_pin": Drawn("Lamp at GPIO", FRONT_PANEL),
    "lamp_active": Drawn("The lamp is lit at", FRONT_PANEL),
    "button_pin": Drawn("Button at GPIO", FRONT_PANEL),
    "button_active": Drawn("The button is down at", FRONT_PANEL),
    "button_pull": Drawn("The Pi's own resistor holds the button", FRONT_PANEL),
    "home_assistant_discovery": Drawn("Home Assistant finds this appliance", HOUSE),
    "home_assistant_name": Drawn("Name in Home Assistant", HOUSE),
    "home_assistant_prefix": Drawn("Discovery prefix", HOUSE),
    "trust_clock": Drawn("The computer's own clock is right", SYSTEM),
    "log_level": Drawn("Log level", SYSTEM),
    "data": Drawn("Data folder", SYSTEM),
    "appliance_id": Drawn("Appliance id", SYSTEM),
    "mqtt_host": Drawn("Broker", SYSTEM),
    "mqtt_port": Drawn("Broker's port", SYSTEM),
    "mqtt_username": Drawn("Login at the broker", SYSTEM),
    "mqtt_tls_ca": Drawn("Broker's CA file", SYSTEM),
    "drive_endpoint": Drawn("Stand-in for Google Drive", SYSTEM),
}
"""Each setting that is shown, in its order within its group."""


def drawn(properties: dict[str, Any], fixed_at_start: frozenset[str]) -> dict[str, Any]:
    """The properties of a JSON schema with ``title``, ``x-group``, ``x-order``, ``x-unit`` and ``x-fixed-at-start``."""
    return {
        name: {
            **properties[name], "title": its.title, "x-group": its.group, "x-order": order, **({"x-unit": its.unit} if its.unit else {}),
            "x-fixed-at-start": name in fixed_at_start,
        }
        for order, (name, its) in enumerate(FORM.items())
    }  # fmt: skip
