"""Sessions: kept over restarts, ended by time only when the clock is right, written down seldom, ended one by one or all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from appliance import clock
from appliance.accounts.sessions import IDLE, LONGEST, MOST_OF_A_USER, SESSIONS, Sessions
from appliance.app import answer
from appliance.catalog.journal import CatalogDB
from appliance.errors import NotFound, SignedOut, Unauthorised, WrongLogin
from tests.appliance.accounts.people import PASSWORD, Person, claimed, joined, panel, signed_in
from tests.inside import Inside

NOW = datetime.fromisoformat("2026-11-25T20:00:00+00:00")


class Ages:
    """As Ages, under a clock of the test's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.right = NOW, True
        monkeypatch.setattr(clock, "now", lambda: self.now)

    def trusted(self) -> bool:
        return self.right

    def is_over(self, at: datetime, age: timedelta) -> bool:
        return self.right and self.now - at >= age


@pytest.fixture
def ages(monkeypatch: pytest.MonkeyPatch) -> Ages:
    return Ages(monkeypatch)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[CatalogDB]:
    db = CatalogDB.open(tmp_path / "catalog")
    yield db
    db.close()


@pytest.fixture
def sessions(db: CatalogDB, ages: Ages) -> Sessions:
    return Sessions(db, ages)  # type: ignore[arg-type]  # as above


def begin(sessions: Sessions, db: CatalogDB, user: str = "anna") -> str:
    token, _, change = sessions.begun(user, "Firefox on Linux", "10.0.0.1")
    db.apply(change)
    return token


def test_a_session_ends_when_it_is_not_used_and_after_its_longest_life(sessions: Sessions, db: CatalogDB, ages: Ages) -> None:
    token = begin(sessions, db)
    ages.now += IDLE - timedelta(minutes=1)
    assert sessions.find(token)
    ages.now += IDLE - timedelta(minutes=1)
    assert sessions.find(token), "each use moves the end on"
    ages.now += IDLE
    assert sessions.find(token) is None
    token = begin(sessions, db)
    for _ in range(LONGEST.days):
        assert sessions.find(token)
        ages.now += timedelta(days=1)
    assert sessions.find(token) is None
    sessions.expire()
    assert len(db.table(SESSIONS)) == 0


def test_before_the_clock_is_right_no_session_is_old_and_what_began_then_begins_when_it_is(
    sessions: Sessions, db: CatalogDB, ages: Ages
) -> None:
    token = begin(sessions, db)
    ages.now, ages.right = NOW + timedelta(days=4000), False
    assert sessions.find(token)
    ages.now = datetime.fromisoformat("1970-01-01T00:01:00+00:00")
    second = begin(sessions, db)
    assert sessions.find(token)
    ages.now, ages.right = NOW + timedelta(minutes=1), True
    assert sessions.find(second)
    ages.now += IDLE - timedelta(hours=1)
    assert sessions.find(second)
    assert sessions.find(second).created_at == NOW + timedelta(minutes=1)  # type: ignore[union-attr]  # it was found one line above
    ages.now += LONGEST
    assert sessions.find(second) is None


def test_a_use_is_written_down_once_an_hour(sessions: Sessions, db: CatalogDB, ages: Ages, monkeypatch: pytest.MonkeyPatch) -> None:
    token, written = begin(sessions, db), []
    apply = db._storage.apply

    def counted(changes: Any) -> None:
        written.append(changes)
        apply(changes)

    monkeypatch.setattr(db._storage, "apply", counted)
    for _ in range(600):  # ten hours of a page that asks once a minute
        ages.now += timedelta(minutes=1)
        assert sessions.find(token)
    assert len(written) <= 10


def test_what_ended_does_not_come_back_by_a_use_that_is_noted_late(sessions: Sessions, db: CatalogDB, ages: Ages) -> None:
    token = begin(sessions, db)
    ages.now += timedelta(hours=2)
    (session,) = sessions.of("anna")
    db.apply({SESSIONS: sessions.ended("anna")})
    sessions._note_use(session)
    assert sessions.find(token) is None


def test_of_too_many_sessions_of_a_user_the_one_used_longest_ago_ends(sessions: Sessions, db: CatalogDB, ages: Ages) -> None:
    other, tokens = begin(sessions, db, "bert"), []
    for _ in range(MOST_OF_A_USER + 3):
        tokens.append(begin(sessions, db))
        ages.now += timedelta(seconds=1)
    assert [sessions.find(token) is not None for token in tokens] == [False] * 3 + [True] * MOST_OF_A_USER
    assert sessions.find(other)


def test_only_a_hash_of_the_token_is_kept(sessions: Sessions, db: CatalogDB) -> None:
    token = begin(sessions, db)
    assert len(token) >= 43
    assert token not in repr(list(db.table(SESSIONS).items()))
    assert sessions.find(token[:-1]) is None
    (key,) = db.table(SESSIONS).ids()
    assert sessions.find(key) is None, "the hash is no token"


# In an appliance


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    with Inside(tmp_path_factory.mktemp("sessions") / "data") as inside:
        claimed(inside)
        yield inside


@pytest.fixture
def anna(inside: Inside, request: pytest.FixtureRequest) -> Iterator[Person]:
    yield joined(inside, "anna")
    if inside.app.household.users.get("anna"):
        inside.ask("user/remove", name="anna")


def listed(person: Person, **more: Any) -> list[dict[str, Any]]:
    return list(person.ask("user/sessions", **more)["sessions"])


def test_sessions_are_listed_with_device_and_address_and_ended_one_by_one_or_all(inside: Inside, anna: Person) -> None:
    agent = "Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0"
    phone = signed_in(inside, "anna", address="192.168.1.23", agent=agent)
    third = signed_in(inside, "anna", agent="<script>alert(1)</script>")
    by_device = {each["device"]: each for each in listed(anna)}
    assert by_device["Firefox on Android"]["address"] == "192.168.1.23"
    assert sorted(by_device) == ["Firefox on Android", "an unknown device"]
    assert [each["id"] for each in listed(anna) if each["current"]] == [anna.ask("user/me")["session_id"]]
    assert anna.ask("user/end-session", id=by_device["Firefox on Android"]["id"]) == {"sessions": 1}
    with pytest.raises(SignedOut):
        phone.ask("user/me")
    with pytest.raises(NotFound):
        anna.ask("user/end-session", id=by_device["Firefox on Android"]["id"])
    assert anna.ask("user/end-session") == {"sessions": 1}
    with pytest.raises(SignedOut):
        third.ask("user/me")
    assert len(listed(anna)) == 1


def test_members_end_and_see_their_own_admins_anybodys(inside: Inside, anna: Person) -> None:
    bert = joined(inside, "bert")
    (mine,) = listed(bert)
    for name in ("bert", "carla", "nobody"):
        with pytest.raises(Unauthorised):
            anna.ask("user/sessions", name=name)
        with pytest.raises(Unauthorised):
            anna.ask("user/end-session", name=name)
    with pytest.raises(NotFound):
        anna.ask("user/end-session", id=mine["id"])
    carla = signed_in(inside, "carla")
    assert [each["id"] for each in listed(carla, name="bert")] == [mine["id"]]
    assert carla.ask("user/end-session", name="bert") == {"sessions": 1}
    with pytest.raises(SignedOut):
        bert.ask("user/me")
    assert carla.ask("user/me")["user"]["name"] == "carla"


def test_a_new_password_ends_the_other_sessions_and_needs_the_old_one(inside: Inside, anna: Person) -> None:
    other = signed_in(inside, "anna")
    with pytest.raises(WrongLogin):
        anna.ask("user/password", old="not the one", new="another good one")
    assert other.ask("user/me")
    anna.ask("user/password", old=PASSWORD, new="another good one")
    with pytest.raises(SignedOut):
        other.ask("user/me")
    assert anna.ask("user/me")["user"]["name"] == "anna"
    with pytest.raises(WrongLogin):
        signed_in(inside, "anna")
    assert signed_in(inside, "anna", "another good one").ask("user/me")
    inside.ask("user/passwd", name="anna", password="a third good one")
    with pytest.raises(SignedOut):
        anna.ask("user/me")


def test_a_role_holds_at_once_and_a_removed_user_is_signed_out(inside: Inside, anna: Person) -> None:
    with pytest.raises(Unauthorised):
        anna.ask("user/list")
    inside.ask("user/role", name="anna", role="admin")
    assert anna.ask("user/list")["users"]
    inside.ask("user/role", name="anna", role="member")
    with pytest.raises(Unauthorised):
        anna.ask("user/list")
    inside.ask("user/remove", name="anna")
    with pytest.raises(SignedOut):
        anna.ask("user/me")


def test_signing_out_ends_that_session_and_may_be_repeated(inside: Inside, anna: Person) -> None:
    other = signed_in(inside, "anna")
    other.ask("user/logout")
    other.ask("user/logout")
    panel(inside, "user/logout")
    with pytest.raises(SignedOut):
        other.ask("user/me")
    assert anna.ask("user/me")


def test_sessions_outlive_a_restart_and_a_login_that_is_no_person_has_none(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as first:
        carla = claimed(first)
        with pytest.raises(SignedOut):
            first.ask("user/me")
    with Inside(tmp_path / "data") as second:
        assert answer(second.app, "panel", "user/me", {"session": carla.session})["user"]["role"] == "admin"
