"""Passwords: hashed as OWASP says, the ones that are guessed first refused, and a flood of them costs no memory."""

from __future__ import annotations

import threading
import time

import pytest

from appliance.accounts.passwords import Passwords, check_new
from appliance.errors import BadRequest, TooManyTries


def test_a_hash_is_argon2id_with_19_mib_and_salted() -> None:
    passwords = Passwords()
    one, other = passwords.hash("a long walk home"), passwords.hash("a long walk home")
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert one != other
    assert passwords.verify("a long walk home", one)
    assert not passwords.verify("a long walk", one)
    assert not passwords.verify("a long walk home", None)
    assert not passwords.verify("a long walk home", "no hash")


def test_the_same_letters_are_the_same_password_however_they_were_typed() -> None:
    passwords = Passwords(memory_kib=64, passes=1)
    assert passwords.verify("Schlu\u0308ssel \ufb01x", passwords.hash("Schlüssel fix"))
    assert not passwords.verify("schlüssel fix", passwords.hash("Schlüssel fix"))
    assert passwords.verify("\ud800 and more", passwords.hash("\ud800 and more"))


def test_a_hash_of_other_parameters_is_good_and_known_to_be_old() -> None:
    old = Passwords(memory_kib=64, passes=1).hash("a long walk home")
    today = Passwords()
    assert today.verify("a long walk home", old)
    assert today.is_outdated(old)
    assert not today.is_outdated(today.hash("a long walk home"))


@pytest.mark.parametrize(
    "password", ["", "seven77", "password", "PassWord1", "12345678", "iloveyou", "aaaaaaaaaaaa", "anna-maria", "anna@example.org"]
)
def test_what_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(BadRequest) as refused:
        check_new(password, "anna-maria", None, "anna@example.org")
    assert password in {"", "password"} or password not in str(refused.value)


@pytest.mark.parametrize("password", ["8 letter", "correct horse battery staple", "ünïcödé!", "anna-maria likes tea", "x" * 1023 + "y"])
def test_there_are_no_other_rules(password: str) -> None:
    check_new(password, "anna-maria", None, "anna@example.org")


def test_one_is_hashed_at_a_time_one_waits_and_the_others_are_told_at_once() -> None:
    passwords = Passwords()
    hasher, began, going, most, refused = passwords._hasher, threading.Event(), [], [], []

    class Slow:
        def hash(self, password: bytes) -> str:
            going.append(password)
            most.append(len(going))
            began.set()
            time.sleep(0.2)  # what an appliance of the smallest kind takes
            going.remove(password)
            return hasher.hash(password)

    passwords._hasher = Slow()  # type: ignore[assignment]  # the real one between two notes

    def try_it(number: int) -> None:
        began_s = time.monotonic()
        try:
            passwords.hash(f"password {number}")
        except TooManyTries:
            refused.append(time.monotonic() - began_s)

    threads = [threading.Thread(target=try_it, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (max(most), len(refused)) == (1, 18)
    assert max(refused) < 0.15
