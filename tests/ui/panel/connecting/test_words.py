"""What the pages of connections say, from what the appliance tells. Pure."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ui.errors import Failed
from ui.panel.connecting import credentials_file
from ui.panel.connecting.activating import what_it_means
from ui.panel.connecting.giving_up import removal_words
from ui.panel.connecting.standing import next_step, space_words, standing
from ui.panel.connecting.tidying import orphan_places
from ui.panel.parts.wording import in_the_panel
from ui.panel.welcome.inviting import is_loopback

READY: dict[str, Any] = {
    "name": "Disk", "sign_in": "not_needed", "valid": True, "validated_at": "2026-11-25T20:00:00Z", "adopting": None, "active": True,
    "reachable": True, "last_error": None, "used_bytes": 1_000, "limit_bytes": 10_000, "free_bytes": 9_000,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "step", "words"),
    [
        ({}, "done", "Copies go here"),
        ({"active": False}, "activate", "Ready"),
        ({"adopting": "3 archives are unknown"}, "decide", "Needs a decision"),
        ({"valid": False}, "validate", "Cannot be used"),
        ({"valid": False, "validated_at": None}, "validate", "Not checked yet"),
        ({"sign_in": "needed"}, "sign_in", "Sign-in needed"),
        ({"sign_in": "pending", "valid": False}, "sign_in", "Waiting for the sign-in"),
        ({"last_error": "no route", "reachable": False}, "done", "Cannot be reached"),
        ({"last_error": "full"}, "done", "In trouble"),
    ],
)
def test_the_worst_that_is_true_is_shown_and_the_first_that_is_missing_is_due(change: dict[str, Any], step: str, words: str) -> None:
    assert (next_step(READY | change), standing(READY | change)[0]) == (step, words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "9.00 kB of 10.0 kB free"),
        ({"limit_bytes": None, "free_bytes": None}, "1.00 kB used, without a limit"),
        ({"limit_bytes": None, "free_bytes": None, "used_bytes": None}, "Space not known yet"),
    ],
)
def test_space_is_told_as_far_as_it_is_known(change: dict[str, Any], words: str) -> None:
    assert space_words(READY | change) == words


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "choose the file"),
        ("{", "no JSON, or not all of it"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no credentials"),
        ('{"web": {"client_id": "a"}}', "Web application"),
        ('{"installed": {"client_id": "a"}}', "lacks the client's id or secret"),
        ('{"type": ["authorized_user"]}', "no credentials"),
        ('{"something": "s3cret"}', "no credentials"),
    ],
)
def test_a_wrong_credentials_file_is_named_and_not_quoted(text: str, why: str) -> None:
    with pytest.raises(Failed, match=why) as refused:
        credentials_file.read(text)
    assert "s3cret" not in str(refused.value)


def test_credentials_show_their_client_and_hide_the_rest() -> None:
    client = credentials_file.read(json.dumps({"installed": {"client_id": "id", "client_secret": "s3cret"}}))
    signed_in = credentials_file.read(json.dumps({"type": "authorized_user", "client_id": "id", "refresh_token": "s3cret"}))
    assert (client.needs_sign_in, signed_in.needs_sign_in, client.client_id) == (True, False, "id")
    assert "s3cret" not in repr((client, signed_in))


def test_a_file_that_is_no_text_or_too_large_is_refused() -> None:
    with pytest.raises(Failed, match="no text"):
        credentials_file.decoded(b"\xff\xfe\x00")
    with pytest.raises(Failed, match="64 KiB"):
        credentials_file.decoded(b" " * (credentials_file.LARGEST_BYTES + 1))


def test_what_an_activation_means_is_said_with_its_size_and_whether_it_fits() -> None:
    appliance = {"counts": {"archives": 2}, "stored_bytes": 20_000, "upload_rate_bytes_per_s": 100.0}
    words = " ".join(what_it_means(READY, appliance, "Old"))
    for said in ("2 archives with 20.0 kB, about 3 min", "Only 9.00 kB are free there", "“Old” keeps what it has"):
        assert said in words


def test_what_a_removal_means_is_said_before() -> None:
    preview = {"archives": 3, "stored_bytes": 3_000, "at_risk": 1, "at_risk_bytes": 1_000, "active": True}
    words = " ".join(removal_words(preview))
    for said in (
        "3 archives with 3.00 kB lie there",
        "1 archive with 1.00 kB would be on this appliance only",
        "copied nowhere afterwards",
    ):
        assert said in words


def test_unlisted_files_are_counted_by_place() -> None:
    orphans = [{"where": "c1", "size_bytes": 1_000}, {"where": "c1", "size_bytes": 500}, {"where": "spool", "size_bytes": 1}]
    assert orphan_places(orphans, {"c1": "Disk"}) == ["Disk: 2 objects, 1.50 kB", "this appliance, spool: 1 object, 1 B"]


def test_commands_become_the_buttons_that_do_the_same_and_others_stay() -> None:
    assert in_the_panel("run `pyarchive connection validate c1` first") == "run “Check now” on the connection's page first"
    assert in_the_panel("`pyarchive verify --remote` tells") == "`pyarchive verify --remote` tells"


@pytest.mark.parametrize(
    ("url", "loopback"),
    [("http://127.0.0.1:8080", True), ("http://[::1]", True), ("http://localhost", True), ("http://pyarchive.local", False)],
)
def test_an_address_for_this_computer_only_is_known(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback
