"""Where the command looks for its broker."""

from __future__ import annotations

from pathlib import Path

import pytest

from ui import client_settings
from ui.client_settings import find
from ui.errors import Failed


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer without any appliance."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(client_settings, "SETTINGS_FILE", tmp_path / "etc.toml")
    monkeypatch.setattr(client_settings, "SYSTEM_DATA", tmp_path / "var")
    monkeypatch.setattr(client_settings, "COMMAND_LOGIN", tmp_path / "cli.toml")
    return tmp_path


def client(folder: Path, port: int, appliance_id: str = "from-client") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "client.toml").write_text(
        f'appliance_id = "{appliance_id}"\n[mqtt]\nhost = "127.0.0.1"\nport = {port}\nusername = "u"\npassword = "p"\n'
    )
    return folder


def etc(file: Path, port: int) -> None:
    file.write_text(f'appliance_id = "from-etc"\n[mqtt]\nhost = "etc"\nport = {port}\n')


def test_without_anything_it_says_how_to_start_one() -> None:
    with pytest.raises(Failed, match="pyarchive demo"):
        find({}, None)


def test_the_demo_is_found_where_it_keeps_its_data() -> None:
    client(client_settings.demo_data(), 4001)
    found = find({}, None)
    assert (found.port, found.username, found.password, found.appliance_id) == (4001, "u", "p", "from-client")
    assert "password" not in repr(found)


def test_the_demo_is_tried_before_the_system_data(machine: Path) -> None:
    client(machine / "var", 4002)
    assert find({}, None).port == 4002
    client(client_settings.demo_data(), 4001)
    assert find({}, None).port == 4001


def test_the_settings_file_wins_over_a_demo(machine: Path) -> None:
    client(client_settings.demo_data(), 4001)
    etc(machine / "etc.toml", 4003)
    assert (find({}, None).host, find({}, None).port, find({}, None).appliance_id) == ("etc", 4003, "from-etc")


def test_another_settings_file_can_be_named(machine: Path) -> None:
    etc(machine / "other.toml", 4004)
    assert find({"PYARCHIVE_CONFIG": str(machine / "other.toml")}, None).port == 4004


def test_a_settings_file_that_was_named_must_be_there(machine: Path) -> None:
    with pytest.raises(Failed, match=r"other\.toml is missing"):
        find({"PYARCHIVE_CONFIG": str(machine / "other.toml")}, None)


@pytest.mark.parametrize("way", ["argument", "environment"])
def test_an_explicit_data_folder_wins_over_the_settings_file(machine: Path, way: str) -> None:
    etc(machine / "etc.toml", 4003)
    folder = client(machine / "mine", 4005)
    found = find({}, folder) if way == "argument" else find({"PYARCHIVE_DATA": str(folder)}, None)
    assert (found.port, found.appliance_id) == (4005, "from-client")


def test_the_argument_wins_over_the_environment(machine: Path) -> None:
    one, two = client(machine / "one", 1), client(machine / "two", 2)
    assert find({"PYARCHIVE_DATA": str(one)}, two).port == 2


def test_each_value_of_the_environment_wins(machine: Path) -> None:
    folder = client(machine / "mine", 4005)
    given = {
        "PYARCHIVE_MQTT_HOST": "far",
        "PYARCHIVE_MQTT_PORT": "8883",
        "PYARCHIVE_MQTT_PASSWORD": "q",
        "PYARCHIVE_MQTT_TLS_CA": "/ca",
        "PYARCHIVE_APPLIANCE_ID": "named",
    }
    found = find(given, folder)
    assert (found.host, found.port, found.username, found.password, found.tls_ca, found.appliance_id) == (
        "far",
        8883,
        "u",
        "q",
        Path("/ca"),
        "named",
    )
    assert found.source == "the environment"


def test_without_a_client_file_the_id_is_read_from_the_data(machine: Path) -> None:
    folder = machine / "data"
    folder.mkdir()
    (folder / "appliance_id").write_text("from-disk\n")
    found = find({"PYARCHIVE_DATA": str(folder)}, None)
    assert (found.appliance_id, found.host, found.port) == ("from-disk", "127.0.0.1", 1883)


def test_an_unknown_appliance_is_an_error_that_names_the_file(machine: Path) -> None:
    with pytest.raises(Failed, match=r"nowhere/appliance_id.*PYARCHIVE_APPLIANCE_ID"):
        find({}, machine / "nowhere")


@pytest.mark.parametrize("content", ["[mqtt", "mqtt = 3", '[mqtt]\nport = "many"', "[mqtt]\nport = 70000"])
def test_a_file_that_makes_no_sense_is_named(machine: Path, content: str) -> None:
    folder = machine / "bad"
    folder.mkdir()
    (folder / "client.toml").write_text(content)
    with pytest.raises(Failed, match=r"client\.toml|port"):
        find({}, folder)


def login(file: Path, username: str, port: int) -> Path:
    file.write_text(f'appliance_id = "of-old"\n[mqtt]\nhost = "127.0.0.1"\nport = {port}\nusername = "{username}"\npassword = "p"\n')
    return file


def test_a_login_file_adds_to_the_settings_file_and_its_old_id_does_not_count(machine: Path) -> None:
    (machine / "var").mkdir()
    (machine / "var" / "appliance_id").write_text("from-disk\n")
    (machine / "etc.toml").write_text('[mqtt]\ntls_ca = "/ca"\n')
    found = find({"PYARCHIVE_LOGIN_FILE": str(login(machine / "login.toml", "panel", 4006))}, None)
    assert (found.username, found.password, found.port, found.tls_ca) == ("panel", "p", 4006, Path("/ca"))
    assert found.appliance_id == "from-disk"


def test_a_login_file_that_was_named_must_be_there(machine: Path) -> None:
    with pytest.raises(Failed, match=r"login\.toml with the login is missing"):
        find({"PYARCHIVE_LOGIN_FILE": str(machine / "login.toml")}, None)


def test_a_command_finds_the_login_of_the_installed_broker_before_a_demo(machine: Path) -> None:
    client(client_settings.demo_data(), 4001)
    etc(machine / "etc.toml", 4003)
    login(machine / "cli.toml", "cli", 4003)
    assert (find({}, None).username, find({}, None).appliance_id) == ("cli", "from-etc")


def test_the_login_of_the_installed_broker_is_not_for_other_data(machine: Path) -> None:
    login(machine / "cli.toml", "cli", 4003)
    (machine / "other").mkdir()
    (machine / "other" / "appliance_id").write_text("other")
    assert find({}, machine / "other").username is None
