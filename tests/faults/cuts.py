"""A short life of an appliance with its remote, recorded; and what must hold on every disk that a power cut may leave of it."""

from __future__ import annotations

import contextlib
import hashlib
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from appliance import durable
from appliance.catalog.ledger import Ledger
from tests.faults.power import Recorder, Variant
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 4096
SETTINGS: dict[str, Any] = {"appliance_id": "cut-short"}


def content(size_bytes: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


@dataclass
class Life:
    """What was recorded below ``root``, and what every archive held, by its title at ingest."""

    root: Path
    recorder: Recorder
    sent: dict[str, bytes] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def remote(self) -> Path:
        return self.root / "remote"


def live(root: Path) -> Life:
    """Three archives: put, uploaded, renamed, released, restored, removed, taken back; a catalog compacted in between.

    Marks: ``received T``, ``remote T``, ``renamed T``, ``released T``, ``restored T``, ``removed T``, ``undone T``.
    """
    (root / "remote").mkdir(parents=True)
    life = Life(root, Recorder(root))
    with life.recorder, Inside(life.data, batch_bytes=BATCH, transfers=1, **SETTINGS) as inside:
        _put(life, inside, "one", 3 * BATCH + 100)
        inside.connect(life.remote)
        life.recorder.mark("connected")
        _wait_remote(life, inside, "one")
        _put(life, inside, "two", BATCH + 1)
        _wait_remote(life, inside, "two")
        _change(life, inside, "renamed", "one", "archive/rename", title="another title")
        _wait_remote(life, inside, "one")
        _release_and_restore(life, inside, "one")
        inside.app.db.compact()
        _from_inbox(life, inside, "three", 2 * BATCH)
        _change(life, inside, "removed", "two", "archive/remove")
        _change(life, inside, "undone", "two", "archive/undo")
        _change(life, inside, "removed", "two", "archive/remove")
        _wait_remote(life, inside, "three")
        inside.release(life.ids["three"])
        life.recorder.mark("released three")
    return life


def _put(life: Life, inside: Inside, title: str, size_bytes: int) -> None:
    life.sent[title] = content(size_bytes, len(title))
    life.ids[title] = inside.put(life.sent[title], f"{title}.bin", title=title)
    life.recorder.mark(f"received {title}")


def _from_inbox(life: Life, inside: Inside, title: str, size_bytes: int) -> None:
    life.sent[title] = content(size_bytes, 3)
    path = life.data / "inbox" / "home" / title
    durable.replace(path, life.sent[title])  # so that the recorder sees it: what another program puts there is on the disk
    life.recorder.mark(f"handed {title}")
    wait_for(lambda: not path.exists() and inside.ask("archive/list", search=title)["total"])
    life.ids[title] = inside.ask("archive/list", search=title)["archives"][0]["id"]
    life.recorder.mark(f"received {title}")


def _wait_remote(life: Life, inside: Inside, title: str) -> None:
    engine = inside.app.engine
    wait_for(lambda: inside.show(life.ids[title])["rung"] in {"remote", "proven"} and not engine.pending()[0] and not engine.moving)
    life.recorder.mark(f"remote {title}")


def _change(life: Life, inside: Inside, word: str, which: str, verb: str, **parameters: Any) -> None:
    life.recorder.mark(f"asked {word} {which}")
    inside.ask(verb, archive=life.ids[which], **parameters)
    life.recorder.mark(f"{word} {which}")


def _release_and_restore(life: Life, inside: Inside, title: str) -> None:
    inside.release(life.ids[title])
    life.recorder.mark(f"released {title}")
    inside.ask("archive/restore", archive=life.ids[title])
    inside.wait_local(life.ids[title])
    life.recorder.mark(f"restored {title}")


# What must hold


def check_all(life: Life, folder: Path, seed: int, every: int = 1) -> int:
    """Each disk of each ``every``-th prefix, laid down below the folder; how many there were. Raises AssertionError, naming the disk."""
    checked = 0
    for prefix in life.recorder.prefixes()[::every]:
        for variant in life.recorder.variants(prefix, seed):
            try:
                check(life, variant, folder / f"{prefix}-{variant.name}")
            except Exception as error:
                raise AssertionError(f"after {prefix} operations, {variant.name}, seed {seed}: {error!r}") from error
            checked += 1
    return checked


def check(life: Life, variant: Variant, folder: Path) -> None:
    """Lay the disk down, start on it, and look: nothing that was acknowledged is missing, and all of it ends right."""
    acknowledged = life.recorder.marked(variant.prefix)
    variant.materialise(folder)
    with _started(life, folder) as inside:
        _check_nothing_is_missing(life, inside, acknowledged)
        _check_all_ends_right(life, inside, acknowledged)
    shutil.rmtree(folder)


@contextlib.contextmanager
def _started(life: Life, folder: Path) -> Iterator[Inside]:
    """The appliance on the disk that was laid down, at the place where it was recorded: its connection says where its remote is."""
    before = life.root.with_name(f"{life.root.name}.before")
    life.root.rename(before)
    folder.rename(life.root)
    try:
        with Inside(life.data, batch_bytes=BATCH, **SETTINGS) as inside:
            yield inside
    finally:
        life.root.rename(folder)
        before.rename(life.root)


def _check_nothing_is_missing(life: Life, inside: Inside, acknowledged: list[str]) -> None:
    assert not inside.app.db.damage, inside.app.db.damage
    assert not inside.app.library.broken
    for title in (mark.split()[1] for mark in acknowledged if mark.startswith("received ")):
        shown = inside.show(life.ids[title])
        assert shown["sha256"] == hashlib.sha256(life.sent[title]).hexdigest()
        assert shown["health"] != "lost"
        ledger: Ledger = inside.app.library.ledger(life.ids[title])
        archive = inside.app.library.archive(life.ids[title])
        assert (ledger.title, ledger.removed_at) == (archive.title, archive.removed_at)
        if f"remote {title}" in acknowledged:
            assert shown["rung"] in {"remote", "proven"}
        if f"asked renamed {title}" in acknowledged:
            assert shown["title"] in ({"another title"} if f"renamed {title}" in acknowledged else {title, "another title"})
    # What was asked last and not acknowledged may be done or not; all else is as it was said to be.
    last = next((mark for mark in reversed(acknowledged) if mark in {"removed two", "undone two", "received two"}), None)
    if last and f"asked {last}" == next((mark for mark in reversed(acknowledged) if mark.startswith("asked ")), f"asked {last}"):
        assert bool(inside.show(life.ids["two"])["removed_at"]) == (last == "removed two")


def _check_all_ends_right(life: Life, inside: Inside, acknowledged: list[str]) -> None:
    if "handed three" in acknowledged and "received three" not in acknowledged:
        found = wait_for(lambda: inside.ask("archive/list", search="three")["archives"], what="the inbox to be taken in")
        assert inside.local_bytes(found[0]["id"]) == life.sent["three"]
    for title in (mark.split()[1] for mark in acknowledged if mark.startswith("received ")):
        if inside.show(life.ids[title])["removed_at"]:
            inside.ask("archive/undo", archive=life.ids[title])
        inside.ask("archive/restore", archive=life.ids[title])
    for title in (mark.split()[1] for mark in acknowledged if mark.startswith("received ")):
        inside.wait_local(life.ids[title])
        assert inside.local_bytes(life.ids[title]) == life.sent[title]
        if "connected" in acknowledged:
            inside.wait_remote(life.ids[title])
            stored = inside.remote_folder(life.remote, life.ids[title])
            assert b"".join(path.read_bytes() for path in sorted(stored.glob("0*"))) == life.sent[title]
    wait_for(lambda: not inside.app.problems.standing(), what="all problems to be mended")
