"""Settings: where each comes from, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from appliance.errors import BadRequest
from appliance.settings import SettingsError, SettingsStore


def store(tmp_path: Path, toml: str = "", **environment: str) -> SettingsStore:
    config = tmp_path / "pyarchive.toml"
    config.write_text(toml)
    return SettingsStore({"PYARCHIVE_CONFIG": str(config), **environment})


def test_the_environment_wins_over_set_over_file_over_default(tmp_path: Path) -> None:
    settings = store(tmp_path, "undo_days = 1\nupload_limit_kb_per_s = 10\ngrace_days = 2", PYARCHIVE_UNDO_DAYS="3")
    settings.attach({"upload_limit_kb_per_s": 20}, lambda _: None)
    current = settings.current
    assert (current.undo_days, current.upload_limit_kb_per_s, current.grace_days, current.batch_size_mib) == (3, 20, 2, 16)
    sources = [settings.source(name) for name in ("undo_days", "upload_limit_kb_per_s", "grace_days", "batch_size_mib")]
    assert sources == ["environment", "set", "file", "default"]


@pytest.mark.parametrize(
    ("toml", "environment", "named"),
    [
        ("colour = 1", {}, "colour"), ("[mqtt]\nhots = 'x'", {}, "mqtt_hots"),
        ("", {"PYARCHIVE_UPLOAD_LIMIT": "5"}, "PYARCHIVE_UPLOAD_LIMIT"),
        ("transfers = 0", {}, "transfers"), ("", {"PYARCHIVE_MQTT_PORT": "x"}, "mqtt_port"), ("a = [", {}, "pyarchive.toml"),
    ],
)  # fmt: skip
def test_what_is_unknown_or_out_of_range_is_refused_by_name(tmp_path: Path, toml: str, environment: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        store(tmp_path, toml, **environment)


def test_a_password_is_in_no_error_and_no_published_setting(tmp_path: Path) -> None:
    settings = store(tmp_path, PYARCHIVE_MQTT_PASSWORD="hush-hush")
    assert "hush-hush" not in repr(settings.current)
    assert "hush-hush" not in settings.state().model_dump_json()
    assert "mqtt_password" not in settings.state().model_dump_json()


def test_a_setting_is_kept_before_it_is_in_force_and_can_be_taken_back(tmp_path: Path) -> None:
    kept: list[dict[str, Any]] = []
    settings = store(tmp_path)
    settings.attach({}, kept.append)
    settings.set("upload_limit_kb_per_s", 500)
    assert settings.current.upload_limit_kb_per_s == 500
    settings.set("upload_limit_kb_per_s", None)
    assert settings.current.upload_limit_kb_per_s == 0
    assert kept == [{"upload_limit_kb_per_s": 500}, {}]


def test_a_setting_that_cannot_be_kept_does_not_come_into_force(tmp_path: Path) -> None:
    def full(_: dict[str, Any]) -> None:
        raise OSError(28, "No space left on device")

    settings = store(tmp_path)
    settings.attach({}, full)
    with pytest.raises(OSError, match="No space"):
        settings.set("undo_days", 5)
    assert settings.current.undo_days == 30


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("nonsense", 1, "unknown"),
        ("transfers", 2, "fixed at the start"),
        ("undo_days", -1, "undo_days"),
        ("grace_days", 1, "environment variable"),
    ],
)
def test_set_refuses_what_cannot_be_set_and_changes_nothing(tmp_path: Path, name: str, value: int, words: str) -> None:
    settings = store(tmp_path, PYARCHIVE_GRACE_DAYS="9")
    before = settings.current
    with pytest.raises((BadRequest, SettingsError), match=words):
        settings.set(name, value)
    assert settings.current == before


def test_a_login_file_gives_the_broker_alone(tmp_path: Path) -> None:
    """Its id is the one of when the login was made; a recovery changes the id, and would be refused by the old one."""
    login = tmp_path / "login.toml"
    login.write_text('appliance_id = "of-old"\n[mqtt]\nhost = "127.0.0.1"\nport = 1885\nusername = "appliance"\npassword = "secret-word"\n')
    settings = store(tmp_path, "[mqtt]\nport = 1883\ntls_ca = '/ca'", PYARCHIVE_LOGIN_FILE=str(login))
    current = settings.current
    assert (current.mqtt_username, current.mqtt_password, current.mqtt_port, current.mqtt_tls_ca) == (
        "appliance", "secret-word", 1885, Path("/ca"),
    )  # fmt: skip
    assert current.appliance_id is None
    assert "secret-word" not in f"{current!r}{settings.state()!r}"


def test_an_empty_login_file_is_no_login_and_a_missing_one_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("#")
    assert store(tmp_path, PYARCHIVE_LOGIN_FILE=str(tmp_path / "empty")).current.mqtt_username is None
    with pytest.raises(SettingsError, match="PYARCHIVE_LOGIN_FILE"):
        store(tmp_path, PYARCHIVE_LOGIN_FILE=str(tmp_path / "none"))
