"""All checks, in the order in which they are told."""

from __future__ import annotations

from ui.doctor.checks import (
    appliance,
    archives,
    broker,
    clock,
    disk,
    front_panel,
    log,
    memory,
    network,
    panel,
    permissions,
    power,
    remotes,
    services,
)
from ui.doctor.examining import Check

_GROUPS = {
    "Services": {"services": services.services},
    "Broker": {
        "broker login": broker.login, "strangers": broker.strangers, "rights tried": broker.rights, "rights written": broker.files,
        "cli login": broker.credentials, "lan": broker.lan,
    },
    "Appliance": {
        "online": appliance.online, "version": appliance.versions, "id": appliance.identity, "upgrade": appliance.upgrade,
        "problems": appliance.problems,
    },
    "What is kept": {"at risk": archives.safety, "checks": archives.freshness},
    "Remotes": {"remotes": remotes.remotes, "route": network.route, "remote's address": network.remote},
    "Disk": {
        "file system": disk.kind, "room": disk.room, "store": appliance.store, "wear": disk.wear, "file system errors": disk.errors,
    },
    "Clock": {"clock": clock.clock, "battery clock": clock.battery},
    "Computer": {"model": power.model, "power": power.supply, "temperature": power.temperature, "memory": memory.memory},
    "Lamp and button": {"pins": front_panel.pins, "pin holders": front_panel.holders},
    "Panel": {"panel": panel.panel, "name in the house": network.house_name},
    "Who may read what": {
        "data folder": permissions.folders, "secrets": permissions.secrets, "broker's files": permissions.broker_files,
    },
    "Log": {"log": log.log},
}  # fmt: skip

CHECKS = [Check(group, name, look) for group, checks in _GROUPS.items() for name, look in checks.items()]
