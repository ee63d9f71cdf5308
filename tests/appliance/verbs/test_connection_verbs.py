"""What the panel asks about connections before it acts on them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.errors import Refused
from tests.fakes.drive import FakeDrive
from tests.inside import Inside
from tests.waiting import wait_for


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDrive]:
    with FakeDrive(tmp_path / "drive") as drive:
        drive.device(interval_s=0.05)
        yield drive


def test_the_removal_of_a_connection_says_beforehand_what_would_lose_its_copy(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        disk = inside.connect(tmp_path / "disk")
        here, gone = inside.put(b"x" * 10, title="here"), inside.put(b"y" * 20, title="gone", owner="anna")
        inside.wait_remote(here)
        inside.wait_remote(gone)
        told = inside.ask("connection/removal", connection="disk")
        assert (told["active"], told["archives"], told["only_there"], told["at_risk"], told["at_risk_bytes"]) == (True, 2, 0, 2, 30)
        assert told["refused"] is None
        inside.release(gone)
        told = inside.ask("connection/removal", connection=disk)
        assert (told["only_there"], told["only_there_bytes"], told["at_risk"], told["at_risk_bytes"]) == (1, 20, 1, 10)
        assert [(each["title"], each["owner"]) for each in told["examples"]] == [("gone", "anna"), ("here", "home")]
        with pytest.raises(Refused) as refused:
            inside.ask("connection/remove", connection=disk)
        assert str(refused.value) == told["refused"]


def test_the_recovery_kit_names_all_that_is_needed_and_no_secret(tmp_path: Path, fake: FakeDrive) -> None:
    with Inside(tmp_path / "data", drive_endpoint=fake.root) as inside:
        client = fake.client()
        inside.ask("connection/add", kind="drive", name="Our Drive", credentials=json.dumps({"installed": client}))
        kit = inside.ask("connection/recovery-kit", connection="Our Drive")
        assert (kit["appliance_id"], kit["client_id"], kit["archives"]) == (inside.app.folder.appliance_id, client["client_id"], 0)
        steps = "\n".join(kit["steps"])
        assert client["client_id"] in steps
        assert f"pyarchive recover 'Our Drive' --from {kit['appliance_id']}" in steps
        assert client["client_secret"] not in json.dumps(kit)


def test_the_kit_of_a_folder_counts_what_is_whole_there(tmp_path: Path) -> None:
    with Inside(tmp_path / "data") as inside:
        inside.connect(tmp_path / "disk")
        inside.wait_remote(inside.put(b"x" * 10))
        kit = inside.ask("connection/recovery-kit", connection="disk")
        assert (kit["archives"], kit["bytes"], kit["path"]) == (1, 10, str(tmp_path / "disk"))
        assert any("sha256sum" in line for line in kit["by_hand"])


def test_a_sign_in_can_be_seen_again_and_given_up(tmp_path: Path, fake: FakeDrive) -> None:
    with Inside(tmp_path / "data", drive_endpoint=fake.root) as inside:
        drive = inside.ask("connection/add", kind="drive", name="Drive", credentials=json.dumps({"installed": fake.client()}))["id"]
        assert inside.ask("connection/sign-in-state", connection=drive)["state"] == "none"
        code = inside.ask("connection/sign-in", connection=drive)
        state = inside.ask("connection/sign-in-state", connection=drive)
        assert {key: state[key] for key in ("user_code", "verification_url", "expires_at")} == {
            key: code[key] for key in ("user_code", "verification_url", "expires_at")
        }
        assert (state["state"], code["user_code"] in state["message"]) == ("pending", True)
        assert inside.ask("connection/cancel-sign-in", connection=drive)["sign_in"] == "needed"
        assert inside.ask("connection/sign-in-state", connection=drive)["state"] == "none"
        fake.deny(inside.ask("connection/sign-in", connection=drive)["user_code"])
        failed = wait_for(lambda: (s := inside.ask("connection/sign-in-state", connection=drive))["state"] == "failed" and s)
        assert failed["user_code"] is None
