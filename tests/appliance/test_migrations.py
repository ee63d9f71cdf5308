"""Data of an older format is brought up on a copy: whatever breaks that off, the next start has the old data or the new, and goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from appliance import durable, migrations
from appliance.catalog import ledger_format
from appliance.migrations import FORMATS, Format, OlderFormat, migrate
from tests.inside import Inside

OLD = 0  # no release ever wrote it


def with_version(folder: Path, version: int) -> None:
    """Ledgers as that version would have begun them."""
    for path in folder.iterdir():
        content = path.read_bytes()
        durable.replace(path, ledger_format._preamble(version) + content[16:])


def registered(monkeypatch: pytest.MonkeyPatch, version: int = 1) -> None:
    made_up = replace(FORMATS[1], steps={OLD: lambda folder: with_version(folder, 1)}, version=version)
    monkeypatch.setattr(migrations, "FORMATS", (FORMATS[0], made_up))


def test_ledgers_of_an_older_version_are_brought_up_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Inside(tmp_path / "data") as inside:
        archive_id = inside.put(b"kept")
    with_version(tmp_path / "data/ledger", OLD)
    registered(monkeypatch)
    with Inside(tmp_path / "data") as inside:
        assert inside.local_bytes(archive_id) == b"kept"
        assert inside.problems() == {}
    assert [path.name for path in (tmp_path / "data").glob(".*") if path.name != ".lock"] == []


def test_a_version_without_a_way_is_refused_and_nothing_is_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Inside(tmp_path / "data") as inside:
        inside.put(b"kept")
    with_version(tmp_path / "data/ledger", OLD)
    registered(monkeypatch, version=3)
    before = [path.read_bytes() for path in (tmp_path / "data/ledger").iterdir()]
    with pytest.raises(OlderFormat, match="upgrade to a version in between first"):
        Inside(tmp_path / "data")
    assert [path.read_bytes() for path in (tmp_path / "data/ledger").iterdir()] == before


class Cut(Exception):
    """The end came."""


def test_it_may_be_broken_off_after_any_operation_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bring_up(folder: Path) -> None:
        for path in folder.rglob("*.txt"):
            durable.replace(path, path.read_bytes().replace(b"old", b"new"))

    def oldest(folder: Path) -> int:
        return int(not any(b"old" in path.read_bytes() for path in folder.rglob("*.txt")))

    monkeypatch.setattr(migrations, "FORMATS", (Format(folder="catalog", version=1, oldest=oldest, steps={OLD: bring_up}),))
    monkeypatch.setattr(durable, "observer", None)
    for event in range(1000):
        data = tmp_path / str(event)
        (data / "catalog/below").mkdir(parents=True)
        for name in ("one.txt", "below/two.txt"):
            (data / "catalog" / name).write_text("old")
        left = [event]

        def cut(_: durable.Operation, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Cut

        durable.observer = cut
        was_cut = True
        try:
            migrate(data)
            was_cut = False
        except Cut:
            pass
        durable.observer = None
        migrate(data)
        assert sorted(path.read_text() for path in data.rglob("*.txt")) == ["new", "new"]
        assert [path.name for path in data.iterdir()] == ["catalog"]
        if not was_cut:
            break
    assert event > 20
