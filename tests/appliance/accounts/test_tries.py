"""Wrong tries cost a wait that grows, ends, outlives a restart, and keeps nobody out who knows the password."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance import clock
from appliance.accounts.tries import FREE, LONGEST_OF_ACCOUNT_S, LONGEST_OF_ADDRESS_S, MOST_KEPT, TRIES, Tries, house
from appliance.catalog.journal import CatalogDB
from appliance.errors import TooManyTries


class Time:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(clock, "monotonic_s", time)
    return time


@pytest.fixture
def db(tmp_path: Path) -> Iterator[CatalogDB]:
    db = CatalogDB.open(tmp_path / "catalog")
    yield db
    db.close()


def wait_s(tries: Tries, time: Time, account: str | None, address: str | None, *, known: bool = False) -> float:
    """How long it takes until one may try again."""
    began_s = time.now_s
    for _ in range(100_000):
        try:
            tries.check(account, address, known=known)
        except TooManyTries:
            time.now_s += 1
        else:
            waited_s = time.now_s - began_s
            time.now_s = began_s
            return waited_s
    raise AssertionError("for ever")


def test_the_first_tries_are_free_then_each_costs_twice_as_much_up_to_a_limit(db: CatalogDB, time: Time) -> None:
    tries, waits = Tries(db), []
    for _ in range(16):
        tries.failed("anna", "10.0.0.1")
        waits.append(wait_s(tries, time, None, "10.0.0.1"))
    assert waits[: FREE - 1] == [0, 0, 0]
    assert waits[FREE - 1 : FREE + 3] == [2, 4, 8, 16]
    assert waits[-1] == LONGEST_OF_ADDRESS_S
    assert wait_s(tries, time, "anna", "10.0.0.2") == LONGEST_OF_ACCOUNT_S
    assert wait_s(tries, time, "bert", "10.0.0.2") == 0


def test_the_message_says_how_long_to_wait(db: CatalogDB, time: Time) -> None:
    tries = Tries(db)
    for _ in range(FREE):
        tries.failed("anna", None)
    with pytest.raises(TooManyTries, match="try again in 2 seconds"):
        tries.check("anna", None)
    for _ in range(20):
        tries.failed(None, "10.0.0.1")
    with pytest.raises(TooManyTries, match="try again in 15 minutes"):
        tries.check(None, "10.0.0.1")


def test_who_guesses_elsewhere_does_not_keep_out_whoever_has_signed_in_from_here(db: CatalogDB, time: Time) -> None:
    tries = Tries(db)
    for number in range(50):
        tries.failed("anna", f"10.0.1.{number}")
    assert wait_s(tries, time, "anna", "10.0.0.1", known=False) == LONGEST_OF_ACCOUNT_S
    assert wait_s(tries, time, "anna", "10.0.0.1", known=True) == 0


def test_a_success_ends_the_wait_and_so_do_six_quiet_hours(db: CatalogDB, time: Time) -> None:
    tries = Tries(db)
    for _ in range(20):
        tries.failed("anna", "10.0.0.1")
    tries.succeeded("anna", "10.0.0.1")
    assert wait_s(tries, time, "anna", "10.0.0.1") == 0
    for _ in range(20):
        tries.failed("bert", "10.0.0.2")
    time.now_s += 7 * 3600
    tries.failed("someone", "10.0.0.9")
    assert sorted(db.table(TRIES).ids()) == ["account:someone", "address:10.0.0.9"]


def test_a_restart_does_not_begin_from_nothing(db: CatalogDB, time: Time) -> None:
    tries = Tries(db)
    for _ in range(8):
        tries.failed("anna", "10.0.0.1")
    assert wait_s(tries, time, "anna", None) == 32
    time.now_s += 20
    assert wait_s(tries, time, "anna", None) == 12
    assert wait_s(Tries(db), time, "anna", None) == 32, "how much of it has passed is not known: it begins anew"


def test_no_more_is_remembered_than_fits_those_that_failed_longest_ago_go_first(db: CatalogDB, time: Time) -> None:
    tries = Tries(db)
    for number in range(MOST_KEPT):
        tries.failed(None, f"10.0.{number // 256}.{number % 256}")
    for _ in range(FREE):
        tries.failed("anna", None)
    assert len(db.table(TRIES)) == len(tries._failed) == MOST_KEPT
    assert "address:10.0.0.0" not in db.table(TRIES).ids()
    assert wait_s(tries, time, "anna", None) == 2


@pytest.mark.parametrize(
    ("address", "as_one"),
    [
        ("192.168.1.5", "192.168.1.5"),
        ("::ffff:192.168.1.5", "192.168.1.5"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no address at all", "no address at all"),
        (None, None),
    ],
)
def test_addresses_that_one_guesser_has_are_one(address: str | None, as_one: str | None) -> None:
    assert house(address) == as_one
