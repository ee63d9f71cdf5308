"""Whom to tell: addresses, which are secrets, in one file of their own."""

from __future__ import annotations

import errno
import json
import logging
import secrets
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path

from appliance import clock, durable
from appliance.errors import ApplianceError, Conflict, DiskFull, NotFound

log = logging.getLogger("notifications")
_MOST = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """``url`` is the secret."""

    id: str
    name: str
    url: str = field(repr=False)
    added_at: str


class Targets:
    """Thread-safe. A file that cannot be read is kept beside, and there are no targets then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._targets = self._read()

    def _read(self) -> dict[str, Target]:
        try:
            rows = json.loads(self._path.read_bytes())["targets"]
            return {row["id"]: Target(**row) for row in rows}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError):
            log.warning("the addresses for notifications cannot be read, so nobody is notified; add them again")
            return {}

    def all(self) -> list[Target]:
        with self._lock:
            return list(self._targets.values())

    def get(self, target_id: str) -> Target | None:
        with self._lock:
            return self._targets.get(target_id)

    def find(self, target_id: str) -> Target:
        """Raises NotFound."""
        target = self.get(target_id)
        if target is None:
            raise NotFound(f"there is no notification target {target_id[:32]!r}; notification/list shows all")
        return target

    def add(self, name: str, url: str) -> Target:
        """Raises Conflict: too many, or this address is there already."""
        target = Target(id=secrets.token_hex(4), name=name, url=url, added_at=clock.iso(clock.now()))
        with self._lock:
            same = next((each for each in self._targets.values() if each.url == url), None)
            if same is not None:
                raise Conflict(f"this address is notified already, as {same.name!r}")
            if len(self._targets) >= _MOST:
                raise Conflict(f"{_MOST} targets are the most; remove one first")
            self._keep({**self._targets, target.id: target})
        return target

    def remove(self, target_id: str) -> None:
        target = self.find(target_id)
        with self._lock:
            self._keep({key: each for key, each in self._targets.items() if key != target.id})

    def _keep(self, targets: dict[str, Target]) -> None:
        try:
            durable.replace(self._path, json.dumps({"targets": [asdict(each) for each in targets.values()]}).encode(), 0o600)
        except OSError as error:
            kind = DiskFull if error.errno == errno.ENOSPC else ApplianceError
            raise kind(f"the address cannot be kept: {error.strerror}; check the disk of the data folder") from error
        self._targets = targets
