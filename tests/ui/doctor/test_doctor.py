"""The command: what it says, how it ends, that nothing hangs and nothing secret is printed."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mqtt.messages import ConnectionState, LogLine
from tests.rights import as_nobody, folder_for_all
from tests.ui.conftest import Run
from tests.ui.doctor.conftest import DEAD, Computer, found, settings
from tests.ui.stand_in import NOW, StandIn, problem
from ui.doctor.case import Case
from ui.doctor.doctor import Doctor
from ui.doctor.examining import Check, examine
from ui.doctor.finding import Finding, good
from ui.doctor.listed import CHECKS
from ui.doctor.machine import Machine
from ui.doctor.redaction import Redaction


def test_it_ends_with_0_where_nothing_must_be_mended_and_with_1_where_something_must(appliance: StandIn, client_data: Path) -> None:
    named = [check for check in CHECKS if check.name in {"broker login", "problems", "log"}]
    appliance.answers["log/query"] = {"lines": [], "more": False}
    for problems, mends in (([], False), ([problem("disk")], True)):
        appliance.online(problems=problems)
        doctor = Doctor({}, client_data)
        assert doctor.must_mend(doctor.examine(named)) is mends


def test_the_command_tells_of_a_running_appliance(appliance: StandIn, run: Run) -> None:
    appliance.online()
    appliance.answers["log/query"] = {"lines": [], "more": False}
    done = run("doctor")
    assert done.status == 1, "nobody has started a panel"
    for text in ("PyArchive 0.1.0, started by hand", "the appliance is online (idle) and answers", "Disk\n", " to look at; "):
        assert text in done.out, done.out
    assert done.err == ""


def test_as_json_each_finding_has_its_place_level_and_next_step(appliance: StandIn, run: Run) -> None:
    appliance.online(problems=[problem("disk")])
    appliance.answers["log/query"] = {"lines": [], "more": False}
    told = run("doctor", "--json").json
    assert told["place"] == "by hand"
    assert told["mend"] == sum(each["level"] == "mend" for each in told["findings"]) > 0
    assert {
        "group": "Appliance",
        "name": "problem trouble",
        "level": "mend",
        "text": "trouble, disk: trouble with disk",
        "next_step": "mend it",
    } in told["findings"]


def test_with_a_dead_broker_it_ends_soon_and_tells_what_can_still_be_told(client_data: Path, run: Run) -> None:
    file = client_data / "client.toml"
    file.write_text(file.read_text().replace("port = ", "port = 1 # "))
    began_s = time.monotonic()
    done = run("doctor")
    assert time.monotonic() - began_s < 20
    assert done.status == 1
    assert "MEND  the broker at 127.0.0.1:1" in done.out
    assert "file system" in done.out


def test_without_any_appliance_it_says_so(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    [told] = [finding for _, findings in Doctor({}, tmp_path / "none").examine([CHECKS[1]]) for finding in findings]
    assert told.level == "mend"
    assert run("doctor", "--nonsense").status == 2


def test_a_check_that_hangs_or_fails_takes_no_other_with_it(computer: Computer) -> None:
    ends = threading.Event()

    def hangs(_: Case) -> list[Finding]:
        ends.wait(30)
        return []

    def fails(_: Case) -> list[Finding]:
        raise ValueError("secret words")

    case = Case(machine=computer.machine, settings=None)
    checks = [Check("g", "hangs", hangs), Check("g", "fails", fails), Check("g", "works", lambda _: [good("works", "well")])]
    said = [findings[0] for _, findings in examine(case, checks, 0.3)]
    ends.set()
    assert [str(each.level) for each in said] == ["look", "look", "good"]
    assert "hangs" in said[0].text
    assert "secret words" not in said[1].text


PLANTED = {
    "password": "planted-broker-password",
    "access": "ya29.planted-token",
    "refresh": "1//planted-refresh-token",
    "client": "GOCSPX-planted",
    "session": "upload_id=planted-session",
    "userinfo": "robot:planted@",
    "bearer": "Bearer planted-bearer",
    "address": "somebody.planted@example.com",
}
FOUL = (
    "GET https://robot:planted@example.com/upload?uploadType=resumable&upload_id=planted-session refused planted-broker-password "
    "ya29.planted-token 1//planted-refresh-token GOCSPX-planted Authorization: Bearer planted-bearer for somebody.planted@example.com"
)


def test_no_secret_and_no_whole_address_gets_through(
    appliance: StandIn, client_data: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = client_data / "client.toml"
    monkeypatch.setenv("PYARCHIVE_SOME_TOKEN", "planted-broker-password")
    connection = ConnectionState(
        id="c1", kind="drive", name=FOUL, active=True, valid=False, account="somebody.planted@example.com", last_error=FOUL
    )
    appliance.online(problems=[problem("disk").model_copy(update={"message": FOUL, "next_step": FOUL})], status_reason=FOUL)
    appliance.publish("connection/c1/state", connection.payload())
    said = LogLine(at=NOW, level="error", source="appliance", message=FOUL)
    appliance.answers["log/query"] = {"lines": [said.model_dump(mode="json")], "more": False}
    for arguments in ((), ("--json",)):
        done = run("doctor", *arguments)
        assert "is not valid" in done.out
        assert [name for name, text in PLANTED.items() if text in done.out + done.err] == []
        assert file.read_text().split('password = "')[1].split('"')[0] not in done.out


def test_a_redaction_leaves_what_is_no_secret() -> None:
    hide = Redaction(["hunter22"])
    text = "the broker at 127.0.0.1:1883 answers; see docs/pi.md, `pyarchive connection show Drive`"
    assert hide(text) == text
    assert hide("hunter22 of anna@example.com") == "(hidden) of a…@example.com"


def test_an_appliance_that_says_nothing_true_takes_doctor_with_it_nowhere(computer: Computer) -> None:
    """Every check, on an empty computer with a dead appliance: each says something, or nothing, and none fails itself."""
    said: list[Any] = [finding for check in CHECKS for finding in found(check.look, computer, DEAD)]
    assert [each.text for each in said if "failed itself" in each.text] == []
    assert len(said) > 20
    assert str(settings().password) not in str(said)


def test_programs_are_looked_for_on_the_prepared_computer_alone(computer: Computer) -> None:
    assert Machine(computer.root).run("ls") is None


def test_an_address_that_we_may_not_read_is_known_as_such() -> None:
    with folder_for_all() as data:
        file = data / "client.toml"
        file.write_text('appliance_id = "box-1234"\n[mqtt]\nhost = "127.0.0.1"\nport = 1\nusername = "cli"\npassword = "x"\n')
        assert Doctor({}, data).case.allowed
        file.chmod(0o000)
        with as_nobody():
            assert not Doctor({}, data).case.allowed
