"""What stands in the way of an installation is said before anything is changed, with what to do."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path
from typing import Any

import pytest

from appliance.installation import broker, certificates, choices, data, machine, ports, settings_file
from appliance.installation.choices import Choices
from appliance.installation.errors import CannotGoOn
from appliance.installation.layout import Layout
from appliance.installation.settings_file import with_value
from tests.appliance.installation.debian import Debian, site, tree


@pytest.fixture
def debian(tmp_path: Path) -> Debian:
    return Debian(tmp_path / "root")


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ("ID=ubuntu\nVERSION_ID=24.04\nPRETTY_NAME=Ubuntu", "runs Ubuntu"),
        ('ID=debian\nVERSION_ID="11"\nPRETTY_NAME="Debian 11"', "runs Debian 11"),
        ("", "runs unknown"),
    ],
)
def test_another_system_is_refused_by_name(debian: Debian, release: str, said: str) -> None:
    (debian.root / "etc/os-release").write_text(release)
    with pytest.raises(CannotGoOn, match=said) as error:
        machine.check_system(Layout(debian.root))
    assert "./install.sh demo" in error.value.next_step


def test_debian_12_and_13_will_do(debian: Debian) -> None:
    machine.check_system(Layout(debian.root))
    (debian.root / "etc/os-release").write_text('ID=raspbian\nVERSION_ID="13"\n')
    machine.check_system(Layout(debian.root))


def test_a_port_that_another_program_has_is_named_with_that_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(CannotGoOn, match=f"port {port}, which the panel needs, is taken by .*py"):
            ports.check_free(port, "the panel", ("pyarchive-panel.service",), "choose another one with --panel-port")
        own = Path("/proc/self/cgroup").read_text()
        ports.check_free(port, "the panel", (own[-5:],), "…")
    ports.check_free(port, "the panel", (), "…")


@pytest.mark.parametrize(
    "name", ["etc/mosquitto/conf.d/house.conf", "etc/systemd/system/mosquitto.service.d/own.conf", "etc/mosquitto/mosquitto.conf"]
)
def test_a_broker_that_somebody_set_up_is_never_overwritten(debian: Debian, name: str) -> None:
    (debian.root / name).parent.mkdir(parents=True)
    (debian.root / name).write_text("listener 1883\n")
    before = tree(debian.root)
    with pytest.raises(CannotGoOn, match=f"set up by somebody else: /{name}") as error:
        broker.check(site(debian))
    assert "bridge" in error.value.next_step
    assert tree(debian.root) == before


def test_mosquitto_as_debian_brings_it_is_nobodys(debian: Debian) -> None:
    text = "pid_file /run/mosquitto/mosquitto.pid\n"
    (debian.root / "etc/mosquitto").mkdir()
    (debian.root / "etc/mosquitto/mosquitto.conf").write_text(text)
    known = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    with (debian.root / "var/lib/dpkg/status").open("a") as status:
        status.write(f"\nPackage: mosquitto\nStatus: install ok installed\nConffiles:\n /etc/mosquitto/mosquitto.conf {known}\n")
    broker.check(site(debian))


def test_a_folder_with_something_else_in_it_is_not_taken(debian: Debian) -> None:
    (debian.root / "srv/photos").mkdir(parents=True)
    (debian.root / "srv/photos/lost+found").mkdir()
    data.check(site(debian, data="/srv/photos"))
    (debian.root / "srv/photos/me.jpg").write_text("me")
    with pytest.raises(CannotGoOn, match="not PyArchive's"):
        data.check(site(debian, data="/srv/photos"))


def test_a_disk_without_owners_is_refused(debian: Debian) -> None:
    (debian.root / "proc/self").mkdir(parents=True)
    (debian.root / "proc/self/mountinfo").write_text("27 24 8:17 / /media/stick rw - exfat /dev/sdb1 rw\n")
    with pytest.raises(CannotGoOn, match="exfat, which knows no owners"):
        data.check(site(debian, data="/media/stick/pyarchive"))


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"data": "relative"}, "data folder is 'relative'"),
        ({"data": "/a b"}, "data folder is '/a b'"),
        ({"data": "/srv/../etc"}, "data folder"),
        ({"panel_port": 70000}, "port is 70000"),
        ({"host_name": "a_b"}, "host name is 'a_b'"),
        ({"tls": "own"}, "belong together"),
        ({"tls_certificate": "/a.pem"}, "belong together"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(chosen: dict[str, Any], said: str) -> None:
    with pytest.raises(CannotGoOn, match=said):
        Choices(**chosen)


def test_what_was_chosen_is_found_again(tmp_path: Path) -> None:
    chosen = Choices(data="/srv/a", panel_port=8080, tls="own", tls_certificate="/a.pem", tls_key="/a.key", share=True, lan=False)
    (tmp_path / "install.toml").write_text(choices.as_toml(chosen))
    assert Choices(**choices.kept(tmp_path / "install.toml")) == chosen
    (tmp_path / "install.toml").write_text("dtaa = 3\n")
    with pytest.raises(CannotGoOn, match="dtaa is unknown"):
        choices.kept(tmp_path / "install.toml")


def test_the_settings_file_keeps_what_people_wrote() -> None:
    text = with_value('# mine\ntransfers = 2\npanel_url = "https://mine"\n\n[mqtt]\ndata = "no"\n', "data", "/srv/a")
    assert text == '# mine\ntransfers = 2\npanel_url = "https://mine"\ndata = "/srv/a"  # by install.sh\n\n[mqtt]\ndata = "no"\n'
    assert with_value(text, "panel_url", "http://a", keep=True) == text
    ours = with_value("", "panel_url", "http://a", keep=True)
    assert with_value(ours, "panel_url", "http://b", keep=True) == 'panel_url = "http://b"  # by install.sh\n'


def test_a_settings_file_that_is_no_toml_is_left_alone(debian: Debian) -> None:
    path = debian.root / "etc/pyarchive/pyarchive.toml"
    path.parent.mkdir(parents=True)
    path.write_text("transfers = ")
    with pytest.raises(CannotGoOn, match="cannot be read"):
        settings_file.check(site(debian))


def test_a_certificate_is_made_for_all_names_and_made_again_when_the_name_changes(debian: Debian) -> None:
    place = site(debian, tls="generated")
    for step in certificates.steps(place):
        assert not step.is_done()
        step.do()
        assert step.is_done()
    assert oct((debian.root / "etc/pyarchive/tls/panel.key").stat().st_mode)[-3:] == "600"
    authority = (debian.root / "etc/pyarchive/tls/authority.pem").read_bytes()
    (debian.root / "etc/hostname").write_text("cellar\n")
    kept, made = certificates.steps(place)
    assert (kept.is_done(), made.is_done()) == (True, False)
    made.do()
    assert made.is_done()
    assert (debian.root / "etc/pyarchive/tls/authority.pem").read_bytes() == authority


def test_a_certificate_with_a_key_of_another_one_is_refused(debian: Debian) -> None:
    for step in certificates.steps(site(debian, tls="generated")):
        step.do()
    own = site(debian, tls="own", tls_certificate="/etc/pyarchive/tls/panel.pem", tls_key="/etc/pyarchive/tls/authority.key")
    with pytest.raises(CannotGoOn, match="is not that of the certificate"):
        certificates.check(own)
