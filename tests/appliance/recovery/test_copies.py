"""Copies of the catalog on the remote: made without secrets, kept few, and what comes back of them at a recovery."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from appliance.recovery.copy_format import copy_of, read_copy, tables_of
from tests.appliance.recovery.places import BATCH, NAME, FolderPlace, Place, connect, keep, recover
from tests.inside import Inside

SECRET, AT = "do-not-tell", "2026-11-22T10:00:00Z"
USERS: dict[str, Any] = {
    "ben": {"role": "admin", "created_at": AT, "password_hash": SECRET, "sessions": [SECRET], "more": {"totp_secret": SECRET}},
    "eva": {"role": "member", "created_at": AT, "password_hash": SECRET, "email": "eva@example.org"},
}  # fmt: skip
SOURCE = b"print('token')\n\tprint(1)\r\n\xff"


def copies(place: Place, appliance_id: str) -> list[str]:
    return sorted(name for archive_id, name in place.found(appliance_id) if archive_id == "catalog")


def fill(inside: Inside) -> None:
    """Users, a script with two versions, and what is deployed of it."""
    inside.app.db.apply({"users": USERS})
    for source, based_on in ((b"first", {}), (SOURCE, {"based_on": 1})):
        text = base64.b64encode(source).decode()
        inside.ask("script/save", script="nightly", title="Nightly", source_base64=text, permission="change", **based_on)
    inside.ask("deployment/save", script="nightly", every_s=60)
    inside.ask("deployment/save", script="nightly", cron="30 3 * * *", enabled=False)
    inside.ask("settings/set", name="undo_days", value=90)


def table(inside: Inside, name: str) -> dict[str, Any]:
    return dict(inside.app.db.table(name).items())


def test_a_copy_holds_what_manifests_do_not_and_no_secret(place: Place, tmp_path: Path) -> None:
    with place.appliance(tmp_path / "data") as inside:
        connect(place, inside)
        (archive_id,) = keep(inside, BATCH)
        fill(inside)
        assert inside.app.copier.run_once()
        appliance_id = inside.app.folder.appliance_id
        (name,) = copies(place, appliance_id)
        content = place.content(appliance_id, "catalog", name)
        secrets = [SECRET, *(text for file in (inside.data / "secrets").iterdir() for text in _texts(json.loads(file.read_text())))]
        assert [each for each in secrets if each.encode() in content] == []
        copy = read_copy(content)
        assert (copy.archives[archive_id].title, copy.settings) == ("File 0", {"undo_days": 90})
        (version,) = copy.scripts["nightly"]["versions"]
        assert (version["version"], base64.b64decode(copy.scripts["nightly"]["source_base64"])) == (2, SOURCE)
        eva = {"role": "member", "created_at": AT, "email": "eva@example.org"}
        assert copy.users == {"ben": {"role": "admin", "created_at": AT, "more": {}}, "eva": eva}


def _texts(value: Any) -> list[str]:
    """All that is long enough to be a secret; the id of the OAuth client is none."""
    if isinstance(value, dict):
        return [text for key, each in value.items() if key not in {"client_id", "type", "granted_at"} for text in _texts(each)]
    return [text for each in value for text in _texts(each)] if isinstance(value, list) else [value] * (len(str(value)) > 20)


def test_a_copy_is_made_only_of_what_changed_and_the_newest_five_stay(place: Place, tmp_path: Path) -> None:
    with place.appliance(tmp_path / "data", catalog_copy_minutes=1) as inside:
        connect(place, inside)
        assert inside.app.copier.run_once()
        assert not inside.app.copier.run_once(), "not again within the minute"
        inside.app.copier._is_due = lambda connection: connection.active  # type: ignore[method-assign]  # as if the minute were over
        assert not inside.app.copier.run_once(), "nothing has changed"
        for number in range(7):
            inside.ask("settings/set", name="undo_days", value=40 + number)
            assert inside.app.copier.run_once()
        found = inside.ask("integrity/tombstones", limit=100)["objects"]
        assert {each["reason"] for each in found} == {"old copy"}
        assert len(copies(place, inside.app.folder.appliance_id)) - len(found) == 5
        assert place.trashed() == 0, "old copies have their grace time like everything of ours"


def test_of_a_copy_that_is_gone_nothing_is_remembered(place: Place, tmp_path: Path) -> None:
    with place.appliance(tmp_path / "data") as inside:
        connect(place, inside)
        assert inside.app.copier.run_once()
        (known,) = inside.app.copier._seen.values()
        (there,) = known
        known["gone"] = known[there]
        inside.ask("settings/set", name="undo_days", value=40)
        inside.app.copier._is_due = lambda connection: connection.active  # type: ignore[method-assign]  # as if the hour were over
        assert inside.app.copier.run_once()
        assert there in known
        assert "gone" not in known


def test_users_come_back_without_passwords_and_deployments_disabled(place: Place, tmp_path: Path) -> None:
    with place.appliance(tmp_path / "old") as old:
        connect(place, old)
        keep(old, BATCH)
        fill(old)
        assert old.app.copier.run_once()
        appliance_id = old.app.folder.appliance_id
    with place.appliance(tmp_path / "new", appliance_id=appliance_id) as new:
        connect(place, new)
        here = {"role": "admin", "created_at": AT, "password_hash": "of the new one"}
        new.app.db.apply({"users": {"eva": here}})
        state = recover(new)
        assert (state["users"], state["scripts"], state["deployments"], state["settings"]) == (2, 1, 2, 1)
        users = table(new, "users")
        assert users["eva"] == here, "who is here already stays as she is"
        assert users["ben"] == {"role": "admin", "created_at": AT}
        shown = new.ask("script/show", script="nightly")
        assert (base64.b64decode(shown["source_base64"]), shown["version"], shown["permission"]) == (SOURCE, 2, "change")
        assert [each["next_at"] for each in new.ask("deployment/list")["deployments"]] == [[], []]
        assert [row["enabled"] for row in table(new, "deployments").values()] == [False, False]
        assert new.app.settings.current.undo_days == 90
        recover(new)
        assert table(new, "users") == users, "doing it twice is doing it once"


FORGED: dict[str, Any] = {
    "grace_days": 0, "undo_days": 0, "trash_per_run": 10**9, "unfinished_days": 0, "mqtt_password": "x", "data": "/etc", "no_such": 1,
    "mqtt_host": "evil.example", "drive_endpoint": "https://evil.example", "batch_size_mib": {"a": 1}, "retry_cap_s": float("1e999"),
    "stall_timeout_s": "soon", "reserve_mib": [], "default_owner": "../root", "transfers": True, "log_level": None,
    "registration": "open",
}  # fmt: skip


def test_a_forged_copy_of_settings_makes_nothing_be_deleted_earlier_and_leads_nowhere_else(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path / "disk")
    with place.appliance(tmp_path / "old") as old:
        connect(place, old)
        keep(old, BATCH)
        appliance_id = old.app.folder.appliance_id
    forged_users = {
        "ben": {"role": "admin", "created_at": AT, "password_hash": "known to the forger", "password": "known to the forger"},
        "no-role": {"role": "root", "created_at": AT}, "no-date": {"role": "admin"}, "x.part": {"role": "member", "created_at": AT},
    }  # fmt: skip
    deployments = {
        "d0a1b2c3": {"script_id": "s1", "every_s": 1, "changed_at": AT, "enabled": True}, "d1": {"script": "s1"},
        "..": {"script_id": "s1", "every_s": 1, "changed_at": AT}, "d0a1b2c4": {"script_id": "../x", "every_s": 0, "changed_at": AT},
    }  # fmt: skip
    version = {"title": "S", "version": 1, "saved_at": AT, "saved_by": "x", "size_bytes": 1, "sha256": hashlib.sha256(b"1").hexdigest()}
    scripts = {
        "..": {"versions": [version], "source_base64": "MQ=="}, "s2": {"versions": [version], "source_base64": "Mg=="},
        "s3": {"versions": []}, "s4": {"versions": [{**version, "version": "../../../x"}], "source_base64": "MQ=="}, "s5": {},
    }  # fmt: skip
    rows: dict[str, dict[str, Any]] = {
        "settings": {"values": FORGED}, "users": forged_users, "deployments": deployments, "scripts": scripts
    }  # fmt: skip
    tables = tables_of({name: each.items() for name, each in rows.items()}).replace(b"Infinity", b"1e999")
    place.put_copy(appliance_id, "catalog-20261124T035507Z.json", copy_of(tables, appliance_id, 99, old.app.states.started_at))
    with place.appliance(tmp_path / "new", appliance_id=appliance_id) as new:
        connect(place, new)
        before = {name: getattr(new.app.settings.current, name, None) for name in FORGED}
        assert recover(new)["settings"] == 0
        assert {name: getattr(new.app.settings.current, name, None) for name in FORGED} == before
        assert "known to the forger" not in json.dumps([table(new, "users"), table(new, "settings")])
        assert table(new, "users").keys() == {"ben"}
        assert not new.app.household.is_claimed, "an admin without a password is no admin yet"
        assert {key: row["enabled"] for key, row in table(new, "deployments").items()} == {"d0a1b2c3": False}
        assert (table(new, "scripts"), [path.name for path in (new.data / "scripts").iterdir()]) == ({}, ["runs"])


def test_a_damaged_copy_is_passed_over_for_the_one_before_and_none_is_no_hindrance(place: Place, tmp_path: Path) -> None:
    with place.appliance(tmp_path / "old") as old:
        connect(place, old)
        (archive_id,) = keep(old, BATCH)
        fill(old)
        assert old.app.copier.run_once()
        appliance_id = old.app.folder.appliance_id
    (good,) = copies(place, appliance_id)
    content = place.content(appliance_id, "catalog", good)
    place.put_copy(appliance_id, "catalog-20991124T035507Z.json", content.replace(b'"serial": 1', b'"serial": 7')[:-20])
    place.put_copy(appliance_id, "catalog-20991124T035508Z.json", b"no copy at all")
    place.put_copy(appliance_id, "catalog-20991124T035509Z.json", b"")
    place.put_copy(appliance_id, "catalog-20991124T035510Z.json", content.replace(appliance_id.encode(), b"somebody-else"))
    with place.appliance(tmp_path / "new", appliance_id=appliance_id) as new:
        connect(place, new)
        state = recover(new)
        assert (state["adopted"], state["users"], state["skipped"]) == (1, 2, [])
        assert new.show(archive_id)["title"] == "File 0"


@pytest.mark.parametrize("kept_removal", [True, False])
def test_what_was_removed_comes_back_removed_where_a_copy_tells(place: Place, tmp_path: Path, kept_removal: bool) -> None:
    with place.appliance(tmp_path / "old") as old:
        connect(place, old)
        (archive_id,) = keep(old, BATCH)
        old.ask("archive/remove", archive=archive_id)
        if kept_removal:
            assert old.app.copier.run_once()
        appliance_id = old.app.folder.appliance_id
    with place.appliance(tmp_path / "new", appliance_id=appliance_id) as new:
        connect(place, new)
        assert recover(new)["removed"] == kept_removal
        assert new.ask("archive/list")["total"] == (not kept_removal)
        if kept_removal:
            new.ask("archive/undo", archive=archive_id)
            assert new.ask("archive/list")["total"] == 1


def test_connections_are_only_named_to_be_added_again(tmp_path: Path) -> None:
    place, other = FolderPlace(tmp_path / "disk"), tmp_path / "other"
    with place.appliance(tmp_path / "old") as old:
        other.mkdir()
        old.ask("connection/add", kind="folder", name="second disk", path=str(other))
        connect(place, old)
        keep(old, BATCH)
        assert old.app.copier.run_once()
        appliance_id = old.app.folder.appliance_id
    with place.appliance(tmp_path / "new", appliance_id=appliance_id) as new:
        connect(place, new)
        assert [each["name"] for each in recover(new)["connections"]] == ["second disk"]
        assert [each["name"] for each in new.ask("connection/list")["connections"]] == [NAME]
