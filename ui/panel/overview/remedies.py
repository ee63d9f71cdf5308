"""Which page or act solves a problem. Pure: the page makes links and buttons of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

_CONNECTION = frozenset({"remote_full", "remote_refused", "remote_foreign", "remote_read_only", "remote_taken", "adopting"})
_PASSES = frozenset(
    {"remote_away", "remote_busy", "remote_stalled", "remote_error", "store_unavailable", "clock_wrong", "intake", "inbox", "internal"}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Remedy:
    """Either ``target``, where to go; or ``verb`` with its parameters, what to ask, and what to say when it was begun."""

    label: str
    icon: str
    target: str = ""
    verb: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    done: str = ""


_TO_CONNECTIONS = Remedy(label="Open connections", icon="hub", target="/connections")
_FREE_SPACE = Remedy(label="Choose archives to release", icon="inventory_2", target="/archives?protection=safe&place=here&sort=largest")
_TRY_NOW = Remedy(label="Try now", icon="refresh", verb="transfer/sync", done="It is tried now.")
_CHECK_ALL = Remedy(label="Check everything", icon="fact_check", verb="integrity/verify", done="The check has begun.")
_LOG = Remedy(label="Open the log", icon="article", target="/log")
_END_SAFE_MODE = Remedy(label="End safe mode", icon="restart_alt", verb="safe-mode/end", done="The appliance begins anew.")
_OTHERS = {
    "safe_mode": [_END_SAFE_MODE, _LOG],
    "disk_full": [_FREE_SPACE],
    "disk_low": [_FREE_SPACE],
    "catalog_damaged": [_CHECK_ALL, _LOG],
    "catalog_lost": [_TO_CONNECTIONS, _CHECK_ALL],
    "ledger": [_TO_CONNECTIONS, _LOG],
    "many_tombstones": [_TO_CONNECTIONS, _LOG],
}


def remedies(problem: dict[str, Any]) -> list[Remedy]:
    """For an admin; the first is the best."""
    about = problem["about"]
    match problem["code"]:
        case "sign_in_needed":
            return [_connection("Sign in again", "login", about)]
        case "damaged":
            return [_check_and_mend(about), _archive(about)]
        case code if code in _CONNECTION:
            return [_connection("Open the connection", "hub", about)]
        case code:
            return _OTHERS.get(code, [_TRY_NOW] if code in _PASSES else [_LOG])


def _check_and_mend(archive_id: str) -> Remedy:
    parameters = {"archives": [archive_id], "local": True, "remote": True, "repair": True}
    return Remedy(
        label="Check and repair", icon="healing", verb="integrity/verify", parameters=parameters,
        done="The check has begun; what can be mended is mended.",
    )  # fmt: skip


def _connection(label: str, icon: str, connection_id: str) -> Remedy:
    return Remedy(label=label, icon=icon, target=f"/connections/{quote(connection_id, safe='')}")


def _archive(archive_id: str) -> Remedy:
    return Remedy(label="Open the archive", icon="inventory_2", target=f"/archives/{quote(archive_id, safe='')}")
