"""Scripts that are saved: byte for byte, with versions, and nobody's work is written over."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import ApplianceError, BadRequest, Conflict, Damaged, NotFound
from appliance.scripts import saved as saved_module
from appliance.scripts.shipped import Shipped
from mqtt.script_messages import MAX_SOURCE_BYTES
from tests.inside import Inside

ODD = b"#!/usr/bin/python\r\nprint('\xff\x00\xc3\xa4')\t \n\n  "


def save(inside: Inside, source: bytes, script: str = "odd", based_on: int | None = None, **more: Any) -> Any:
    more = more | ({"based_on": based_on} if based_on else {})
    return inside.ask("script/save", **{"script": script, "title": "Odd", "source_base64": base64.b64encode(source).decode()} | more)


def source_of(inside: Inside, script: str = "odd", **more: Any) -> bytes:
    return base64.b64decode(inside.ask("script/show", script=script, **more)["source_base64"])


def test_a_source_comes_back_byte_for_byte_and_lies_so_on_the_disk_also_after_a_restart(tmp_path: Path) -> None:
    with Inside(tmp_path) as inside:
        saved = save(inside, ODD, description="Two\nlines", permission="change", limits={"wall_s": 5})
        assert (saved["version"], saved["sha256"], saved["saved_by"]) == (1, hashlib.sha256(ODD).hexdigest(), "cli")
    with Inside(tmp_path) as inside:
        shown = inside.ask("script/show", script="odd")
        assert (source_of(inside), shown["description"], shown["permission"], shown["limits"]["wall_s"]) == (ODD, "Two\nlines", "change", 5)
        assert (tmp_path / "scripts/odd/1.py").read_bytes() == ODD


def test_each_save_is_a_version_and_an_old_one_comes_back_as_a_new_one(tmp_path: Path) -> None:
    with Inside(tmp_path) as inside:
        save(inside, b"1", title="First", permission="change")
        save(inside, b"2", title="Second", based_on=1)
        back = inside.ask("script/roll-back", script="odd", version=1)
        assert (back["version"], back["title"], back["permission"], source_of(inside)) == (3, "First", "change", b"1")
        assert source_of(inside, version=2) == b"2"
        versions = inside.ask("script/versions", script="odd")["versions"]
        assert [(each["version"], each["title"]) for each in versions] == [(3, "First"), (2, "Second"), (1, "First")]
        with pytest.raises(NotFound, match="version 9"):
            inside.ask("script/roll-back", script="odd", version=9)


def test_who_did_not_see_the_newest_version_writes_over_nothing(tmp_path: Path) -> None:
    with Inside(tmp_path) as inside:
        save(inside, b"1")
        save(inside, b"2", based_on=1)
        for basis, words in ((1, "cli saved version 2"), (None, "is taken by 'Odd'"), (3, "based on 3")):
            with pytest.raises(Conflict, match=words):
                save(inside, b"mine", based_on=basis)
        with pytest.raises(Conflict, match="any more"):
            save(inside, b"mine", script="deleted", based_on=1)
        assert source_of(inside) == b"2"


def test_the_last_fifty_versions_are_kept_and_no_file_of_an_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_module, "MOST_VERSIONS", 3)
    with Inside(tmp_path) as inside:
        for number in range(5):
            save(inside, b"%d" % number, based_on=number)
        assert sorted(path.name for path in (tmp_path / "scripts/odd").iterdir()) == ["3.py", "4.py", "5.py"]
        with pytest.raises(NotFound, match="versions 3 and later"):
            inside.ask("script/show", script="odd", version=2)


def test_a_deleted_script_leaves_nothing_and_its_id_is_free(tmp_path: Path) -> None:
    with Inside(tmp_path) as inside:
        save(inside, b"1")
        inside.ask("script/delete", script="odd")
        assert not (tmp_path / "scripts/odd").exists()
        assert inside.ask("script/list")["total"] == len(Shipped.of_package().scripts)
        assert save(inside, b"2")["version"] == 1
        with pytest.raises(NotFound):
            inside.ask("script/delete", script="nobody")


def test_a_source_that_changed_on_the_disk_is_not_run_or_shown_as_what_was_saved(tmp_path: Path) -> None:
    with Inside(tmp_path) as inside:
        save(inside, b"1")
        (tmp_path / "scripts/odd/1.py").write_bytes(b"other")
        with pytest.raises(Damaged, match="its bytes have changed"):
            inside.ask("script/show", script="odd")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"script": "../x"}, "pattern"), ({"script": "A"}, "pattern"), ({"script": "x"}, "pattern"), ({"script": "new"}, "choose another"),
        ({"title": ""}, "at least 1"),
        ({"source_base64": "é"}, "not base64"), ({"limits": {"wall_s": 0}}, "greater than"), ({"limits": {"walls": 1}}, "not permitted"),
        ({"permission": "root"}, "permission"), ({"source_base64": base64.b64encode(b"x" * (MAX_SOURCE_BYTES + 1)).decode()}, "240000"),
    ],
)  # fmt: skip
def test_what_cannot_be_saved_is_refused_in_words_and_changes_nothing(tmp_path: Path, parameters: dict[str, Any], words: str) -> None:
    with Inside(tmp_path) as inside:
        with pytest.raises(BadRequest, match=words):
            save(inside, b"1", **parameters)
        assert not (tmp_path / "scripts/odd").exists()


def test_the_largest_source_is_saved_and_shown(tmp_path: Path) -> None:
    with Inside(tmp_path) as inside:
        save(inside, b"x" * MAX_SOURCE_BYTES)
        assert len(source_of(inside)) == MAX_SOURCE_BYTES


def test_there_is_an_end_to_how_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_module, "MOST_SCRIPTS", 1)
    with Inside(tmp_path) as inside:
        save(inside, b"1")
        with pytest.raises(Conflict, match="the most"):
            save(inside, b"1", script="another")


def test_what_comes_with_the_appliance_is_copied_not_changed(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "one.py").write_bytes(b"print(1)\n")
    (package / "shipped.toml").write_text(
        '[show-one]\ntitle = "Show one"\nfile = "one.py"\npermission = "change"\nlimits = { wall_s = 7 }\n'
        '[away]\ntitle = "Away"\nfile = "nothing.py"\n[outside]\ntitle = "Outside"\nfile = "../x.py"\n'
    )
    with Inside(tmp_path / "data") as inside:
        inside.app.scripts.saved._shipped = Shipped.read(package).scripts
        (listed,) = inside.ask("script/list")["scripts"]
        told = (listed["id"], listed["shipped"], listed["permission"], listed["limits"]["wall_s"], listed["saved_by"], listed["saved_at"])
        assert told == ("show-one", True, "change", 7, "appliance", None)
        assert source_of(inside, "show-one") == b"print(1)\n"
        source = base64.b64encode(b"2").decode()
        acts: list[tuple[str, dict[str, Any]]] = [
            ("save", {"title": "x", "source_base64": source, "based_on": 1}), ("save", {"title": "x", "source_base64": source}),
            ("delete", {}), ("roll-back", {"version": 1}),
        ]  # fmt: skip
        for act, more in acts:
            with pytest.raises(Conflict, match="came with the appliance"):
                inside.ask(f"script/{act}", script="show-one", **more)
        save(inside, source_of(inside, "show-one"), script="mine")
        assert inside.ask("script/list")["total"] == 2


def test_who_saved_and_deleted_is_in_the_audit_trail(tmp_path: Path) -> None:
    with Inside(tmp_path) as inside:
        save(inside, b"secret = 'in a source'", permission="change")
        inside.ask("script/delete", script="odd")
        with pytest.raises(ApplianceError):
            inside.ask("script/delete", script="odd")
        acts = [(line["what"], line["about"]) for line in inside.ask("audit/query")["lines"]]
        assert acts[:2] == [("script/delete", "script odd"), ("script/save", "title Odd, script odd, permission change")]
