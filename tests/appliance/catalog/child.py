"""Programs that the tests of the catalog start to kill them, or to give them a disk of their own."""

from __future__ import annotations

import contextlib
import random
import sys
from pathlib import Path
from typing import Any

from appliance.catalog import compaction
from appliance.catalog.journal import CatalogDB
from appliance.errors import DiskFull

Tables = dict[str, dict[str, Any]]


def change(seed: int, number: int) -> Tables:
    """The change of that number; it carries its number, so that a catalog tells how many it has."""
    random_ = random.Random(f"{seed} {number}")
    archives = {f"archive-{random_.randrange(40)}": random_.choice([None, {"n": number, "pad": "x" * random_.randrange(200)}])}
    return {"archives": archives, "counter": {"changes": {"n": number}}}


def expected(seed: int, number: int) -> Tables:
    """All tables after that many changes."""
    tables: Tables = {}
    for each in range(1, number + 1):
        for table, documents in change(seed, each).items():
            tables.setdefault(table, {}).update(documents)
    present = {table: {key: row for key, row in rows.items() if row is not None} for table, rows in tables.items()}
    return {table: rows for table, rows in present.items() if rows}


def found(db: CatalogDB) -> Tables:
    return {table: dict(db.table(table).items()) for table in db.tables()}


def count(db: CatalogDB) -> int:
    document = db.table("counter").get(doc_id="changes")
    return int(document["n"]) if document else 0


def change_for_ever(folder: Path, seed: int) -> None:
    """Acknowledge each change by a line with its number; compact about every twenty changes."""
    compaction._MIN_BYTES = 4096
    db = CatalogDB.open(folder)
    number = count(db)
    while True:
        number += 1
        db.apply(change(seed, number))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


def fill_the_disk(folder: Path, room_bytes: int) -> None:
    """On a small disk: full in the middle of changes (and of compactions, with some room), then room again."""
    compaction._MIN_BYTES = 16 * 1024
    db = CatalogDB.open(folder / "catalog")
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        file.truncate(file.tell() - room_bytes)
    done = _change_until_full(db, 0)
    _check(found(db) == expected(1, done), "a full disk changed the state")
    _check(_change_until_full(db, done) == done, "the disk is still full")
    ballast.unlink()
    db.apply(change(1, done + 1))
    for number in range(done + 2, done + 400):
        db.apply(change(1, number))
    db.compact()
    db.close()
    again = CatalogDB.open(folder / "catalog")
    _check(not again.damage, "a full disk is no damage")
    _check(found(again) == expected(1, done + 399), "a change was lost")
    sys.stdout.write(f"ok {done}\n")


def _change_until_full(db: CatalogDB, done: int) -> int:
    while True:
        try:
            db.apply(change(1, done + 1))
        except DiskFull:
            return done
        done += 1


def _check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise SystemExit(otherwise)


if __name__ == "__main__":
    if sys.argv[1] == "change":
        change_for_ever(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        fill_the_disk(Path(sys.argv[2]), int(sys.argv[3]))
