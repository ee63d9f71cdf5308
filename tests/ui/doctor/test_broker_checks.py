"""The broker's checks against a real Mosquitto, set up as on a Pi and then spoilt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mqtt.topics import Topics
from tests.installed import Installed, need_mosquitto
from tests.ui.doctor.conftest import DEAD, Computer, changed, found, levels, line, told
from ui.doctor.case import Case
from ui.doctor.checks import broker
from ui.doctor.place import BROKER_FOLDER


@pytest.fixture
def mosquitto(computer: Computer) -> Iterator[Installed]:
    """Of the appliance that this computer has, where an installation puts it."""
    need_mosquitto()
    computer.installed()
    installed = Installed(Topics("box-1234"), start=False)
    link = computer.root / str(BROKER_FOLDER).lstrip("/")
    link.symlink_to(installed.folder)
    yield installed
    installed.remove()


def ours(mosquitto: Installed) -> dict[str, Any]:
    address = mosquitto.address_of("cli")
    return {"port": address.port, "password": address.password}


def test_a_broker_as_it_was_set_up_is_good(computer: Computer, mosquitto: Installed) -> None:
    mosquitto.start()
    known = told()
    for look in (broker.login, broker.strangers, broker.rights, broker.credentials):
        assert levels(look, computer, known, **ours(mosquitto)) == ["good"], look
    assert levels(broker.files, computer, known, **ours(mosquitto)) == ["good", "good"]
    assert levels(broker.lan, computer, known, **ours(mosquitto)) == ["good", "look"]


def test_a_broker_that_lets_everybody_in_and_do_everything_must_be_mended(computer: Computer, mosquitto: Installed) -> None:
    text = (mosquitto.folder / "mosquitto.conf").read_text().replace("allow_anonymous false", "allow_anonymous true")
    spoilt = "\n".join(row for row in text.splitlines() if not row.startswith(("acl_file", "password_file")))
    (mosquitto.folder / "mosquitto.conf").write_text(spoilt)
    mosquitto.start()
    for look in (broker.strangers, broker.rights):
        assert levels(look, computer, told(), **ours(mosquitto)) == ["mend"], look
    assert levels(broker.lan, computer, told(), **ours(mosquitto)) == ["mend", "look"]


def test_rights_of_another_id_as_after_a_recovery_must_be_mended(computer: Computer, mosquitto: Installed) -> None:
    computer.put("/var/lib/pyarchive/appliance_id", "old-5678")
    assert levels(broker.files, computer) == ["mend", "mend"]
    assert "of another appliance" in line(broker.credentials, computer)
    assert "sudo systemctl restart mosquitto" in found(broker.files, computer)[0].next_step


def test_rights_that_are_missing_or_changed_by_hand_must_be_mended(computer: Computer, mosquitto: Installed) -> None:
    acl = mosquitto.folder / "acl-loopback"
    acl.write_text(acl.read_text() + "topic readwrite #\n")
    (mosquitto.folder / "acl-lan").unlink()
    assert levels(broker.files, computer) == ["mend", "mend"]
    (mosquitto.folder / "credentials/cli.toml").unlink()
    assert levels(broker.credentials, computer) == ["mend"]


def test_a_login_that_hears_nothing_must_be_mended(computer: Computer, mosquitto: Installed) -> None:
    mosquitto.start()
    deaf = changed(told(), messages={}, online=False)
    assert "rights are those of another id" in line(broker.rights, computer, deaf, **ours(mosquitto))


def test_without_a_broker_nothing_is_tried(computer: Computer) -> None:
    computer.installed()
    assert levels(broker.login, computer) == ["mend"]
    for look in (broker.strangers, broker.rights, broker.lan):
        assert "skipped" in levels(look, computer), look


def test_a_login_that_we_may_not_read_is_no_fault(computer: Computer) -> None:
    case = Case(machine=computer.machine, settings=None, why_not="client.toml may not be read by you", allowed=False)
    case._answer.set_result(DEAD)
    [finding] = broker.login(case)
    assert finding.level == "skipped"
