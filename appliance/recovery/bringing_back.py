"""What comes back from a copy of the catalog besides archives: users, scripts, deployments, settings. Hostile input like a manifest.

Nothing that is here already is changed, so doing it twice is doing it once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from appliance.accounts.naming import check_name, display_name, email
from appliance.accounts.users import Account
from appliance.catalog.journal import CatalogDB
from appliance.connections import Connection
from appliance.errors import ApplianceError
from appliance.library import Library
from appliance.recovery.copy_format import CatalogCopy, without_secrets
from appliance.recovery.progress import Progress
from appliance.scripts.copies import deployments_of, scripts_of
from appliance.settings import FIXED_AT_START, SECRET, Settings, SettingsStore

log = logging.getLogger("recovery")
_LATER_IS_SAFER = frozenset({"undo_days", "grace_days", "unfinished_days"})
_LESS_IS_SAFER = frozenset({"trash_per_run"})
_ASKED_FOR_HERE = frozenset({"keep_free_mib", "registration"})
_MOST_USERS = 200
Rows = dict[str, dict[str, Any]]


def bring_back(copy: CatalogCopy, library: Library, settings: SettingsStore, known: list[Connection], progress: Progress) -> None:
    """Users without passwords, deployments disabled; connections are only named, to be added again.

    Raises DiskFull, CatalogUnwritable.
    """
    db = library.db
    tables = {
        "users": {key: user for key, row in list(copy.users.items())[:_MOST_USERS] if (user := _user(key, row))},
        "scripts": scripts_of(copy.scripts, db, library.folder.scripts),
        "deployments": deployments_of(copy.deployments),
    }
    missing = {name: _missing(db, name, rows) for name, rows in tables.items()}
    db.apply(missing)
    progress.users, progress.scripts, progress.deployments = (len(tables[name]) for name in ("users", "scripts", "deployments"))
    progress.settings = sum(_set(settings, name, value) for name, value in copy.settings.items())
    progress.connections = _to_be_added(copy, known)


def _missing(db: CatalogDB, name: str, rows: Rows) -> Rows:
    here = set(db.table(name).ids())
    return {key: row for key, row in rows.items() if key not in here}


def _user(name: str, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """As an account of ours, without a password: a copy holds none, and one that was forged might. None: it is none."""
    try:
        check_name(name)
        kept = {key: value for key, value in row.items() if isinstance(value, str)}
        account = Account.from_document(name, without_secrets(kept))
        return replace(account, display_name=display_name(account.display_name), email=email(account.email)).to_document()
    except (ApplianceError, KeyError, ValueError) as error:
        log.warning("the user %s of the copy is passed over: %s", name[:64], error)
        return None


def _set(settings: SettingsStore, name: str, value: Any) -> bool:
    """True where it is in force now. What is set here, by the environment or by the file, stays."""
    if settings.source(name) == "default" and _is_harmless(name, value):
        try:
            settings.set(name, value)
        except ApplianceError as error:
            log.warning("the setting %s of the copy is not taken over: %s", name[:64], error)
            return False
    return settings.source(name) == "set" and getattr(settings.current, name, None) == value


def _is_harmless(name: str, value: Any) -> bool:
    """Nothing that a copy says makes anything be deleted earlier than it would be without it."""
    if name not in Settings.model_fields or name in FIXED_AT_START | SECRET | _ASKED_FOR_HERE:
        return False
    if name not in _LATER_IS_SAFER | _LESS_IS_SAFER:
        return True
    default = Settings.model_fields[name].default
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and (value >= default if name in _LATER_IS_SAFER else value <= default)


def _to_be_added(copy: CatalogCopy, known: list[Connection]) -> list[dict[str, Any]]:
    here = {(each.kind, each.folder_id) for each in known}
    rows = (row.model_dump() for row in copy.connections.values())
    return [row for row in rows if (row["kind"], row["folder_id"]) not in here]
