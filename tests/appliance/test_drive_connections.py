"""Connections to Google Drive in a whole appliance: what a person is told of them, and what stays a secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import BadRequest, Conflict, RemoteRefused, SignInNeeded
from tests.fakes.drive import FakeDrive
from tests.inside import Inside
from tests.waiting import wait_for

BATCH = 300_000


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDrive]:
    with FakeDrive(tmp_path / "drive") as drive:
        drive.device(interval_s=0.05)
        yield drive


@pytest.fixture
def house(tmp_path: Path, fake: FakeDrive) -> Iterator[Inside]:
    with Inside(tmp_path / "data", batch_bytes=BATCH, drive_endpoint=fake.root) as inside:
        yield inside


def add(inside: Inside, document: dict[str, Any], name: str = "Drive", **more: Any) -> str:
    return str(inside.ask("connection/add", kind="drive", name=name, credentials=json.dumps(document), **more)["id"])


def activate(inside: Inside, document: dict[str, Any], name: str = "Drive") -> str:
    connection = add(inside, document, name)
    inside.ask("connection/validate", connection=connection)
    inside.ask("connection/activate", connection=connection)
    return connection


def about(inside: Inside, connection: str) -> str:
    """All that stands as a problem of that connection, as a face shows it."""
    standing = inside.app.problems.standing()
    return "\n".join(f"{each.message}; {each.next_step}" for each in standing if each.about.endswith(connection))


# Signing in


def test_somebody_who_has_signed_in_is_not_asked_to_sign_in_before_it_was_tried_out(house: Inside, fake: FakeDrive) -> None:
    connection = add(house, {"installed": fake.client()})
    assert house.ask("connection/show", connection=connection)["sign_in"] == "needed"
    house.app.connections.look()  # as it is done once a minute: it finds that nobody has signed in yet
    code = house.ask("connection/sign-in", connection=connection)["user_code"]
    assert house.ask("connection/show", connection=connection)["sign_in"] == "pending"
    fake.approve(code)
    state = wait_for(lambda: (s := house.ask("connection/show", connection=connection))["sign_in"] != "pending" and s)
    assert (state["sign_in"], state["sign_in_message"], state["last_error"], state["valid"]) == ("ok", None, None, False)


def test_a_sign_in_made_elsewhere_is_one(house: Inside, fake: FakeDrive) -> None:
    assert house.ask("connection/show", connection=add(house, fake.account()))["sign_in"] == "ok"


def test_who_never_signed_in_is_not_told_to_do_it_again(house: Inside, fake: FakeDrive) -> None:
    connection = add(house, {"installed": fake.client()}, "My Drive")
    with pytest.raises(SignInNeeded, match="nobody has signed in with this OAuth client yet; sign in with `pyarchive connection sign-in`"):
        house.ask("connection/validate", connection=connection)
    house.app.housekeeper._keeping.look_at_connections()
    assert "OAuth client yet; sign in: `pyarchive connection sign-in 'My Drive'`" in about(house, connection)


def test_a_name_that_is_taken_leads_on_to_the_connection_that_has_it(house: Inside, fake: FakeDrive) -> None:
    add(house, {"installed": fake.client()}, "My Drive")
    with pytest.raises(Conflict, match="go on with that one") as refused:
        add(house, {"installed": fake.client()}, "My Drive")
    assert "`pyarchive connection show 'My Drive'`" in str(refused.value)


def test_a_folder_id_that_can_be_none_is_refused_and_nothing_is_kept(house: Inside, fake: FakeDrive) -> None:
    before = set((house.data / "secrets").iterdir())
    with pytest.raises(BadRequest, match="'bad id!' is no id of a folder on Google Drive: that is the last part of its address"):
        add(house, fake.account(), folder_id="bad id!")
    assert house.ask("connection/list")["connections"] == []
    assert set((house.data / "secrets").iterdir()) == before


def test_a_service_account_without_storage_of_its_own_is_told_so_when_it_is_tried_out(house: Inside, fake: FakeDrive) -> None:
    said = "Service Accounts do not have storage quota. Leverage shared drives (https://developers.google.com/), or use OAuth delegation."
    connection = add(house, fake.service_account())
    fake.fault("storageQuotaExceeded", match=["open", "chunk"], times=None, message=said)
    with pytest.raises(RemoteRefused, match="a service account has no storage of its own; sign in as a person"):
        house.ask("connection/validate", connection=connection)
    assert not house.ask("connection/show", connection=connection)["valid"]


def test_a_service_account_that_has_storage_can_be_used(house: Inside, fake: FakeDrive) -> None:
    activate(house, fake.service_account())
    house.wait_remote(house.put(b"x" * BATCH))


# Problems


def test_a_connection_that_is_removed_takes_its_problems_with_it(house: Inside, fake: FakeDrive) -> None:
    connection = activate(house, fake.account())
    fake.fault("domainPolicy", match="open", times=None)
    house.put(b"x" * BATCH)
    wait_for(lambda: "do not allow this app" in about(house, connection))
    house.app.problems.raise_("many_tombstones", f"tombstones of {connection}", "many", "look", needs_you=True)
    house.ask("connection/remove", connection=connection)
    wait_for(lambda: about(house, connection) == "", what=f"no problem of what is gone, but {about(house, connection)}")


def test_a_full_account_says_how_much_is_missing_for_all_that_waits(house: Inside, fake: FakeDrive) -> None:
    connection = activate(house, fake.account())
    fake.quota(limit_bytes=1_000_000, used_bytes=900_000)
    for number in range(3):
        house.put(bytes([number]) * 4 * BATCH, f"{number}.bin")
    wait_for(lambda: "3.5 MB are missing for all that waits (3.6 MB)" in about(house, connection), what=about(house, connection))
    assert f"({BATCH:,} bytes needed, 100,000 free" in about(house, connection)
    fake.quota(limit_bytes=None)
    house.ask("transfer/sync")
    wait_for(lambda: about(house, connection) == "")


def test_what_drive_takes_for_malware_among_our_own_small_files_stops_nothing(house: Inside, fake: FakeDrive, tmp_path: Path) -> None:
    activate(house, fake.account())
    archive_id = house.put(b"x" * BATCH)
    house.wait_remote(archive_id)
    for file in fake.files.values():
        if file.content_path is not None:
            fake.abusive(file.id)
    with Inside(tmp_path / "new", batch_bytes=BATCH, drive_endpoint=fake.root, appliance_id=house.app.folder.appliance_id) as new:
        connection = add(new, fake.account())
        new.ask("connection/validate", connection=connection)
        new.ask("recovery/start", connection=connection)
        wait_for(lambda: new.ask("recovery/state")["state"] not in {"none", "running"})
        state = new.ask("recovery/state")
        assert (state["state"], state["adopted"], state["error"]) == ("done", 1, None)


# Secrets


def test_no_secret_is_in_any_log_topic_answer_or_copy_of_the_catalog(tmp_path: Path, fake: FakeDrive) -> None:
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    try:
        with Inside(tmp_path / "data", batch_bytes=BATCH, drive_endpoint=fake.root, log_level="debug") as inside:
            said = _a_stormy_life(inside, fake)
            told = [*inside.outbox.retained.values(), *inside.outbox.events]
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(logging.WARNING)
    secrets = _secrets(tmp_path / "data", fake)
    assert len(secrets) > 8
    on_drive = [fake.content(file.id) for file in fake.files.values() if file.content_path is not None]
    everywhere = "\n".join([log.getvalue(), said, *(each.decode("utf-8", "replace") for each in [*told, *on_drive])])
    assert "URL being requested" in everywhere, "the libraries' own lines of debugging are to be looked through as well"
    assert [secret for secret in secrets if secret in everywhere] == []


def _a_stormy_life(inside: Inside, fake: FakeDrive) -> str:
    """Sign-ins, uploads through trouble, a copy of the catalog, the end of a sign-in. All that was answered meanwhile."""
    connection = add(inside, {"installed": fake.client()})
    fake.approve(inside.ask("connection/sign-in", connection=connection)["user_code"])
    wait_for(lambda: inside.ask("connection/show", connection=connection)["sign_in"] == "ok")
    inside.ask("connection/validate", connection=connection)
    inside.ask("connection/activate", connection=connection)
    for kind in ("cut", "503", "html", "lost_answer", "no_range", "expired", "401", "domainPolicy"):
        fake.fault(kind, match=["open", "chunk", "status"])
        content = kind.encode() * BATCH  # what is no larger than a piece has no session
        inside.wait_remote(inside.put(content, f"{kind}.bin"), 60)
    assert inside.app.copier.run_once()
    fake.fault("invalid_grant", match="token", times=None)
    fake.expire_tokens()
    inside.put(b"more" * 1000, "more.bin")
    wait_for(lambda: "the sign-in has ended" in about(inside, connection) or "has ended: it was revoked" in about(inside, connection))
    answers = [inside.ask("connection/show", connection=connection), inside.ask("connection/list"), inside.ask("recovery/state")]
    answers += [inside.ask("log/query", limit=1000, level="debug"), inside.ask("settings/get"), inside.ask("transfer/list")]
    return json.dumps([*answers, *(problem.model_dump(mode="json") for problem in inside.app.problems.standing())])


def _secrets(data: Path, fake: FakeDrive) -> set[str]:
    """What is kept in secrets/, and what the fake has given out: tokens, codes of devices, sessions."""
    oauth = fake._world.oauth
    kept = [json.loads(file.read_text()) for file in (data / "secrets").glob("connection-*.json")]
    devices = [device.device_code for device in oauth._devices.values()]
    return {
        *(each[name] for each in kept for name in ("client_secret", "refresh_token")),
        *oauth.refresh, *oauth._access, *devices, *fake._world.sessions,
    }  # fmt: skip
