"""The scripts that come with the appliance, as ``firmware_scripts/shipped.toml`` of the installed package names them; never run here."""

from __future__ import annotations

import logging
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import appliance
from appliance.scripts.ids import is_script_id
from appliance.scripts.saved_version import Facts, SavedScript, SavedVersion

log = logging.getLogger("scripts")
MANIFEST = "shipped.toml"
SAVED_BY = "appliance"


@dataclass(frozen=True, slots=True)
class Shipped:
    """By id: the script, and its source. They change with an upgrade, so none has versions."""

    scripts: dict[str, tuple[SavedScript, bytes]]

    @classmethod
    def of_package(cls) -> Shipped:
        """Those of the package that is installed beside this one."""
        return cls.read(Path(str(appliance.__file__)).parent.parent / "firmware_scripts")

    @classmethod
    def read(cls, folder: Path) -> Shipped:
        """One that cannot be used is said, and left out: the appliance must start whatever is there."""
        try:
            manifest = tomllib.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            log.warning("the list of scripts that come with the appliance cannot be read: %s", error)
            return cls({})
        found = {}
        for script_id, entry in manifest.items():
            try:
                found[script_id] = _script(folder, script_id, entry)
            except (OSError, ValidationError, KeyError, TypeError, ValueError) as error:
                log.warning("the script %s, which comes with the appliance, cannot be used: %s", script_id[:64], error)
        return cls(found)


def _script(folder: Path, script_id: str, entry: dict[str, Any]) -> tuple[SavedScript, bytes]:
    if not is_script_id(script_id):
        raise ValueError("its id is none")
    path = folder / str(entry["file"])
    if path.parent != folder:
        raise ValueError("its file lies elsewhere")
    source = path.read_bytes()
    facts = Facts.model_validate({name: entry[name] for name in Facts.model_fields if name in entry})
    version = SavedVersion.of(source, facts, version=1, saved_at=None, saved_by=SAVED_BY)
    return SavedScript(id=script_id, versions=(version,), shipped=True), source
