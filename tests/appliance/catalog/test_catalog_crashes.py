"""The catalog after SIGKILL and after power cuts at any instant: nothing acknowledged is missing, nothing else has appeared."""

from __future__ import annotations

import errno
import itertools
import os
import random
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from appliance import durable
from appliance.catalog import compaction
from appliance.catalog.journal import CatalogDB, CatalogUnwritable
from tests.appliance.catalog.child import change, count, expected, found
from tests.faults.power import Recorder, Variant

SEED = 20261122
T = TypeVar("T")


@pytest.mark.parametrize("kill", range(6))
def test_after_sigkill_every_acknowledged_change_is_there_and_at_most_one_more(memory: Path, kill: int) -> None:
    random_ = random.Random(f"{SEED} {kill}")
    acknowledged = 0
    for _ in range(2):  # the second starts on what the first left
        acknowledged = killed_after(memory / "catalog", acknowledged, random_.uniform(0.02, 0.4))
        db = CatalogDB.open(memory / "catalog")
        number = count(db)
        assert number in {acknowledged, acknowledged + 1}
        assert (found(db), db.damage) == (expected(SEED, number), [])
        db.close()
        acknowledged = number
    assert acknowledged > 2


def killed_after(folder: Path, acknowledged: int, seconds: float) -> int:
    """The last number that a child acknowledged before it was killed, so long after its first."""
    command = [sys.executable, "-m", "tests.appliance.catalog.child", "change", str(folder), str(SEED)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        lines = child.stdout.fileno()
        assert select.select([lines], [], [], 20)[0], "the child acknowledged nothing"
        output = read_until(lines, time.monotonic() + seconds)
        os.kill(child.pid, signal.SIGKILL)
        output += child.stdout.read()
    whole = output[: output.rfind(b"\n") + 1].split()
    return int(whole[-1]) if whole else acknowledged


def read_until(fd: int, deadline_s: float) -> bytes:
    output = b""
    while (left_s := deadline_s - time.monotonic()) > 0:
        if select.select([fd], [], [], left_s)[0]:
            output += os.read(fd, 65536)
    return output


class FailingDisk:
    """One sync in so many fails, of a file or of the folder, and what was to be synced stays unsynced; often so does the next,
    which is the one that cleans up.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, one_in: int) -> None:
        self._one_in = one_in
        self._random = random.Random(SEED)
        self._again = False
        sync, sync_dir = durable.DurableFile.sync, durable.sync_dir
        monkeypatch.setattr(
            durable.DurableFile, "sync", lambda file, *, data_only=False: self._or_fail(lambda: sync(file, data_only=data_only))
        )
        monkeypatch.setattr(durable, "sync_dir", lambda path: self._or_fail(lambda: sync_dir(path)))

    def _or_fail(self, sync: Callable[[], None]) -> None:
        if self._again or self._random.randrange(self._one_in) == 0:
            self._again = not self._again and self._random.random() < 0.5
            raise OSError(errno.EIO, "Input/output error")
        sync()


def history(recorder: Recorder, folder: Path, sessions: int, changes: int) -> None:
    """Sessions that end without a close, as a kill ends them; compactions happen by themselves and beside the changes."""
    number = 0
    for _ in range(sessions):
        db = again_and_again(lambda: CatalogDB.open(folder))
        for _ in range(changes):
            number += 1
            again_and_again(lambda db=db, number=number: db.apply(change(SEED, number)))  # type: ignore[misc]  # mypy knows no defaults here
            recorder.mark(str(number))
        db._compaction.wait()


def again_and_again(action: Callable[[], T]) -> T:
    for _ in range(100):
        try:
            return action()
        except CatalogUnwritable:
            continue
    raise AssertionError("it never worked")


@pytest.mark.parametrize("failing_one_in", [None, 4, 8])
def test_after_a_power_cut_at_any_operation_every_acknowledged_change_is_there(
    memory: Path, monkeypatch: pytest.MonkeyPatch, failing_one_in: int | None
) -> None:
    (root := memory / "data").mkdir()
    recorder = Recorder(root)
    with monkeypatch.context() as patched, recorder:
        patched.setattr(compaction, "_MIN_BYTES", 1024)
        if failing_one_in:
            FailingDisk(patched, failing_one_in)
        history(recorder, root / "catalog", sessions=2, changes=10)
    for place, variant in cuts(recorder, memory):
        numbers = check_and_go_on(place / "catalog", f"{variant.prefix} {variant.name}")
        acknowledged = len(recorder.marked(variant.prefix))
        assert numbers in {acknowledged, acknowledged + 1}, (variant.prefix, variant.name)


def test_a_start_after_sigkill_makes_safe_what_the_kernel_alone_had_kept(memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "_MIN_BYTES", 1024)
    (root := memory / "data").mkdir()
    recorder = Recorder(root)
    with recorder:
        history(recorder, root / "catalog", sessions=1, changes=12)
    for killed_at in recorder.prefixes():
        later = recorder.killed(killed_at, memory / f"killed-{killed_at}")
        with later:
            db = CatalogDB.open(later.root / "catalog")
            number = count(db)
            later.mark("seen")
            db.apply(change(SEED, number + 1))
            later.mark("one more")
        for prefix in later.prefixes()[killed_at:]:
            if seen := {"seen", "one more"} & set(later.marked(prefix)):
                dropped = later.variants(prefix, SEED)[:2][-1]
                dropped.materialise(memory / f"cut-{killed_at}-{prefix}")
                numbers = check_and_go_on(memory / f"cut-{killed_at}-{prefix}" / "catalog", f"{killed_at} {prefix}")
                assert number + len(seen) - 1 <= numbers <= number + 1, (killed_at, prefix)


def check_and_go_on(folder: Path, where: str) -> int:
    """How many changes there are, having shown that they are the first so many, and that others may follow."""
    db = CatalogDB.open(folder)
    number = count(db)
    assert (found(db), db.damage, db.is_complete) == (expected(SEED, number), [], True), where
    is_compacted = any(re.fullmatch(r"snapshot-\d+", path.name) for path in folder.iterdir())  # be it of a catalog with nothing in it
    assert db.is_new == (number == 0 and not is_compacted), where
    db.apply({"after": {"the cut": {}}})
    db.close()
    again = CatalogDB.open(folder)
    assert found(again) == expected(SEED, number) | {"after": {"the cut": {}}}, where
    again.close()
    return number


@pytest.mark.parametrize("failures", [1, 2])
def test_after_a_power_cut_a_journal_that_could_not_be_begun_hides_nothing(
    memory: Path, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    (root := memory / "data").mkdir()
    recorder = Recorder(root)
    with recorder:
        db = CatalogDB.open(root / "catalog")
        sync_dir, left = durable.sync_dir, iter(range(failures))
        with monkeypatch.context() as patched:
            patched.setattr(durable, "sync_dir", lambda path: sync_dir(path) if next(left, None) is None else fail())
            with pytest.raises(CatalogUnwritable):
                db.compact()
        for number in range(1, 4):
            db.apply(change(SEED, number))
            recorder.mark(str(number))
    for place, variant in cuts(recorder, memory, seeds=6):
        numbers = check_and_go_on(place / "catalog", f"{variant.prefix} {variant.name}")
        assert numbers >= len(recorder.marked(variant.prefix)), (variant.prefix, variant.name)


def fail() -> None:
    raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize(("name", "lost"), [("journal-2", True), ("snapshot-2", False)])
def test_after_a_power_cut_while_damage_is_dealt_with_it_is_said_again_and_as_much_is_there(memory: Path, name: str, lost: bool) -> None:
    root = memory / "data"
    damaged = damaged_catalog(root / "catalog", name)
    recorder = Recorder(root)
    with recorder:
        db = CatalogDB.open(root / "catalog")
    rows, damage = found(db), db.damage
    for place, variant in cuts(recorder, memory):
        again = CatalogDB.open(place / "catalog")
        assert (found(again), again.is_complete) == (rows, not lost), (variant.prefix, variant.name)
        assert [sentence.split(";")[0] for sentence in again.damage] == [sentence.split(";")[0] for sentence in damage]
        assert damaged in {path.read_bytes() for path in (place / "catalog").glob(f"{name}*")}
        again.close()


def damaged_catalog(folder: Path, name: str) -> bytes:
    """The content of that file, with one bad line in the middle of it."""
    db = CatalogDB.open(folder)
    db.apply({"t": {str(number): {"n": number} for number in range(4)}})
    db.compact()
    for number in range(4, 9):
        db.apply({"t": {str(number): {"n": number}}})
    db.close()
    path = folder / name
    path.write_bytes(path.read_bytes().replace(b'{"n":2}', b'{"n":3}').replace(b'{"n":5}', b'{"n":6}'))
    return path.read_bytes()


def cuts(recorder: Recorder, memory: Path, seeds: int = 1) -> Iterator[tuple[Path, Variant]]:
    """A folder for each variant of each prefix."""
    for prefix, seed in itertools.product(recorder.prefixes(), range(SEED, SEED + seeds)):
        for variant in recorder.variants(prefix, seed):
            place = memory / f"{prefix}-{seed}-{variant.name}"
            variant.materialise(place)
            yield place, variant


NAMES = st.sampled_from(["a", "b", "c", "d"])
ROWS = st.dictionaries(
    st.text(max_size=3), st.integers() | st.text(max_size=5) | st.none() | st.lists(st.booleans(), max_size=2), max_size=3
)


class AgainstADict(RuleBasedStateMachine):
    """Whatever is done, the catalog holds what a dict would."""

    folder: Path
    number = 0

    @initialize()
    def start(self) -> None:
        type(self).number += 1
        self.path = self.folder / str(type(self).number)
        self.db = CatalogDB.open(self.path)
        self.model: dict[str, Any] = {}

    @rule(name=NAMES, row=ROWS)
    def put(self, name: str, row: dict[str, Any]) -> None:
        self.db.table("t").put(name, row)
        self.model[name] = row

    @rule(name=NAMES, row=ROWS)
    def update(self, name: str, row: dict[str, Any]) -> None:
        updated = self.db.table("t").update(row, doc_ids=[name])
        assert updated == ([name] if name in self.model else [])
        if updated:
            self.model[name] = self.model[name] | row

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        assert self.db.table("t").remove(doc_ids=[name]) == ([name] if name in self.model else [])
        self.model.pop(name, None)

    @rule(rows=st.dictionaries(NAMES, ROWS | st.none()))
    def apply(self, rows: dict[str, Any]) -> None:
        self.db.apply({"t": rows})
        self.model = {name: row for name, row in (self.model | rows).items() if row is not None}

    @rule()
    def truncate(self) -> None:
        self.db.table("t").truncate()
        self.model = {}

    @rule()
    def compact(self) -> None:
        self.db.compact()

    @rule(closed=st.booleans())
    def reopen(self, closed: bool) -> None:
        if closed:
            self.db.close()
        self.db = CatalogDB.open(self.path)
        assert self.db.damage == []

    def teardown(self) -> None:
        if hasattr(self, "db"):
            assert dict(self.db.table("t").items()) == self.model
            self.db.close()


def test_any_history_leaves_what_a_dict_would_hold(memory: Path) -> None:
    AgainstADict.folder = memory
    quick = settings(max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    AgainstADict.TestCase.settings = quick
    machine = AgainstADict.TestCase()
    machine.runTest()
