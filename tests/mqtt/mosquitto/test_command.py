"""``python -m mqtt.mosquitto``: what it writes, what it keeps, what it says."""

from __future__ import annotations

import stat
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mqtt.client import BrokerAddress
from mqtt.contract import Login
from mqtt.mosquitto.__main__ import main
from mqtt.mosquitto.choices import Choices, as_toml
from mqtt.mosquitto.credentials import BridgeLogin
from mqtt.mosquitto.logins import LOGINS
from mqtt.topics import Topics
from tests.brokers import HOST, MOSQUITTO, free_port
from tests.conftest import MakeBroker
from tests.installed import need_mosquitto

ID = "house-1"
ME = ["--user", "root"]
"""Nobody has to be there but who runs the tests; without being root, it is ignored."""


def run(folder: Path, *options: str) -> int:
    return main(["--folder", str(folder), "--appliance-id", ID, *ME, *options])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def password_of(folder: Path, login: str) -> str:
    return str(tomllib.loads((folder / f"credentials/{login}.toml").read_text())["mqtt"]["password"])


def test_a_second_call_changes_nothing_and_keeps_what_was_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "--lan-port", "2000", "--loopback-port", "2001", "--persistence", "/var/lib/mosquitto") == 0
    before = contents(tmp_path)
    assert "written" in capsys.readouterr().out
    assert run(tmp_path) == 0
    assert contents(tmp_path) == before
    assert "nothing changed" in capsys.readouterr().out
    assert b"\nlistener 2000\n" in before["mosquitto.conf"]
    assert b"\npersistence_location /var/lib/mosquitto/\n" in before["mosquitto.conf"]


def test_another_choice_keeps_every_password(tmp_path: Path) -> None:
    run(tmp_path)
    before = {login: password_of(tmp_path, login) for login in LOGINS}
    hashes = (tmp_path / "passwords-loopback").read_bytes()
    assert len(set(before.values())) == len(LOGINS)
    run(tmp_path, "--lan-port", "2000")
    main(["--folder", str(tmp_path), "--appliance-id", "house-2", *ME])
    assert {login: password_of(tmp_path, login) for login in LOGINS} == before
    assert (tmp_path / "passwords-loopback").read_bytes() == hashes
    assert "pyarchive/house-2/" in (tmp_path / "acl-lan").read_text()
    assert ID not in (tmp_path / "acl-loopback").read_text()


def test_a_removed_credentials_file_is_a_new_password_for_that_login_alone(tmp_path: Path) -> None:
    run(tmp_path)
    before = {login: password_of(tmp_path, login) for login in LOGINS}
    (tmp_path / "credentials/panel.toml").unlink()
    run(tmp_path)
    assert [login for login in LOGINS if password_of(tmp_path, login) != before[login]] == [Login.PANEL]


def test_it_says_where_the_password_for_home_assistant_is_and_shows_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = tmp_path / "secret"
    secret.write_text("sesame open\n")
    run(tmp_path / "broker", "--bridge-host", "ha.example", "--bridge-username", "pi", "--bridge-password-file", str(secret))
    out = capsys.readouterr().out
    assert f"{tmp_path}/broker/credentials/homeassistant.toml" in out
    assert "port 1884" in out
    assert "sesame" not in out
    assert not any(password_of(tmp_path / "broker", login) in out for login in LOGINS)
    assert "sesame" not in repr(BridgeLogin(username="pi", password="sesame open"))


def test_secrets_are_for_their_readers_only_whatever_the_umask(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("sesame\n")
    options = ["--bridge-host", "ha.example", "--bridge-username", "pi", "--bridge-password-file", str(secret)]
    command = [sys.executable, "-m", "mqtt.mosquitto", "--folder", str(tmp_path / "broker"), "--appliance-id", ID, *ME, *options]
    subprocess.run(command, check=True, umask=0, capture_output=True)
    words = [password_of(tmp_path / "broker", login) for login in (*LOGINS, "bridge")]
    for path in (tmp_path / "broker").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        secret_inside = path.is_file() and any(word in path.read_text() for word in words)
        assert mode & (0o177 if secret_inside or path.name.startswith(("acl", "passwords")) else 0o022) == 0, path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--loopback-port", "0"], "loopback_port is 0"),
        (["--lan-port", "1883"], "choose another --lan-port"),
        (["--tls-certificate", "/a.pem"], "--tls-key"),
        (["--tls-certificate", "a.pem", "--tls-key", "/b.pem"], "whole path"),
        (["--tls-certificate", "/missing/a.pem", "--tls-key", "/missing/b.pem"], "/missing/a.pem"),
        (["--persistence", ""], "persistence is empty"),
        (["--persistence", "/a\nlistener 1"], "can be printed"),
        (["--lan-address", "all\nallow_anonymous true"], "host name"),
        (["--bridge-host", "a b"], "host name"),
        (["--bridge-host", "ha.example"], "--bridge-username"),
        (["--bridge-host", "ha.example", "--bridge-username", "pi"], "--bridge-password-file"),
        (["--bridge-host", "ha.example", "--bridge-username", "pi", "--bridge-password-file", "/missing"], "/missing"),
        (["--bridge-host", "ha.example", "--bridge-username", "p\ni", "--bridge-password-file", "{secret}"], "user name"),
        (["--bridge-host", "ha.example", "--bridge-username", "pi", "--bridge-password-file", "{empty}"], "password"),
        (["--appliance-id", "No Id"], "--appliance-id"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_and_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    (tmp_path / "secret").write_text("sesame\n")
    (tmp_path / "empty").write_text("\n")
    run(tmp_path / "broker")
    before = contents(tmp_path)
    capsys.readouterr()
    assert run(tmp_path / "broker", *(each.format(secret=tmp_path / "secret", empty=tmp_path / "empty") for each in options)) == 1
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["credentials/cli.toml", "credentials/bridge.toml", "broker.toml"])
@pytest.mark.parametrize("damage", ["sesame = = =", "[mqtt]\n", "[mqtt]\npassword = 5\n", "other = 1\n"])
def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, damage: str) -> None:
    run(tmp_path)
    if name == "credentials/bridge.toml":
        (tmp_path / "broker.toml").write_text(as_toml(Choices(bridge_host="ha.example")))
    (tmp_path / name).write_text(damage)
    before = contents(tmp_path)
    capsys.readouterr()
    assert run(tmp_path) == 1
    err = capsys.readouterr().err
    assert name in err
    assert "sesame" not in err
    assert contents(tmp_path) == before


def test_the_id_is_read_from_the_data_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--folder", str(tmp_path / "broker"), "--data", str(tmp_path), *ME]
    assert main(given) == 1
    assert "start the appliance once" in capsys.readouterr().err
    (tmp_path / "appliance_id").write_text("from-data\n")
    assert main(given) == 0
    assert "pyarchive/from-data/" in (tmp_path / "broker/acl-lan").read_text()


def test_a_bridge_is_ended_with_its_credentials(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("sesame\n")
    run(tmp_path / "broker", "--bridge-host", "ha.example", "--bridge-username", "pi", "--bridge-password-file", str(secret))
    secret.unlink()
    run(tmp_path / "broker", "--bridge-port", "2000")
    text = (tmp_path / "broker/conf.d/bridge.conf").read_text()
    assert "address ha.example:2000\n" in text
    assert "remote_password sesame\n" in text
    run(tmp_path / "broker", "--no-bridge")
    assert not any(b"sesame" in content for content in contents(tmp_path).values())
    assert not (tmp_path / "broker/conf.d/bridge.conf").exists()


def test_without_the_network_home_assistant_s_login_is_for_this_computer(tmp_path: Path) -> None:
    run(tmp_path, "--lan-address", "none")
    assert (tmp_path / "mosquitto.conf").read_text().count("\nlistener ") == 1
    assert tomllib.loads((tmp_path / "credentials/homeassistant.toml").read_text())["mqtt"]["port"] == 1883


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Mosquitto, started by root, goes there as its own user; the folders of pytest are closed to it."""
    with tempfile.TemporaryDirectory(prefix="mosquitto-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_mosquitto_starts_with_what_the_command_wrote_and_lets_in_by_the_written_credentials(
    open_folder: Path, topics: Topics, make_broker: MakeBroker
) -> None:
    need_mosquitto()
    folder = open_folder / "a folder"
    ports = ["--loopback-port", str(free_port()), "--lan-port", str(free_port()), "--lan-address", HOST, "--persistence", "none"]
    assert main(["--folder", str(folder), "--appliance-id", topics.appliance_id, *ports]) == 0
    with (open_folder / "log").open("wb") as log:
        process = subprocess.Popen([str(MOSQUITTO), "-c", folder / "mosquitto.conf"], stderr=log)
    try:
        for login in LOGINS:
            mqtt = tomllib.loads((folder / f"credentials/{login}.toml").read_text())["mqtt"]
            client = make_broker(BrokerAddress(**mqtt), wait=False)
            assert client.wait_connected(10), client.last_error
    finally:
        process.terminate()
        process.wait(10)
    assert "Error" not in (open_folder / "log").read_text()


def test_the_templates_are_in_the_wheel(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"mqtt/mosquitto/templates/{name}.conf" for name in ("mosquitto", "lan", "bridge")} <= set(names)
