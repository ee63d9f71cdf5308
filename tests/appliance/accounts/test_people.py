"""Users and what they own: nobody goes who owns something, archives are given away as a whole, profiles hold nothing that bites."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import ApplianceError, BadRequest, Conflict, DiskFull, NotFound, Refused, SignedOut
from tests.appliance.accounts.people import PASSWORD, claimed, joined, panel, signed_in
from tests.inside import Inside
from tests.waiting import wait_for

PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    with Inside(tmp_path_factory.mktemp("people") / "data") as inside:
        claimed(inside)
        yield inside


def test_users_are_listed_with_what_they_own_and_owners_without_an_account_too(inside: Inside) -> None:
    joined(inside, "una")
    inside.put(b"12345", owner="una")
    inside.ask("archive/remove", archive=inside.put(b"123", owner="una"))
    inside.put(b"1234567", owner="nobody-yet")
    told = inside.ask("user/list")
    (una,) = [user for user in told["users"] if user["name"] == "una"]
    assert (una["archives"], una["bytes"], una["role"], una["can_sign_in"]) == (1, 5, "member", True)
    assert una["last_seen_at"] is not None
    assert {"name": "nobody-yet", "archives": 1, "bytes": 7} in told["others"]
    assert "hash" not in json.dumps(told)


def test_who_owns_anything_cannot_be_removed_until_it_is_given_away(inside: Inside) -> None:
    joined(inside, "vic")
    kept, removed = inside.put(b"one", owner="vic"), inside.put(b"two", owner="vic")
    upload = inside.begin(b"three", owner="vic")
    inside.ask("archive/remove", archive=removed)
    with pytest.raises(Refused, match=r"1 archive, 1 removed that can be taken back, 1 on their way in.*user give vic"):
        inside.ask("user/remove", name="vic")
    given = inside.ask("user/give", from_owner="vic", to_owner="carla")
    assert given == {"archives": 2, "left": 0}
    inside.ask("user/remove", name="vic")
    carla = signed_in(inside, "carla")
    assert carla.ask("archive/show", archive=kept)["owner"] == carla.ask("archive/show", archive=removed)["owner"] == "carla"
    assert inside.app.db.table("uploads").get(doc_id=upload)["owner"] == "carla"
    inside.ask("archive/abort", archive_id=upload)
    with pytest.raises(NotFound):
        inside.ask("user/remove", name="vic")


def test_files_in_the_inbox_keep_their_owner_from_being_removed(inside: Inside) -> None:
    joined(inside, "wes")
    folder = inside.data / "inbox" / "wes"
    assert folder.is_dir(), "each user has a folder of the inbox"
    (folder / "film.mp4.part").write_bytes(b"half of it")
    with pytest.raises(Refused, match="1 files in the inbox"):
        inside.ask("user/remove", name="wes")
    (folder / "film.mp4.part").unlink()
    inside.ask("user/remove", name="wes")
    assert not folder.exists()


@pytest.mark.parametrize(("to_owner", "cause"), [("nobody", NotFound), ("carla", BadRequest), ("../root", NotFound), ("", BadRequest)])
def test_archives_are_given_to_somebody_else_who_is_there_or_to_nobody(inside: Inside, to_owner: str, cause: type[ApplianceError]) -> None:
    mine = inside.put(b"of carla", owner="carla")
    with pytest.raises(cause):
        inside.ask("user/give", from_owner="carla", to_owner=to_owner)
    assert inside.show(mine)["owner"] == "carla"


def test_what_is_given_says_so_in_ledger_catalog_and_on_the_remote(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        inside.connect(tmp_path / "disk")
        joined(inside, "anna")
        archive_id = inside.put(b"letters", owner="home")
        inside.wait_remote(archive_id)
        folder = inside.remote_folder(tmp_path / "disk", archive_id)
        assert owner_there(folder) == "home"
        assert inside.ask("user/give", from_owner="home", to_owner="anna")["archives"] == 1
        wait_for(lambda: owner_there(folder) == "anna", what="the manifest to follow")
        assert inside.app.library.ledger(archive_id).owner == "anna"
        assert inside.app.db.table("archives").get(doc_id=archive_id)["owner"] == "anna"
        assert inside.ask("user/give", from_owner="anna", to_owner="home")["archives"] == 1, "back to who has no account"
    with Inside(tmp_path / "data") as again:
        assert again.show(archive_id)["owner"] == "home"


def owner_there(folder: Path) -> str | None:
    """As the manifest says; None in the moment between the old one and the new one."""
    with contextlib.suppress(FileNotFoundError):
        return str(json.loads((folder / "manifest.json").read_text())["owner"])
    return None


def test_giving_very_many_takes_several_requests(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    joined(inside, "xen")
    for number in range(3):
        inside.put(bytes([number]), owner="many")
    monkeypatch.setattr("appliance.accounts.giving._AT_ONCE_S", -1.0)
    assert inside.ask("user/give", from_owner="many", to_owner="xen") == {"archives": 0, "left": 3}
    monkeypatch.setattr("appliance.accounts.giving._AT_ONCE_S", 5.0)
    assert inside.ask("user/give", from_owner="many", to_owner="xen") == {"archives": 3, "left": 0}
    assert inside.ask("user/give", from_owner="many", to_owner="xen") == {"archives": 0, "left": 0}


@pytest.mark.parametrize("name", ["Anna", "", ".", "..", "a/b", "-a", "a b", "ä", "x" * 65, "thumbs.db", "draft.tmp", "a.part", "a\n"])
def test_names_that_are_no_owners_or_that_the_inbox_would_pass_over_are_refused(inside: Inside, name: str) -> None:
    with pytest.raises(BadRequest):
        inside.ask("user/add", name=name)
    assert name not in [user["name"] for user in inside.ask("user/list")["users"]]


@pytest.mark.parametrize("name", ["cli", "panel", "appliance", "homeassistant", "root", "admin", "home", "0"])
def test_names_of_logins_and_the_default_owner_are_names_like_others(inside: Inside, name: str) -> None:
    inside.ask("user/add", name=name)
    with pytest.raises(Conflict):
        inside.ask("user/add", name=name)
    inside.ask("user/remove", name=name)


def test_the_default_owners_account_has_what_is_handed_in_without_an_owner(inside: Inside) -> None:
    home = joined(inside, "home")
    archive_id = inside.put(b"handed in without an owner")
    assert home.ask("archive/show", archive=archive_id)["owner"] == "home"
    inside.ask("user/give", from_owner="home", to_owner="carla")
    inside.ask("user/remove", name="home")


# Profiles


def test_a_profile_is_changed_by_whose_it_is_and_what_is_left_out_stays(inside: Inside) -> None:
    yan = joined(inside, "yan")
    told = yan.ask("user/profile", display_name=" Yan\nthe  First ", email="yan@example.org", picture=base64.b64encode(PNG).decode())
    assert (told["display_name"], told["email"]) == ("Yan the First", "yan@example.org")
    assert yan.ask("user/picture") == {"media_type": "image/png", "base64": base64.b64encode(PNG).decode()}
    assert yan.ask("user/profile", email="")["display_name"] == "Yan the First"
    assert yan.ask("user/me")["user"]["email"] is None
    yan.ask("user/profile", display_name="", picture="")
    assert yan.ask("user/me")["user"]["display_name"] == "yan"
    with pytest.raises(NotFound):
        yan.ask("user/picture")
    with pytest.raises(SignedOut):
        inside.ask("user/profile", display_name="cli is no person")


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", b"<html>", b"RIFF1234WAVE", b"\x89PNG", PNG + b"x" * 65_536],
    ids=["empty", "svg", "gif", "html", "wav", "cut off", "too large"],
)
def test_pictures_are_png_jpeg_or_webp_of_64_kib(inside: Inside, content: bytes) -> None:
    carla = signed_in(inside, "carla")
    with pytest.raises(BadRequest) as refused:
        carla.ask("user/profile", picture=base64.b64encode(content).decode() or "not base64!")
    assert "picture" in str(refused.value)
    with pytest.raises(NotFound):
        carla.ask("user/picture")


@pytest.mark.parametrize(
    ("content", "media_type"),
    [(PNG, "image/png"), (b"\xff\xd8\xff\xe0 picture", "image/jpeg"), (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
     (PNG.ljust(65_536, b"x"), "image/png")],
    ids=["png", "jpeg", "webp", "as large as may be"],
)  # fmt: skip
def test_the_kind_of_a_picture_is_told_by_its_first_bytes(inside: Inside, content: bytes, media_type: str) -> None:
    carla = signed_in(inside, "carla")
    carla.ask("user/profile", picture=base64.b64encode(content).decode())
    assert carla.ask("user/picture")["media_type"] == media_type
    assert base64.b64decode(inside.app.db.table("pictures").get(doc_id="carla")["base64"]) == content
    carla.ask("user/profile", picture="")


@pytest.mark.parametrize("email", ["nobody", "@", "a@", "a b@example.org", "a@b@c", "x" * 250 + "@b.c", "a\n@example.org", "a@\0"])
def test_what_is_no_address_is_refused(inside: Inside, email: str) -> None:
    with pytest.raises(BadRequest):
        signed_in(inside, "carla").ask("user/profile", email=email)


# Disks and the audit trail


def test_a_full_disk_refuses_changes_and_signs_nobody_out(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    zed = joined(inside, "zed")

    def full(_: object) -> None:
        raise DiskFull("the disk of the catalog is full; free some space on it")

    with monkeypatch.context() as patch:
        patch.setattr(inside.app.db, "apply", full)
        patch.setattr(inside.app.db._storage, "apply", full)
        with pytest.raises(DiskFull):
            signed_in(inside, "zed")
        with pytest.raises(DiskFull):
            inside.ask("user/role", name="zed", role="admin")
        assert zed.ask("user/me")["user"]["role"] == "member"
    assert signed_in(inside, "zed")


def test_acts_and_failed_tries_stand_in_the_audit_trail_with_who_and_what_about(inside: Inside) -> None:
    abe = joined(inside, "abe")
    archive_id = inside.put(b"of abe", owner="abe")
    abe.ask("archive/rename", archive=archive_id, title="Mine")
    with pytest.raises(ApplianceError):
        panel(inside, "user/login", name="abe", password="guess no 1", address="10.0.0.7")
    with pytest.raises(ApplianceError):
        panel(inside, "user/login", name="my password in the wrong field", password="x")
    abe.ask("user/password", old=PASSWORD, new="another good one")
    newest = inside.ask("audit/query", limit=10)["lines"]
    told = [(line["login"], line["user"], line["what"], line["about"], line["outcome"]) for line in newest[:4]]
    assert told == [
        ("panel", "abe", "user/password", "", "ok"),
        ("panel", None, "user/login", "name (unknown)", "wrong name or password"),
        ("panel", None, "user/login", "name abe, from 10.0.0.7", "wrong name or password"),
        ("panel", "abe", "archive/rename", f"archive {archive_id}, title Mine", "ok"),
    ]


def test_the_audit_trail_keeps_the_newest_only(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.accounts.audit.MOST_KEPT", 5)
    for _ in range(8):
        inside.ask("transfer/pause")
    inside.ask("transfer/resume")
    assert len(inside.app.db.table("audit")) == 5
    assert [line["what"] for line in inside.ask("audit/query")["lines"]] == ["transfer/resume", *["transfer/pause"] * 4]
