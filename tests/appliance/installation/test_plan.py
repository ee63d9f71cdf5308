"""The plan of an installation on a folder that looks like a Debian: told, carried out, carried out again, broken off, taken back."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from appliance.installation import plan, steps, uninstall
from appliance.installation.layout import UNITS
from tests.appliance.installation.debian import Debian, PowerCut, site, tree

ALL = {"share": True, "tls": "generated"}


@pytest.fixture
def debian(tmp_path: Path) -> Debian:
    return Debian(tmp_path / "root")


@pytest.fixture(autouse=True)
def small_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a release is made of is the matter of its own tests."""
    monkeypatch.setattr("appliance.installation.releases._PACKAGES", ("appliance/installation",))


def carry_out(debian: Debian, **chosen: object) -> list[str]:
    said: list[str] = []
    steps.carry_out(plan.install(site(debian, **chosen)), said.append)
    return said


def rights(debian: Debian) -> dict[str, int]:
    """By name; the name of a release depends on its place."""
    return {re.sub(r"releases/[^/]+", "releases/one", name): about[0] for name, about in tree(debian.root).items()}


def test_a_dry_run_says_each_step_and_changes_nothing(debian: Debian) -> None:
    before, said = tree(debian.root), list[str]()
    steps.tell(plan.install(site(debian, **ALL)), said.append)
    assert tree(debian.root) == before
    assert debian.changes == []
    done = [line.removesuffix(" …")[1:] for line in carry_out(debian, **ALL)]
    assert [line.removeprefix("would ")[1:] for line in said if "inbox" not in line] == [line for line in done if "inbox" not in line]


def test_a_second_run_changes_nothing(debian: Debian) -> None:
    carry_out(debian, **ALL)
    before, changes = tree(debian.root), list(debian.changes)
    assert carry_out(debian, **ALL) == []
    assert tree(debian.root) == before
    assert debian.changes == changes


def test_after_a_power_cut_at_any_step_the_next_run_comes_to_the_same_end(debian: Debian, tmp_path: Path) -> None:
    carry_out(debian, share=True)
    whole = rights(debian)
    for cut in range(len(debian.changes)):
        other = Debian(tmp_path / f"cut-{cut}")
        other.cut_after = cut
        with pytest.raises(PowerCut):
            carry_out(other, share=True)
        other.cut_after = None
        carry_out(other, share=True)
        assert carry_out(other, share=True) == []
        assert rights(other) == whole


def test_what_a_later_run_chooses_otherwise_is_changed_and_what_is_chosen_away_goes(debian: Debian) -> None:
    carry_out(debian, share=True)
    assert "include = /etc/pyarchive/samba.conf" in (debian.root / "etc/samba/smb.conf").read_text()
    said = carry_out(debian, panel_port=8080, mdns=False)
    assert "PORT=8080" in (debian.root / "etc/systemd/system/pyarchive-panel.service").read_text()
    assert "pyarchive" not in (debian.root / "etc/samba/smb.conf").read_text()
    assert not (debian.root / "state/share").exists()
    assert not list((debian.root / "etc/avahi").rglob("*.service"))
    assert "Start pyarchive-panel.service …" in said
    assert "Start pyarchive-scripts.service …" not in said
    carry_out(debian, panel_port=8080, mdns=False, lan=False)
    assert "none" in (debian.root / "etc/pyarchive/mosquitto/broker.toml").read_text()


def test_a_password_that_was_removed_is_made_anew_and_whoever_uses_it_starts_anew(debian: Debian) -> None:
    carry_out(debian)
    (debian.root / "etc/pyarchive/mosquitto/credentials/panel.toml").unlink()
    said = carry_out(debian)
    assert said[0].startswith("Give the broker its logins")
    assert said[1:] == [f"Start {unit} …" for unit in ("mosquitto.service", *UNITS)]


def test_uninstalling_leaves_data_and_says_where_and_a_second_time_there_is_nothing(
    debian: Debian, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.installation.machine.check_root", lambda: None)
    carry_out(debian, share=True, data="/srv/family")
    before = {name: about for name, about in tree(debian.root).items() if name.startswith("srv/family/")}
    said: list[str] = []
    given, place = argparse.Namespace(dry_run=False, yes=True), site(debian)
    assert uninstall.uninstall(given, place.layout, place.source, said.append, debian) == 0
    assert any("/srv/family: all archives" in line for line in said)
    left = tree(debian.root)
    assert {name: about for name, about in left.items() if name.startswith("srv/family/")} == before
    assert not [name for name in left if "systemd/system/pyarchive" in name or name.startswith(("opt/pyarchive", "usr/local/bin/py"))]
    assert not (debian.root / "etc/systemd/system/mosquitto.service.d").exists()
    assert not list((debian.root / "state/enable").iterdir())
    said.clear()
    uninstall.uninstall(given, place.layout, place.source, said.append, debian)
    assert said == ["There is nothing to uninstall."]


def test_another_installation_finds_what_was_left(debian: Debian, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out(debian, data="/srv/family")
    steps.carry_out(uninstall.plan(site(debian)), lambda _: None)
    said = carry_out(debian, data="/srv/family")
    assert not [line for line in said if "data folder /srv" in line or "its id" in line or "Note what" in line]
