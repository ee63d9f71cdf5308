"""Coming in: the setup code, passwords, invitations, and what nobody learns by trying."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from appliance import clock
from appliance.accounts.passwords import Passwords
from appliance.accounts.tries import FREE
from appliance.errors import ApplianceError, BadRequest, Conflict, Refused, TooManyTries, Unauthorised, WrongLogin
from tests.appliance.accounts.people import PASSWORD, claimed, joined, panel, signed_in
from tests.inside import Inside


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Inside]:
    """An appliance that nobody has claimed."""
    with Inside(tmp_path / "data") as inside:
        yield inside


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    with Inside(tmp_path_factory.mktemp("signing-in") / "data") as inside:
        claimed(inside)
        yield inside


def claim(inside: Inside, code: str, name: str = "anna", password: str = PASSWORD) -> Any:
    return panel(inside, "user/claim", code=code, name=name, password=password)


# The setup code


def test_the_setup_code_is_good_once_and_makes_the_first_admin(new: Inside) -> None:
    assert panel(new, "user/standing") == {"claimed": False, "registration": "invitation", "name": "PyArchive"}
    code = new.ask("user/setup-code")["code"]
    told = claim(new, code.replace("-", " ").lower())
    assert (told["user"]["name"], told["user"]["role"]) == ("anna", "admin")
    assert panel(new, "user/standing")["claimed"]
    assert new.app.db.table("setup").ids() == [], "it is gone, also for a later claim after a recovery"
    with pytest.raises(Conflict, match="claimed already"):
        claim(new, code, "bert")
    with pytest.raises(Conflict, match="claimed already"):
        new.ask("user/setup-code")
    assert [user["name"] for user in new.ask("user/list")["users"]] == ["anna"]


def test_a_setup_code_ends_with_the_next_one_with_its_time_and_never_for_a_wrong_clock(
    new: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (new.ask("user/setup-code")["code"] for _ in range(2))
    with pytest.raises(WrongLogin, match="user setup-code"):
        claim(new, first)
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(days=2))
    with pytest.raises(WrongLogin):
        claim(new, second)
    monkeypatch.setattr(clock, "now", lambda: real() - timedelta(days=20_000))
    assert claim(new, second), "a wrong clock ends nothing"


def test_what_is_wrong_with_a_claim_uses_up_nothing(new: Inside) -> None:
    code = new.ask("user/setup-code")["code"]
    for name, password in (("anna", "short"), ("Anna", PASSWORD), ("../x", PASSWORD), ("x.part", PASSWORD), ("", PASSWORD)):
        with pytest.raises(BadRequest):
            claim(new, code, name, password)
    assert claim(new, code)


def test_codes_cannot_be_tried_out(new: Inside) -> None:
    code = new.ask("user/setup-code")["code"]
    for _ in range(FREE):
        with pytest.raises(WrongLogin):
            panel(new, "user/claim", code="AAAA-AAAA-AAAA-AAAA", name="anna", password=PASSWORD, address="10.0.0.9")
    with pytest.raises(TooManyTries, match="try again in"):
        panel(new, "user/claim", code=code, name="anna", password=PASSWORD, address="10.0.0.9")
    assert panel(new, "user/claim", code=code, name="anna", password=PASSWORD, address="10.0.0.8")


def test_after_a_recovery_without_an_admin_who_can_sign_in_the_setup_code_is_good_again(new: Inside) -> None:
    """Copies of the catalog hold no passwords: so come users back."""
    claim(new, new.ask("user/setup-code")["code"])
    row = new.app.db.table("users").get(doc_id="anna")
    new.app.db.apply({"users": {"anna": {key: value for key, value in row.items() if key != "password_hash"}}})
    joined(new, "bert")
    assert not panel(new, "user/standing")["claimed"]
    with pytest.raises(WrongLogin):
        signed_in(new, "anna")
    assert claim(new, new.ask("user/setup-code")["code"], password="another good one")["user"]["role"] == "admin"
    assert signed_in(new, "anna", "another good one").ask("user/list")["users"]


# Passwords


class Counted:
    """The real hasher; ``hashes`` are those that were compared with."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self.hashes: list[str] = []

    def verify(self, known: str, password: bytes) -> bool:
        self.hashes.append(known)
        return self._hasher.verify(known, password)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hasher, name)


def test_a_wrong_password_and_an_unknown_user_are_answered_in_the_same_words_after_the_same_work(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined(inside, "tim")
    inside.ask("user/add", name="nopass")
    counted = Counted(inside.app.household.passwords._hasher)
    monkeypatch.setattr(inside.app.household.passwords, "_hasher", counted)
    words = set()
    for name in ("tim", "nobody", "nopass", "../x", ""):
        with pytest.raises((WrongLogin, BadRequest)) as refused:
            panel(inside, "user/login", name=name, password="not the one")
        words.add(str(refused.value)) if name else None
    assert words == {"name or password is wrong"}
    assert [known.rsplit("$", 2)[0] for known in counted.hashes] == ["$argon2id$v=19$m=19456,t=2,p=1"] * 4


def test_unknown_names_have_to_wait_as_known_ones_do(inside: Inside) -> None:
    joined(inside, "uma")
    for name in ("uma", "nobody-else"):
        for _ in range(FREE):
            with pytest.raises(WrongLogin):
                panel(inside, "user/login", name=name, password="not the one")
        with pytest.raises(TooManyTries, match="too many wrong tries; try again in 2 seconds"):
            panel(inside, "user/login", name=name, password=PASSWORD)
    inside.ask("user/passwd", name="uma", password=PASSWORD)
    assert signed_in(inside, "uma"), "an admin ends the wait"


def test_somebody_elses_guesses_do_not_keep_the_owner_out_where_he_was_before(inside: Inside) -> None:
    joined(inside, "vera")
    signed_in(inside, "vera", address="192.168.1.4")
    for number in range(FREE + 2):
        with pytest.raises((WrongLogin, TooManyTries)):
            panel(inside, "user/login", name="vera", password="not the one", address=f"10.0.0.{number}")
    with pytest.raises(TooManyTries):
        signed_in(inside, "vera", address="192.168.1.5")
    assert signed_in(inside, "vera", address="192.168.1.4")


def test_a_name_is_known_as_a_phone_types_it(inside: Inside) -> None:
    joined(inside, "wim")
    assert panel(inside, "user/login", name=" Wim ", password=PASSWORD)["user"]["name"] == "wim"


def test_a_password_is_hashed_anew_when_the_parameters_are_others(inside: Inside) -> None:
    joined(inside, "xia")
    users = inside.app.household.users
    old = Passwords(memory_kib=64, passes=1).hash(PASSWORD)
    inside.app.db.apply({"users": {"xia": {**inside.app.db.table("users").get(doc_id="xia"), "password_hash": old}}})
    signed_in(inside, "xia")
    renewed = users.find("xia").password_hash
    assert renewed is not None
    assert not inside.app.household.passwords.is_outdated(renewed)
    signed_in(inside, "xia")
    assert users.find("xia").password_hash == renewed


# Invitations and open registration


def register(inside: Inside, name: str, code: str | None = None) -> Any:
    return panel(inside, "user/register", name=name, password=PASSWORD, **({"code": code} if code else {}))


def test_an_invitation_is_good_for_one_person_in_its_role(inside: Inside) -> None:
    invited = inside.ask("user/invite", role="admin")
    assert [each["id"] for each in inside.ask("user/invitations")["invitations"]] == [invited["id"]]
    with pytest.raises(Unauthorised, match="by invitation"):
        register(inside, "yara")
    assert register(inside, "yara", invited["code"])["user"]["role"] == "admin"
    assert inside.ask("user/invitations")["invitations"] == []
    with pytest.raises(WrongLogin):
        register(inside, "zoe", invited["code"])
    taken_back = inside.ask("user/invite")
    inside.ask("user/uninvite", id=taken_back["id"])
    with pytest.raises(WrongLogin):
        register(inside, "zoe", taken_back["code"])


def test_nobody_gets_what_others_own_by_taking_their_name(inside: Inside) -> None:
    inside.put(b"of who has no account", owner="grandma")
    inside.begin(b"on its way", owner="uncle")
    (inside.data / "inbox" / "aunt").mkdir()
    (inside.data / "inbox" / "aunt" / "photo.jpg.part").write_bytes(b"half of it")
    code = inside.ask("user/invite")["code"]
    for name in ("grandma", "uncle", "aunt", "home", "carla"):
        with pytest.raises(Conflict, match="taken"):
            register(inside, name, code)
    assert register(inside, "zora", code)["user"]["archives"] == 0
    assert inside.ask("user/add", name="grandma")["archives"] == 1, "an admin may say whose they are"


def test_where_registration_is_open_everybody_makes_an_account_and_is_a_member(inside: Inside) -> None:
    inside.ask("settings/set", name="registration", value="open")
    assert panel(inside, "user/standing")["registration"] == "open"
    assert register(inside, "quentin")["user"]["role"] == "member"
    assert (inside.data / "inbox" / "quentin").is_dir()
    with pytest.raises(Conflict, match="taken"):
        register(inside, "quentin")
    inside.ask("settings/set", name="registration", value=None)
    with pytest.raises(ApplianceError, match="registration"):
        inside.ask("settings/set", name="registration", value="everybody")


def test_an_appliance_that_nobody_claimed_registers_nobody(new: Inside) -> None:
    new.ask("settings/set", name="registration", value="open")
    with pytest.raises(Conflict, match="setup code"):
        register(new, "anna")


# Admins


def test_the_last_admin_who_can_sign_in_stays(new: Inside) -> None:
    claim(new, new.ask("user/setup-code")["code"])
    new.ask("user/add", name="bert", role="admin")
    for verb, more in (("user/remove", {}), ("user/role", {"role": "member"})):
        with pytest.raises(Refused, match="only admin"):
            new.ask(verb, name="anna", **more)
    new.ask("user/passwd", name="bert", password=PASSWORD)
    new.ask("user/role", name="anna", role="member")
    with pytest.raises(Refused):
        new.ask("user/remove", name="bert")
    new.ask("user/remove", name="anna")
    assert [user["name"] for user in new.ask("user/list")["users"]] == ["bert"]
