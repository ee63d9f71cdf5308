"""What lies under a tombstone goes to its remote's trash, slowly, and only while everything about it is in order."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from shlex import quote
from typing import Any

from appliance import clock
from appliance.connections import Connection, Connections
from appliance.errors import ApplianceError, BadRequest, Refused, RemoteRefused
from appliance.integrity.listing import Comparison, State
from appliance.integrity.report import why_not_clean
from appliance.library import Library
from appliance.problems import Problems
from appliance.remotes.layout import index_of
from appliance.remotes.remote import Object, Remote
from appliance.settings import SettingsStore
from appliance.tombstone import REMOVED, REPLACED, TABLE, Tombstone, all_of, changes
from appliance.transfer.gates import FREE_GATE
from appliance.views import View
from appliance.witness import Witness, why_not_trusted
from mqtt.messages import Health

log = logging.getLogger("integrity")
_MOST_UNASKED, _LARGEST_SHARE = 100, 0.2
_LONGEST_RUN_S = 60.0
_CONFIRMED = "tombstones_confirmed"
_MANY = "many_tombstones"


def about_tombstones(connection_id: str) -> str:
    """Under which a problem of a connection's tombstones stands."""
    return f"tombstones of {connection_id}"


class _Refused(Exception):
    """An object is left alone; the text says why. It never leaves this file."""


@dataclass(slots=True)
class Tombstones:
    """``run`` from one thread; the others from any. ``_refused``: objects that a run looked at and left alone, and why."""

    library: Library
    connections: Connections
    settings: SettingsStore
    problems: Problems
    witness: Witness
    _refused: dict[str, str] = field(default_factory=dict)
    _said: dict[str, str | None] = field(default_factory=dict)

    def run(self, is_stopped: Callable[[], bool] = lambda: False) -> int:
        """Everything that is due and may go, at most ``trash_per_run`` objects and for a minute; how many went.

        Nothing is deleted for ever here.
        """
        end_s = clock.monotonic_s() + _LONGEST_RUN_S
        due, gone = self._due(self._settled(list(all_of(self.library.db)))), 0
        for connection in self.connections.all():
            found = due.pop(connection.id, [])
            many = self._too_many(connection, found)
            why_not = (self._why_not(connection) or many) if found else None
            self._say(connection, why_not, needs_you=why_not is not None and why_not == many)
            if why_not is None:
                most = self.settings.current.trash_per_run - gone
                gone += self._trash(connection, found, most, lambda: is_stopped() or clock.monotonic_s() > end_s)
        for removed in due.values():  # a connection that was removed: nobody can get there any more
            self._drop(removed)
        return gone

    # What is due

    def _due(self, stones: list[Tombstone]) -> dict[str, list[Tombstone]]:
        """By connection, the oldest first."""
        grace = timedelta(days=self.settings.current.grace_days)
        found: defaultdict[str, list[Tombstone]] = defaultdict(list)
        is_old = {at: self.witness.is_older(clock.from_iso(at), grace) for at in {stone.at for stone in stones} if at is not None}
        for stone in sorted(stones, key=lambda stone: stone.at or ""):
            if stone.at is not None and is_old[stone.at]:
                found[stone.connection_id].append(stone)
        return found

    def _settled(self, stones: list[Tombstone]) -> list[Tombstone]:
        """Without those of what belongs to an archive (again), which are dropped; the grace time of what was replaced begins."""
        begun, needless = list[Tombstone](), list[Tombstone]()
        for stone in stones:
            if self._came_back(stone):
                needless.append(stone)
            elif stone.at is None and self._is_replaced(stone):
                begun.append(replace(stone, at=clock.iso(clock.now())))
        if not begun and not needless:
            return stones
        self.library.db.apply({TABLE: changes(begun)})
        self._drop(needless)
        return list(all_of(self.library.db))

    def _came_back(self, stone: Tombstone) -> bool:
        """Its archive is there again (recovered, adopted), or counts on this very object."""
        if stone.archive_id not in self.library.views:
            return False
        return stone.reason == REMOVED or (self._is_named(stone) and self._is_stored(stone))

    def _is_named(self, stone: Tombstone) -> bool:
        """By the archive's ledger, stored or planned. No other ledger can: an id is taken up from listings of its archive alone."""
        ledger = self.library.ledger(stone.archive_id)
        index = index_of(stone.name)
        known = ledger.manifest(stone.connection_id)
        if index is None:
            return stone.remote_id in {ledger.remote_id(stone.connection_id, None), known[0] if known else None}
        return index < ledger.batch_count and ledger.remote_id(stone.connection_id, index) == stone.remote_id

    def _is_stored(self, stone: Tombstone) -> bool:
        """What the tombstone's object held, or holds, is stored on its connection."""
        ledger, index = self.library.ledger(stone.archive_id), index_of(stone.name)
        if index is None:
            return ledger.manifest(stone.connection_id) is not None
        return index < ledger.batch_count and ledger.is_stored(stone.connection_id, index)

    def _is_replaced(self, stone: Tombstone) -> bool:
        """The remote has listed the new object, right; or the archive is gone."""
        if stone.archive_id in self.library.broken:
            return False
        return stone.archive_id not in self.library.views or (self._is_stored(stone) and not self._is_named(stone))

    def _drop(self, stones: list[Tombstone]) -> None:
        self.library.db.apply({TABLE: {stone.key: None for stone in stones}})

    # What holds a whole connection back

    def _why_not(self, connection: Connection) -> str | None:
        """Nothing is trashed after any inconsistency: what is wrong with one thing may be wrong with more than is known yet."""
        if connection.adopting:
            return "the connection is in adopt mode"
        if not connection.valid:
            return f"the connection is not valid; run `pyarchive connection validate {quote(connection.name)}`"
        damaged = next((v.archive for v in self.library.all_views() if connection.id in v.standings and self._is_damaged(v)), None)
        if damaged is not None:
            return f"{damaged.title!r} is damaged; it is to be mended first"
        return self._why_nowhere() or why_not_clean(self.library.db, connection.id)

    def _is_damaged(self, view: View) -> bool:
        return view.health(self.library.valid, frozenset(), frozenset()) in {Health.DAMAGED, Health.LOST}

    def _why_nowhere(self) -> str | None:
        why_not = why_not_trusted(self.library)
        if why_not:
            return f"{why_not}; nothing is judged by age until the clock is right"
        if self.library.broken:
            return f"the ledgers of {len(self.library.broken)} archives cannot be read; they are made again by themselves"
        if self.library.db.damage or any(problem.about == "catalog" for problem in self.problems.standing()):
            return "the catalog was damaged; run `pyarchive verify`"
        return None

    def _too_many(self, connection: Connection, due: list[Tombstone]) -> str | None:
        """A large part of all that is there waits for a person: an error of ours must not empty a remote."""
        count = len(self._unconfirmed(connection.id, due))
        if count <= _MOST_UNASKED or count <= _LARGEST_SHARE * self._objects_on(connection.id):
            return None
        return f"{count} objects are due for its trash at once, more than {_LARGEST_SHARE:.0%} of all that is there"

    def _objects_on(self, connection_id: str) -> int:
        standings = [view.standings[connection_id] for view in self.library.all_views() if connection_id in view.standings]
        buried = sum(stone.connection_id == connection_id for stone in all_of(self.library.db))
        return buried + sum(standing.batches_stored + standing.manifest_stored for standing in standings)

    def _say(self, connection: Connection, why_not: str | None, *, needs_you: bool) -> None:
        about = about_tombstones(connection.id)
        if needs_you:
            step = f"look at them (`pyarchive orphans --tombstones`), then let them go: `pyarchive orphans --bury {quote(connection.name)}`"
            self.problems.raise_(_MANY, about, f"connection {connection.name}: {why_not}", step, needs_you=True)
        else:
            self.problems.clear(_MANY, about)
        if why_not != self._said.get(connection.id):
            self._said[connection.id] = why_not
            if why_not:
                log.info("nothing is moved to the trash of %s: %s", connection.name, why_not)

    # A person's word

    def confirm(self, connection: Connection, objects: int) -> None:
        """These may go although they are many. Raises Refused where it is another number by now."""
        due = self._unconfirmed(connection.id, self._due(list(all_of(self.library.db))).get(connection.id, []))
        if len(due) != objects:
            raise Refused(f"{len(due)} objects of {connection.name!r} are due now, not {objects}; look at them, and confirm that number")
        if due:
            self.library.db.apply({_CONFIRMED: {connection.id: {"until_at": max(stone.at or "" for stone in due)}}})
            log.info("the trashing of %d objects of %s was confirmed", objects, connection.name)

    def _unconfirmed(self, connection_id: str, due: list[Tombstone]) -> list[Tombstone]:
        row = self.library.db.table(_CONFIRMED).get(doc_id=connection_id)
        return due if row is None else [stone for stone in due if (stone.at or "") > row["until_at"]]

    # One object

    def _trash(self, connection: Connection, due: list[Tombstone], most: int, is_stopped: Callable[[], bool]) -> int:
        if not due:
            return 0
        done, gone = list[Tombstone](), 0
        # What was left alone before must not hold up the others.
        due = sorted(due, key=lambda stone: stone.key in self._refused)[:most]
        try:
            remote = self.connections.to_write(connection.id)
            remote.check()
            for stone in due:
                if is_stopped():
                    break
                try:
                    gone += self._trash_one(stone, remote)
                except (_Refused, RemoteRefused, BadRequest) as refused:
                    self._leave(stone, str(refused))
                else:
                    self._refused.pop(stone.key, None)
                    done.append(stone)
        except ApplianceError as error:
            log.info("nothing more is moved to the trash of %s: %s", connection.name, error)
        finally:
            self._drop(done)
        return gone

    def _leave(self, stone: Tombstone, why: str) -> None:
        if self._refused.get(stone.key) != why:
            log.warning("%s of %s on %s is left alone: %s", stone.name, stone.archive_id, stone.connection_id, why)
        self._refused[stone.key] = why

    def _trash_one(self, stone: Tombstone, remote: Remote) -> bool:
        """False: it was not there any more. Raises _Refused, RemoteError."""
        view = self.library.views.get(stone.archive_id)
        if view is not None:
            if stone.reason == REMOVED or self._is_named(stone):
                raise _Refused("its archive is there again")
            if stone.reason == REPLACED and not self._replacement_is_right(stone, remote):
                raise _Refused("what was stored in its place is not right there")
        # In a folder the id itself is archive and name, and looking at the object would read all of it.
        if not remote.is_local:
            one = remote.stat(stone.remote_id)
            if one is None or one.trashed:
                return False
            _check_same(stone, one)
        remote.trash(stone.remote_id)
        return True

    def _replacement_is_right(self, stone: Tombstone, remote: Remote) -> bool:
        """By its id, now, whatever the ledger says."""
        archive, ledger = self.library.archive(stone.archive_id), self.library.ledger(stone.archive_id)
        local = None if ledger.is_released else self.library.local_file(archive)
        return Comparison(ledger, stone.connection_id, remote, FREE_GATE, local).fresh(index_of(stone.name)) is State.RIGHT

    # The dry run

    def look(self, limit: int) -> dict[str, Any]:
        """What ``integrity/tombstones`` answers. Asks no remote."""
        stones = sorted(all_of(self.library.db), key=lambda stone: stone.at or "9")
        due = self._due(stones)
        counts = Counter({connection_id: len(found) for connection_id, found in due.items()})
        return {
            "due": counts.total(), "waiting": len(stones) - counts.total(),
            "bytes": sum(stone.size_bytes or 0 for found in due.values() for stone in found),
            "objects": [self._shown(stone) for stone in stones[:limit]], "held_back": self._held_back(due),
            "to_confirm": self._to_confirm(due),
        }  # fmt: skip

    def _to_confirm(self, due: dict[str, list[Tombstone]]) -> dict[str, int]:
        known = ((connection_id, self.connections.get(connection_id)) for connection_id in due)
        many = [(key, connection) for key, connection in known if connection and self._too_many(connection, due[key])]
        return {key: len(self._unconfirmed(key, due[key])) for key, _ in many}

    def _shown(self, stone: Tombstone) -> dict[str, Any]:
        grace = timedelta(days=self.settings.current.grace_days)
        due_at = clock.iso(clock.from_iso(stone.at) + grace) if stone.at else None
        return {
            "connection_id": stone.connection_id, "remote_id": stone.remote_id, "archive_id": stone.archive_id, "name": stone.name,
            "reason": stone.reason, "at": stone.at, "due_at": due_at,
        }  # fmt: skip

    def _held_back(self, due: dict[str, list[Tombstone]]) -> list[str]:
        found = []
        for connection_id, stones in due.items():
            connection = self.connections.get(connection_id)
            why_not = (self._why_not(connection) or self._too_many(connection, stones)) if connection else None
            if connection and why_not:
                found.append(f"connection {connection.name}: {why_not}")
            found += [f"{stone.archive_id}/{stone.name}: {self._refused[stone.key]}" for stone in stones if stone.key in self._refused]
        return found


def _check_same(stone: Tombstone, one: Object) -> None:
    """Raises _Refused where the object is not what the tombstone was written for."""
    if (one.archive_id, one.name) != (stone.archive_id, stone.name):
        raise _Refused(f"under its id stands {one.name[:64]!r} of {one.archive_id[:64]!r}")
    if stone.size_bytes is not None and one.size_bytes != stone.size_bytes:
        raise _Refused(f"it has {one.size_bytes:,} bytes, not {stone.size_bytes:,}")
