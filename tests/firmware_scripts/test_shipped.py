"""The scripts that ship, each run by the runner against an appliance for which its situation was made."""

from __future__ import annotations

import ast
import base64
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firmware_scripts.shipped_stage import BATCH, FOLDER, MANIFEST, Place, Shipping, placed
from tests.waiting import wait_for

CONTENT = os.urandom(2 * BATCH + 1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed(tmp_path_factory) as place:
        yield place


@pytest.fixture
def inside(place: Place, tmp_path: Path) -> Iterator[Shipping]:
    with Shipping(tmp_path / "data", place) as inside:
        yield inside


@pytest.fixture
def remote(inside: Shipping, tmp_path: Path) -> Path:
    inside.connect(tmp_path / "disk")
    return tmp_path / "disk"


def put(inside: Shipping, title: str, content: bytes = CONTENT) -> str:
    """Handed in and remote."""
    archive_id = inside.put(content, title=title)
    inside.wait_remote(archive_id)
    return archive_id


def files_of(place: Path) -> dict[str, bytes]:
    """All below, by name, but for copies of the catalog, which come when they come."""
    found = {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if "/catalog/" not in name}


def damage(inside: Shipping, archive_id: str) -> None:
    path = Path(inside.ask("archive/locate", archive=archive_id)["path"])
    with path.open("r+b") as file:
        file.seek(BATCH + 7)
        file.write(b"not what was there")


# The list of them


def test_the_list_names_every_script_that_lies_there_and_describes_it_as_its_docstring_does() -> None:
    parts = {"__init__.py", "appliance_api.py", "runner.py"}
    assert {entry["file"] for entry in MANIFEST.values()} == {path.name for path in FOLDER.glob("*.py")} - parts
    for script_id, entry in MANIFEST.items():
        docstring = ast.get_docstring(ast.parse((FOLDER / entry["file"]).read_text())) or ""
        assert entry["description"].split() == docstring.split(), script_id
        assert entry["file"] == f"{script_id.replace('-', '_')}.py"


def test_the_appliance_offers_all_of_them_as_the_list_says(inside: Shipping) -> None:
    offered = {script["id"]: script for script in inside.ask("script/list")["scripts"] if script["shipped"]}
    assert offered.keys() == MANIFEST.keys()
    for script_id, entry in MANIFEST.items():
        assert {name: offered[script_id][name] for name in ("title", "permission")} == {
            name: entry[name] for name in ("title", "permission")
        }
        assert base64.b64decode(inside.ask("script/show", script=script_id)["source_base64"]) == (FOLDER / entry["file"]).read_bytes()


def test_each_script_is_short_and_asks_through_appliance_api_alone() -> None:
    allowed = {"appliance_api", "sys", "datetime", "itertools", "time"}
    for entry in MANIFEST.values():
        source = (FOLDER / entry["file"]).read_text()
        nodes = list(ast.walk(ast.parse(source)))
        modules = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
        modules |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        assert modules <= allowed, entry["file"]
        assert source.count("\n") <= 60, entry["file"]
        assert not any(isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open" for node in nodes)


def test_what_changes_something_is_refused_to_a_run_that_may_only_look(inside: Shipping, remote: Path) -> None:
    put(inside, "Letters")
    source = inside.ask("script/show", script="transfer-now")["source_base64"]
    inside.ask("script/save", script="only-looks", title="Only looks", source_base64=source, permission="read")
    ran = inside.run("only-looks")
    assert ran.status == 1
    assert "NotAllowed" in ran.text


# Checks


def test_local_copies_are_right_or_their_damage_is_named(inside: Shipping, remote: Path) -> None:
    letters, photos = put(inside, "Letters"), put(inside, "Photos")
    assert (ran := inside.run("verify-store")).status == 0, ran
    inside.ask("transfer/pause")
    damage(inside, letters)
    ran = inside.run("verify-store")
    assert ran.status == 1
    assert f"Letters ({letters}): batch 1: checksum wrong" in ran.lines
    assert ran.lines[-2] == "2 archives, 6 batches read"
    assert inside.run("verify-store", photos).status == 0
    inside.ask("transfer/resume")
    wait_for(lambda: inside.show(letters)["batches_cached"] == 3, what="the batch to be mended")
    assert inside.run("verify-store").status == 0


def test_what_the_remote_lacks_is_named_and_sent_again(inside: Shipping, remote: Path) -> None:
    letters = put(inside, "Letters")
    missing = inside.remote_folder(remote, letters) / "00000001"
    missing.unlink()
    ran = inside.run("verify-remote", "repair")
    assert any(line.startswith("Letters: batch 1 ") and line.endswith("; it is back") for line in ran.lines), ran
    assert ran.status == 0, ran
    assert (inside.show(letters)["batches_stored"], len(list(missing.parent.glob("0*")))) == (3, 3)


def test_without_a_word_what_is_missing_is_told_and_waits_for_its_turn(inside: Shipping, remote: Path) -> None:
    letters = put(inside, "Letters")
    inside.ask("transfer/pause")
    (inside.remote_folder(remote, letters) / "00000002").unlink()
    before = files_of(remote)
    ran = inside.run("verify-remote")
    assert ran.status == 1
    assert "left: 1 missing or damaged" in ran.lines[-1]
    assert files_of(remote) == before


def test_orphans_are_listed_and_only_adopted_when_that_is_asked_for(inside: Shipping, remote: Path) -> None:
    letters = put(inside, "Letters")
    copy = inside.remote_folder(remote, "stranger-0001")
    shutil.copytree(inside.remote_folder(remote, letters), copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, "archive_id": "stranger-0001", "title": "Found again"}))
    before = files_of(remote)
    ran = inside.run("verify-remote")
    assert ran.status == 1
    assert any(line.startswith("orphan: disk/stranger-0001/") for line in ran.lines), ran
    assert ran.lines[-1].startswith("left: ")
    assert files_of(remote) == before
    assert [archive["id"] for archive in inside.ask("archive/list")["archives"]] == [letters]
    ran = inside.run("verify-remote", "adopt")
    assert any("adopted" in line for line in ran.lines if line.startswith("orphan: ")), ran
    assert inside.show("stranger-0001")["title"] == "Found again"
    assert inside.run("verify-remote", "everything").status == 1


def test_the_drill_reads_back_no_more_than_its_budget_until_all_is_proven(inside: Shipping, remote: Path) -> None:
    put(inside, "Letters")
    ran = inside.run("integrity-drill", "0.11")
    assert (ran.status, ran.values) == (0, {"damaged": 0, "proven": 0}), ran
    for _ in range(2):
        ran = inside.run("integrity-drill", "0.11")
    assert (ran.status, ran.values["proven"]) == (0, 1), ran


def test_the_drill_ends_with_an_error_where_it_finds_damage(inside: Shipping, remote: Path) -> None:
    letters = put(inside, "Letters")
    inside.ask("transfer/pause")
    (inside.remote_folder(remote, letters) / "00000000").write_bytes(bytes(BATCH))
    ran = inside.run("integrity-drill")
    assert ran.status == 1
    assert ran.values["damaged"] >= 1
    assert any(line.startswith("Letters on disk, batch 0: ") for line in ran.lines)


# Transfers, restores, space


def test_what_waits_is_transferred_now(inside: Shipping, remote: Path) -> None:
    away = remote.rename(remote.with_name("unplugged"))
    letters = inside.put(CONTENT, title="Letters")
    ran = inside.run("transfer-now", "2")
    assert ran.status == 1, ran
    assert any(line.startswith("Letters: 3 batches up, ") for line in ran.lines), ran
    away.rename(remote)
    ran = inside.run("transfer-now")
    assert (ran.status, ran.lines[-1]) == (0, "Nothing waits."), ran
    assert inside.show(letters)["rung"] == "remote"


def test_missing_copies_come_back_and_a_dry_run_asks_for_nothing(inside: Shipping, remote: Path) -> None:
    letters, photos = put(inside, "Letters"), put(inside, "Photos")
    inside.release(letters)
    inside.release(photos)
    ran = inside.run("restore-missing")
    assert (ran.status, ran.lines[-2]) == (0, "2 archives are not here, 400.0 kB"), ran
    assert not inside.show(letters)["wanted_local"]
    ran = inside.run("restore-missing", "Letters")
    assert ran.status == 0, ran
    assert (inside.local_bytes(letters), inside.show(photos)["local"]) == (CONTENT, False)
    assert inside.run("restore-missing", "all").status == 0
    assert inside.local_bytes(photos) == CONTENT
    assert "nothing was asked for: there is no archive" in inside.run("restore-missing", "Nothing of that name").text


def test_unfinished_restores_are_told_and_end_by_themselves(inside: Shipping, remote: Path) -> None:
    letters = put(inside, "Letters")
    assert inside.run("finish-restores").lines[-1] == "No restore is unfinished."
    inside.release(letters)
    inside.ask("transfer/pause")
    inside.ask("archive/restore", archive=letters)
    ran = inside.run("finish-restores")
    assert ran.status == 1
    assert "Letters: 0 of 3 batches are here" in ran.lines
    inside.ask("transfer/resume")
    inside.wait_local(letters)
    assert inside.run("finish-restores").status == 0


def test_space_is_freed_by_the_oldest_that_are_proven_down_to_the_target(inside: Shipping, remote: Path) -> None:
    ids = [put(inside, title) for title in ("First", "Second", "Third", "Fourth")]
    inside.job("integrity/verify", archives=ids[:3], read_back=True)
    inside.ask("archive/pin", archive=ids[0])
    assert "name the GB" in inside.run("free-space").text
    assert "'nan' is no number of at least 0" in inside.run("free-space", "nan").text
    ran = inside.run("free-space", "0.00060001", "try")
    assert [line.partition(", of ")[0] for line in ran.lines if line.endswith("would go")] == ["Second"], ran
    assert all(inside.show(each)["local"] for each in ids)
    assert inside.run("free-space", "0.00060001").status == 0
    assert [inside.show(each)["local"] for each in ids] == [True, False, True, True]
    ran = inside.run("free-space", "0.0002")
    assert (ran.status, ran.lines[-2]) == (1, "local copies take 400.0 kB"), ran
    assert [inside.show(each)["local"] for each in ids] == [True, False, False, True]


# What takes something away


def test_a_connection_is_emptied_only_with_its_name_typed_and_while_it_has_no_only_copy(
    inside: Shipping, remote: Path, tmp_path: Path
) -> None:
    letters = put(inside, "Letters")
    inside.release(letters)
    (tmp_path / "second").mkdir()
    second = inside.ask("connection/add", kind="folder", name="second", path=str(tmp_path / "second"))["id"]
    inside.ask("connection/validate", connection=second)
    before = files_of(remote)
    assert "active" in inside.run("empty-connection", "disk", "disk").text
    inside.ask("transfer/pause")
    inside.ask("connection/activate", connection=second)
    ran = inside.run("empty-connection", "disk", "disk")
    assert (ran.status, ran.lines[-1].startswith("not emptied: ")) == (1, True), ran
    assert files_of(remote) == before
    inside.ask("transfer/resume")
    inside.ask("archive/restore", archive=letters)
    inside.wait_local(letters)
    ran = inside.run("empty-connection", "disk")
    assert (ran.status, "This was a dry run" in ran.text) == (0, True), ran
    assert "nothing was changed" in inside.run("empty-connection", "disk", "Disk").text
    assert files_of(remote) == before
    ran = inside.run("empty-connection", "disk", "disk")
    assert (ran.status, "In the trash of disk: 4 objects of 1 archive" in ran.text) == (0, True), ran
    assert not list(inside.remote_folder(remote, letters).glob("0*"))


def test_a_reset_leaves_an_empty_appliance_and_every_remote_as_it_was(inside: Shipping, remote: Path) -> None:
    ids = [put(inside, "Letters"), put(inside, "Photos")]
    inside.begin(b"never committed", "half.bin")
    own_id = inside.app.folder.appliance_id
    before = files_of(remote)
    inside.release(ids[0])
    ran = inside.run("reset-appliance", own_id)
    assert (ran.status, "refused, nothing was changed" in ran.lines[-1]) == (1, True), ran
    inside.ask("archive/restore", archive=ids[0])
    inside.wait_local(ids[0])
    for arguments, status in ([], 0), (["some-other-id"], 1):
        ran = inside.run("reset-appliance", *arguments)
        assert (ran.status, f"appliance {own_id}: 2 archives, 1 connection, 1 upload" in ran.text) == (status, True), ran
    assert inside.ask("archive/summary")["archives"] == 2
    ran = inside.run("reset-appliance", own_id)
    assert (ran.status, ran.lines[-1]) == (0, "The appliance is empty."), ran
    assert (inside.ask("archive/list")["total"], inside.ask("connection/list")["connections"]) == (0, [])
    assert inside.ask("archive/uploads")["total"] == 0
    assert files_of(remote) == before
    inside.ask("archive/undo", archive=ids[1])
    assert inside.local_bytes(ids[1]) == CONTENT


# Report, demo data


def test_demo_data_is_loaded_once(inside: Shipping) -> None:
    for lines in (
        ["Photos 2019 (demo): 400.0 kB", "Photos 2020 (demo): 800.0 kB"],
        [f"Photos {y} (demo) is there already" for y in (2019, 2020)],
    ):
        ran = inside.run("load-demo-data", "2")
        assert (ran.status, ran.lines) == (0, [*lines, "All of them are archives now."]), ran
    archives = inside.ask("archive/list", sort="size_bytes")["archives"]
    assert [(archive["title"], archive["size_bytes"], archive["local"]) for archive in archives] == [
        ("Photos 2020 (demo)", 800_000, True), ("Photos 2019 (demo)", 400_000, True),
    ]  # fmt: skip


def test_the_report_tells_what_is_at_risk_and_publishes_it(inside: Shipping) -> None:
    inside.put(bytes(3_000_000), title="Letters")
    ran = inside.run("report")
    assert ran.status == 0, ran
    assert "at risk, for it is only here: 3.0 MB" in ran.lines
    assert "new in 30 days: 1 archive, 3.0 MB" in ran.lines
    assert ran.values == {"at_risk": 0.003, "growth": 0.003, "upload_rate": 0.0}
