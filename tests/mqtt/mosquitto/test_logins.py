"""Who gets in where: both listeners, wrong passwords, nobody at all, and what is too large."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mqtt.client import Broker, BrokerAddress
from mqtt.mosquitto.passwords import fits, hashed, new_password
from mqtt.topics import Topics
from tests.brokers import HOST, MOSQUITTO_PASSWD
from tests.conftest import MakeBroker
from tests.installed import Installed
from tests.mqtt.listening import Ear, settled
from tests.waiting import wait_for

LOGINS = ["appliance", "panel", "cli", "scripts", "homeassistant"]


def refusal(make_broker: MakeBroker, address: BrokerAddress) -> str:
    """Why we do not get in."""
    broker: Broker = make_broker(address, wait=False)
    return str(wait_for(lambda: broker.last_error))


@pytest.mark.parametrize("login", LOGINS)
def test_every_login_gets_in_on_this_computer(installed: Installed, make_broker: MakeBroker, login: str) -> None:
    assert make_broker(installed.address_of(login)).connected


def test_home_assistant_gets_in_on_the_network(installed: Installed, make_broker: MakeBroker) -> None:
    assert make_broker(installed.address_of("homeassistant", lan=True)).connected


@pytest.mark.parametrize("login", LOGINS[:-1])
def test_the_logins_of_this_computer_do_not_exist_on_the_network(installed: Installed, make_broker: MakeBroker, login: str) -> None:
    assert f"refuses the login '{login}'" in refusal(make_broker, installed.address_of(login, lan=True))


@pytest.mark.parametrize("lan", [False, True])
@pytest.mark.parametrize("password", ["wrong", " ", "of another"])
def test_a_wrong_password_is_refused(installed: Installed, make_broker: MakeBroker, lan: bool, password: str) -> None:
    given = str(installed.address_of("cli").password) if password == "of another" else password
    assert "wrong user name or password" in refusal(make_broker, installed.address_of("homeassistant", lan=lan, password=given))


@pytest.mark.parametrize("lan", [False, True])
@pytest.mark.parametrize("username", [None, "", "somebody", "appliance ", "+", "#"])
def test_nobody_and_strangers_are_refused(installed: Installed, make_broker: MakeBroker, lan: bool, username: str | None) -> None:
    port = installed.choices.lan_port if lan else installed.choices.loopback_port
    password = installed.address_of("appliance").password if username else None
    assert "refuses" in refusal(make_broker, BrokerAddress(host=HOST, port=port, username=username, password=password))


def test_a_new_password_holds_after_a_reload_and_the_old_one_no_longer(installed: Installed, make_broker: MakeBroker) -> None:
    old = installed.address_of("cli")
    (installed.folder / "credentials/cli.toml").unlink()
    assert installed.configure()
    installed.reload()
    wait_for(lambda: "wrong user name" in refusal(make_broker, old))
    assert make_broker(installed.address_of("cli")).connected
    assert make_broker(installed.address_of("panel")).connected


def test_ten_thousand_retained_states_reach_who_subscribes_late(installed: Installed, topics: Topics, make_broker: MakeBroker) -> None:
    appliance, ear = make_broker(installed.address_of("appliance")), Ear()
    for number in range(10_000):
        appliance.publish(topics(f"archive/{number}/state"), b"%d" % number + b"." * 1500, retain=True)
    settled(appliance, topics)
    late = make_broker(installed.address_of("homeassistant", lan=True))
    late.subscribe(topics("archive/#"), ear)
    wait_for(lambda: len(ear.heard) == 10_000, 60)
    assert len(ear.topics) == 10_000


def test_the_largest_answer_arrives_and_what_is_far_too_large_costs_nobody_else_anything(
    installed: Installed, topics: Topics, make_broker: MakeBroker
) -> None:
    appliance, cli, ear = make_broker(installed.address_of("appliance")), make_broker(installed.address_of("cli")), Ear()
    appliance.subscribe(topics("request/cli/#"), ear)
    settled(appliance, topics)
    cli.publish(topics("request/cli/too/large"), bytes(1_100_000), retain=False)
    cli.publish(topics("request/cli/large"), bytes(256 * 1024), retain=False)
    ear.wait_for(bytes(256 * 1024))
    cli.publish(topics("request/cli/far/too/large"), bytes(3_000_000), retain=False)
    wait_for(lambda: not cli.connected)
    assert appliance.connected
    assert ear.topics == {topics("request/cli/large")}


def test_a_hash_is_one_of_its_password_alone() -> None:
    word = new_password()
    line = hashed(word)
    assert fits(word, line)
    assert line != hashed(word)
    assert not fits(f"{word}x", line)
    assert not any(
        fits(word, bad) for bad in ("", "$7$", word, "$7$0$AAAA$AAAA", "$7$x$AAAA$AAAA", "$7$101$!$!", line.replace("$7$", "$6$"))
    )


@pytest.mark.skipif(MOSQUITTO_PASSWD is None, reason="mosquitto_passwd is not installed (apt install mosquitto)")
def test_the_hashes_of_mosquitto_s_own_program_are_understood(tmp_path: Path) -> None:
    subprocess.run([str(MOSQUITTO_PASSWD), "-b", "-c", tmp_path / "passwords", "cli", "a word"], check=True, capture_output=True)
    name, _, line = (tmp_path / "passwords").read_text().strip().partition(":")
    assert name == "cli"
    assert fits("a word", line)
    assert not fits("another word", line)
