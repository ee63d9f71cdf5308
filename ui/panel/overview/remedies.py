"""Which page or act solves a problem. Pure: the page makes links and buttons of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

_CONNECTION = frozenset({"remote_full", "remote_refused", "remote_foreign", "remote_read_only", "remote_taken", "adopting"})
_PASSES = frozenset(
    {"remote_away", "remote_busy", "remote_stalled", "remote_error", "store_unavailable", "clock_wrong", "intake", "inbox", "internal"}
)
_CATALOG = frozenset({"catalog_damaged", "catalog_lost"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Remedy:
    """Either ``target``, where to go; or ``verb`` with its parameters, what to ask, and what to say when it was begun."""

    label: str
    icon: str
    target: str = ""
    verb: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    done: str = ""


_SIGN_IN = Remedy(label="Sign in again", icon="login", target="/connections")
_TO_CONNECTIONS = Remedy(label="Open connections", icon="hub", target="/connections")
_FREE_SPACE = Remedy(label="Choose archives to release", icon="inventory_2", target="/archives?protection=safe&place=here&sort=largest")
_TRY_NOW = Remedy(label="Try now", icon="refresh", verb="transfer/sync", done="It is tried now.")
_CHECK_ALL = Remedy(label="Check everything", icon="fact_check", verb="integrity/verify", done="The check has begun.")
_LOG = Remedy(label="Open the log", icon="article", target="/log")


def remedies(problem: dict[str, Any]) -> list[Remedy]:
    """For an admin; the first is the best."""
    code, about = problem["code"], problem["about"]
    if code == "sign_in_needed":
        return [_SIGN_IN]
    if code in {"disk_full", "disk_low"}:
        return [_FREE_SPACE]
    if code in _CONNECTION or about.startswith("tombstones"):
        return [_TO_CONNECTIONS]
    if code == "damaged":
        return [_check_and_mend(about), _archive(about)]
    if code in _CATALOG:
        return [_CHECK_ALL, _LOG]
    return [_TRY_NOW] if code in _PASSES else [_LOG]


def _check_and_mend(archive_id: str) -> Remedy:
    parameters = {"archives": [archive_id], "local": True, "remote": True, "repair": True}
    return Remedy(
        label="Check and repair", icon="healing", verb="integrity/verify", parameters=parameters,
        done="The check has begun; what can be mended is mended.",
    )  # fmt: skip


def _archive(archive_id: str) -> Remedy:
    return Remedy(label="Open the archive", icon="inventory_2", target=f"/archives/{quote(archive_id, safe='')}")
