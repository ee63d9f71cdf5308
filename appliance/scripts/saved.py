"""Scripts that are saved: facts in the catalog table ``scripts``, sources byte for byte in DATA/scripts/<id>/<version>.py.

The source is synced before the catalog names it, and goes after the catalog has forgotten it: a power cut leaves a file too many at worst.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from pathlib import Path
from typing import NoReturn

from appliance import clock, durable
from appliance.catalog.journal import CatalogDB
from appliance.errors import BadRequest, Conflict, Damaged, NotFound
from appliance.scripts.ids import is_script_id
from appliance.scripts.saved_version import Facts, SavedScript, SavedVersion
from appliance.scripts.shipped import Shipped
from mqtt.script_messages import MAX_SOURCE_BYTES

SCRIPTS = "scripts"
MOST_SCRIPTS, MOST_VERSIONS = 200, 50
_TAKEN = frozenset({"new"})


class SavedScripts:
    """Thread-safe. Also answers those that came with the appliance, unless one was saved under the same id."""

    def __init__(self, db: CatalogDB, folder: Path, shipped: Shipped) -> None:
        self._db = db
        self._folder = folder
        self._shipped = shipped.scripts
        self.changing = threading.RLock()
        """Held by who decides by what scripts there are, until it is written down."""

    def all(self) -> list[SavedScript]:
        """By title."""
        rows = self._db.table(SCRIPTS).items()
        saved = {key: found for key, row in rows if is_script_id(key) and (found := SavedScript.from_document(key, row))}
        shipped = {key: script for key, (script, _) in self._shipped.items()}
        return sorted((shipped | saved).values(), key=lambda script: (script.newest.title.casefold(), script.id))

    def get(self, script_id: str) -> SavedScript:
        """Raises NotFound."""
        found = self._saved(script_id)
        if found is None and script_id in self._shipped:
            found = self._shipped[script_id][0]
        if found is None:
            raise NotFound(f"there is no script {script_id!r}; `pyarchive script list` shows all")
        return found

    def version(self, script_id: str, version: int | None) -> tuple[SavedScript, SavedVersion]:
        """The newest where ``version`` is None. Raises NotFound."""
        script = self.get(script_id)
        found = script.find(version)
        if found is None:
            raise NotFound(
                f"there is no version {version} of {script_id!r} any more; versions {script.versions[0].version} and later are kept"
            )
        return script, found

    def source(self, script: SavedScript, version: SavedVersion) -> bytes:
        """Its bytes, exactly. Raises Damaged where they are not what was saved."""
        if script.shipped:
            return self._shipped[script.id][1]
        try:
            source = self._path(script.id, version.version).read_bytes()
        except OSError as error:
            self._damaged(script, version, str(error.strerror))
        if hashlib.sha256(source).hexdigest() != version.sha256:
            self._damaged(script, version, "its bytes have changed")
        return source

    def save(self, script_id: str, source: bytes, facts: Facts, *, by: str, based_on: int | None) -> SavedScript:
        """A new script, or a new version. Raises Conflict, BadRequest, DiskFull, CatalogUnwritable, OSError."""
        if len(source) > MAX_SOURCE_BYTES:
            raise BadRequest(f"the source has {len(source):,} bytes, and {MAX_SOURCE_BYTES:,} are the most; leave data out of it")
        if script_id in _TAKEN:
            raise BadRequest(f"{script_id!r} is a word of the panel's addresses; choose another id")
        with self.changing:
            former = self._saved(script_id)
            self._check_basis(script_id, former, based_on)
            number = former.newest.version + 1 if former else 1
            saved = SavedVersion.of(source, facts, version=number, saved_at=clock.now(), saved_by=by)
            script = SavedScript(id=script_id, versions=((*former.versions, saved) if former else (saved,))[-MOST_VERSIONS:])
            self._write(script, source)
            self._forget(script_id, [each.version for each in former.versions if each not in script.versions] if former else [])
            return script

    def roll_back(self, script_id: str, version: int, *, by: str) -> SavedScript:
        """A new version that is as an old one was. Raises as ``save`` does, and NotFound, Damaged."""
        with self.changing:
            script, found = self.version(script_id, version)
            if script.shipped:
                raise _shipped_stays(script_id)
            return self.save(script_id, self.source(script, found), found, by=by, based_on=script.newest.version)

    def delete(self, script_id: str) -> None:
        """With all versions. Raises NotFound, Conflict, DiskFull, CatalogUnwritable."""
        with self.changing:
            script = self.get(script_id)
            if script.shipped:
                raise _shipped_stays(script_id)
            self._db.apply({SCRIPTS: {script_id: None}})
            self._forget(script_id, [each.version for each in script.versions])

    def _saved(self, script_id: str) -> SavedScript | None:
        row = self._db.table(SCRIPTS).get(doc_id=script_id) if is_script_id(script_id) else None
        return SavedScript.from_document(script_id, row) if row else None

    def _check_basis(self, script_id: str, former: SavedScript | None, based_on: int | None) -> None:
        if former is None:
            if script_id in self._shipped:
                raise _shipped_stays(script_id)
            if based_on is not None:
                raise Conflict(f"there is no script {script_id!r} any more; save it as a new one")
            if len(self._db.table(SCRIPTS)) >= MOST_SCRIPTS:
                raise Conflict(f"there are {MOST_SCRIPTS} scripts, which is the most; delete one first")
        elif based_on is None:
            raise Conflict(f"the id {script_id!r} is taken by {former.newest.title!r}; choose another, or change that one")
        elif based_on != former.newest.version:
            newest = former.newest
            raise Conflict(
                f"{newest.saved_by} saved version {newest.version} of {script_id!r} meanwhile, and yours is based on {based_on}; "
                "look at that first, then save on top of it"
            )

    def _write(self, script: SavedScript, source: bytes) -> None:
        path = self._path(script.id, script.newest.version)
        durable.make_dirs(path.parent)
        durable.replace(path, source)
        self._db.apply({SCRIPTS: {script.id: script.to_document()}})

    def _forget(self, script_id: str, versions: list[int]) -> None:
        with contextlib.suppress(OSError):  # a file too many harms nobody; the next save writes over it
            for version in versions:
                durable.unlink(self._path(script_id, version), missing_ok=True)
            if self._saved(script_id) is None:
                durable.remove_dir(self._folder / script_id)

    def _path(self, script_id: str, version: int) -> Path:
        return self._folder / script_id / f"{version}.py"

    @staticmethod
    def _damaged(script: SavedScript, version: SavedVersion, why: str) -> NoReturn:
        raise Damaged(
            f"the source of version {version.version} of {script.id!r} is damaged: {why}; go back to another version, or save it anew"
        )


def _shipped_stays(script_id: str) -> Conflict:
    return Conflict(f"{script_id!r} came with the appliance and stays as it is; save it under another id")
