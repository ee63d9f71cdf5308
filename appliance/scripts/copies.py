"""Scripts in a copy of the catalog: the newest version of each with its source; and what of such a copy may come back."""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from appliance import durable
from appliance.catalog.journal import CatalogDB
from appliance.scripts.deployments import MOST_DEPLOYMENTS, Schedule
from appliance.scripts.ids import is_deployment_id, is_script_id
from appliance.scripts.saved import MOST_SCRIPTS, SCRIPTS
from appliance.scripts.saved_version import SavedScript

log = logging.getLogger("recovery")
MOST_BYTES = 20_000_000
_SOURCE = "source_base64"
Row = dict[str, Any]


def rows_with_sources(db: CatalogDB, folder: Path) -> Iterator[tuple[str, Row]]:
    """For a copy. One whose source cannot be read, or is not as it was saved, is left out, and what is too much."""
    left = MOST_BYTES
    for script_id, row in sorted(db.table(SCRIPTS).items()):
        script = SavedScript.from_document(script_id, row) if is_script_id(script_id) else None
        source = _read(folder, script) if script else None
        if script is None or source is None or len(source) > left:
            log.warning("the script %s is not in the copy of the catalog", script_id[:64])
            continue
        left -= len(source)
        yield script_id, {**_newest(script).to_document(), _SOURCE: base64.b64encode(source).decode()}


def scripts_of(rows: Mapping[str, Row], db: CatalogDB, folder: Path) -> dict[str, Row]:
    """Rows for the catalog, whose sources are on the disk by then; those that are here already stay. Raises OSError."""
    found: dict[str, Row] = {}
    for script_id, row in list(rows.items())[:MOST_SCRIPTS]:
        script = SavedScript.from_document(script_id, row) if is_script_id(script_id) else None
        source = _source(row)
        if script is None or hashlib.sha256(source).hexdigest() != script.newest.sha256:
            log.warning("the script %s of the copy is passed over: it is none, or its source is not what it should be", script_id[:64])
            continue
        found[script_id] = _newest(script).to_document()
        if not db.table(SCRIPTS).contains(doc_id=script_id):
            durable.make_dirs(folder / script_id)
            durable.replace(_path(folder, script), source)
    return found


def deployments_of(rows: Mapping[str, Row]) -> dict[str, Row]:
    """Rows for the catalog, switched off: what a new appliance does by itself is decided there."""
    found: dict[str, Row] = {}
    for deployment_id, row in list(rows.items())[:MOST_DEPLOYMENTS]:
        try:
            schedule = Schedule.model_validate({**row, "enabled": False})
        except ValidationError:
            continue
        if is_deployment_id(deployment_id):
            found[deployment_id] = schedule.model_dump(mode="json")
    return found


def _newest(script: SavedScript) -> SavedScript:
    return SavedScript(id=script.id, versions=(script.newest,))


def _read(folder: Path, script: SavedScript) -> bytes | None:
    try:
        source = _path(folder, script).read_bytes()
    except OSError:
        return None
    return source if hashlib.sha256(source).hexdigest() == script.newest.sha256 else None


def _path(folder: Path, script: SavedScript) -> Path:
    return folder / script.id / f"{script.newest.version}.py"


def _source(row: Row) -> bytes:
    try:
        return base64.b64decode(str(row.get(_SOURCE, "")), validate=True)
    except (binascii.Error, ValueError):
        return b""
