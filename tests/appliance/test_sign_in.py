"""Sign-ins that run in the background: what a person is told, and what comes of each end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance import clock
from appliance.errors import BadRequest, NotFound, RemoteAway
from appliance.remotes.drive_credentials import Credentials
from appliance.sign_in import SignIns
from tests.fakes.drive import FakeDrive
from tests.waiting import wait_for


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDrive]:
    with FakeDrive(tmp_path / "drive") as drive:
        drive.device(interval_s=0.05)
        yield drive


@dataclass
class House:
    """Sign-ins, and who hears of them."""

    fake: FakeDrive
    granted: dict[str, Credentials] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    is_removed: bool = False

    def __post_init__(self) -> None:
        self.client = Credentials.from_text(json.dumps({"installed": self.fake.client()}))
        self.sign_ins = SignIns(lambda: self.fake.root, self._keep, self.changes.append)

    def _keep(self, connection_id: str, credentials: Credentials) -> None:
        if self.is_removed:
            raise NotFound("there is no such connection any more")
        self.granted[connection_id] = credentials

    def message(self, connection_id: str = "c1") -> str:
        state = self.sign_ins.state(connection_id)
        return state[1] if state else ""

    def wait_failed(self, words: str) -> None:
        wait_for(lambda: (self.sign_ins.state("c1") or ("",))[0] == "needed")
        assert words in self.message()
        assert self.granted == {}


@pytest.fixture
def house(fake: FakeDrive) -> Iterator[House]:
    house = House(fake)
    yield house
    house.sign_ins.stop(5)


def test_what_to_type_where_is_told_and_the_grant_is_handed_over(house: House) -> None:
    asked = house.sign_ins.start("c1", house.client)
    assert set(asked) == {"user_code", "verification_url", "expires_at", "interval_s"}
    assert clock.from_iso(asked["expires_at"]) > clock.now()
    assert house.sign_ins.state("c1") == ("pending", f"open https://www.google.com/device on any device and enter {asked['user_code']}")
    house.fake.approve(asked["user_code"])
    wait_for(lambda: "c1" in house.granted)
    wait_for(lambda: house.sign_ins.state("c1") is None)
    credentials = house.granted["c1"]
    assert (credentials.kind, credentials.client_id) == ("authorized_user", house.client.client_id)
    assert credentials.granted_at is not None
    wait_for(lambda: house.changes == ["c1", "c1"])


def test_a_denial_is_told(house: House) -> None:
    house.fake.deny(house.sign_ins.start("c1", house.client)["user_code"])
    house.wait_failed("declined at Google; `pyarchive connection sign-in` begins anew")


@pytest.mark.parametrize("lifetime_s", [0.5, 2])
def test_a_code_that_nobody_enters_ends(house: House, lifetime_s: float) -> None:
    house.fake.device(interval_s=0.1, lifetime_s=lifetime_s)
    house.sign_ins.start("c1", house.client)
    house.wait_failed("in time")


def test_a_code_ends_also_while_google_cannot_be_asked(house: House) -> None:
    house.fake.device(interval_s=0.1, lifetime_s=1)
    house.fake.fault("503", match="token", times=None)
    house.sign_ins.start("c1", house.client)
    house.wait_failed("in time")


def test_trouble_while_asking_is_told_and_passes(house: House) -> None:
    house.fake.fault("503", match="token", times=2)
    code = house.sign_ins.start("c1", house.client)["user_code"]
    wait_for(lambda: "Google cannot be asked at the moment" in house.message())
    house.fake.approve(code)
    wait_for(lambda: "c1" in house.granted)


def test_trouble_makes_the_questions_rarer(house: House) -> None:
    house.fake.fault("503", match="token", times=None)
    house.sign_ins.start("c1", house.client)
    wait_for(lambda: house.fake.requests.get("token", 0) >= 3)
    began_s, before = time.monotonic(), house.fake.requests["token"]
    wait_for(lambda: house.fake.requests["token"] > before)
    assert time.monotonic() - began_s > 0.15, "0.05 s, then twice as long each time"


def test_slow_down_makes_the_questions_rarer_by_five_seconds(house: House) -> None:
    house.fake.fault("slow_down", match="token")
    house.sign_ins.start("c1", house.client)
    wait_for(lambda: house.fake.requests.get("token", 0) == 1)
    time.sleep(0.5)  # ten intervals
    assert house.fake.requests["token"] == 1


def test_a_new_sign_in_takes_the_place_of_the_one_before(house: House) -> None:
    first = house.sign_ins.start("c1", house.client)["user_code"]
    second = house.sign_ins.start("c1", house.client)["user_code"]
    assert second in house.message()
    house.fake.deny(first)
    house.fake.approve(second)
    wait_for(lambda: "c1" in house.granted)
    wait_for(lambda: house.sign_ins.state("c1") is None)


def test_two_connections_sign_in_at_the_same_time(house: House) -> None:
    codes = {name: house.sign_ins.start(name, house.client)["user_code"] for name in ("c1", "c2")}
    assert codes["c2"] in house.message("c2")
    house.fake.approve(codes["c1"])
    wait_for(lambda: "c1" in house.granted)
    assert "c2" not in house.granted


def test_one_that_cannot_begin_leaves_the_one_before_alone(house: House) -> None:
    code = house.sign_ins.start("c1", house.client)["user_code"]
    house.fake.fault("lost_answer", match="device_code")
    with pytest.raises(RemoteAway):
        house.sign_ins.start("c1", house.client)
    house.fake.approve(code)
    wait_for(lambda: "c1" in house.granted)


def test_a_service_account_is_told_that_it_needs_none(house: House) -> None:
    account = Credentials.from_text(json.dumps(house.fake.service_account()))
    with pytest.raises(BadRequest, match="needs no sign-in"):
        house.sign_ins.start("c1", account)
    assert house.sign_ins.state("c1") is None


def test_a_connection_that_was_removed_meanwhile_keeps_nothing(house: House) -> None:
    house.is_removed = True
    house.fake.approve(house.sign_ins.start("c1", house.client)["user_code"])
    house.wait_failed("no such connection")


def test_other_credentials_end_what_was_under_way(house: House) -> None:
    code = house.sign_ins.start("c1", house.client)["user_code"]
    house.sign_ins.forget("c1")
    assert house.sign_ins.state("c1") is None
    house.fake.approve(code)
    asked = house.fake.requests.get("token", 0)
    time.sleep(0.3)  # six intervals
    assert house.fake.requests.get("token", 0) <= asked + 1
    assert house.granted == {}


def test_a_failure_is_forgotten_once_the_connection_works_but_not_what_is_under_way(house: House) -> None:
    house.fake.deny(house.sign_ins.start("c1", house.client)["user_code"])
    house.wait_failed("declined")
    house.sign_ins.forget_failure("c1")
    assert house.sign_ins.state("c1") is None
    code = house.sign_ins.start("c1", house.client)["user_code"]
    house.sign_ins.forget_failure("c1")
    house.fake.approve(code)
    wait_for(lambda: "c1" in house.granted)


def test_the_end_of_the_appliance_ends_it_within_a_second_and_grants_nothing(house: House) -> None:
    code = house.sign_ins.start("c1", house.client)["user_code"]
    wait_for(lambda: house.fake.requests.get("token", 0) >= 1)
    began_s = time.monotonic()
    house.sign_ins.stop(1)
    assert time.monotonic() - began_s < 1
    house.fake.approve(code)
    asked = house.fake.requests["token"]
    time.sleep(0.3)  # six intervals
    assert (house.fake.requests["token"], house.granted) == (asked, {})


def test_a_server_that_says_nothing_does_not_hold_the_end_up(house: House) -> None:
    house.sign_ins.start("c1", house.client)
    house.fake.freeze()
    wait_for(lambda: house.fake.requests.get("token", 0) >= 1)
    began_s = time.monotonic()
    house.sign_ins.stop(0.3)
    assert time.monotonic() - began_s < 1
    house.fake.thaw()
