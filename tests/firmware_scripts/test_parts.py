"""Lines, messages and settings of the runner, without a process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_scripts.running.holding import Holding
from firmware_scripts.running.lines import MESSAGE_BYTES, PIECE_BYTES, Cutter, Pending
from firmware_scripts.running.settings import BadSettings, Settings
from mqtt.script_messages import ScriptOutput

_GIVEN = {"PYARCHIVE_APPLIANCE_ID": "test-settings"}


@given(st.lists(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=40), max_size=20), st.integers(1, 50))
def test_lines_are_the_same_wherever_the_bytes_are_torn(lines: list[str], step: int) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    cutter, found = Cutter(), list[str]()
    for start in range(0, len(data), step):
        found += cutter.feed(data[start : start + step])
    assert found + cutter.end() == lines


@given(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), min_size=1, max_size=9), st.integers(1000, 20_000))
def test_a_long_line_is_cut_between_characters(pattern: str, times: int) -> None:
    cutter, text = Cutter(), pattern * times
    pieces = cutter.feed(text.encode()) + cutter.end()
    assert "".join(pieces) == text
    assert all(len(piece.encode()) <= PIECE_BYTES for piece in pieces)


@given(st.binary(max_size=30_000))
def test_whatever_bytes_come_the_message_is_one_of_the_contract(data: bytes) -> None:
    cutter, pending = Cutter(), Pending('run "1"')
    pending.add("stdout", cutter.feed(data) + cutter.end())
    lines = 0
    while pending:
        payload = pending.take()
        assert len(payload) <= MESSAGE_BYTES + 100
        output = ScriptOutput.model_validate_json(payload)
        assert [line.sequence for line in output.lines] == list(range(lines, lines + len(output.lines)))
        lines += len(output.lines)
    assert lines == pending.sequence
    assert not pending.full


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"PYARCHIVE_SCRIPTS_USER": "root"}, "never run as root"),
        ({"PYARCHIVE_SCRIPTS_USER": "nobody,no-such-user"}, "'no-such-user'"),
        ({"PYARCHIVE_MQTT_PORT": "many"}, "PYARCHIVE_MQTT_PORT"),
        ({"PYARCHIVE_APPLIANCE_ID": "A/B"}, "PYARCHIVE_APPLIANCE_ID"),
        ({"PYARCHIVE_APPLIANCE_ID": "", "PYARCHIVE_DATA": "/nowhere"}, "PYARCHIVE_DATA"),
    ],
)
def test_a_wrong_setting_is_told_by_name(given: dict[str, str], words: str) -> None:
    with pytest.raises(BadSettings, match=words):
        Settings.of(_GIVEN | given)


def test_the_password_is_in_no_repr_and_root_runs_no_script() -> None:
    settings = Settings.of(_GIVEN | {"PYARCHIVE_MQTT_PASSWORD": "s3cret"})
    assert "s3cret" not in repr(settings)
    assert all(user.uid != 0 for user in settings.users)
    assert bool(settings.users) == (os.geteuid() == 0)


def test_a_keeper_that_cannot_be_started_leaves_nothing_open(monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    monkeypatch.setattr("firmware_scripts.running.holding.sys.executable", "/nowhere")
    with pytest.raises(OSError, match="nowhere"):
        Holding()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
