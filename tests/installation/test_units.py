"""The units as they are rendered: complete, and good in the eyes of systemd."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from appliance.installation.units import TEMPLATES, BadUnit, Place, render, values

OURS = ("pyarchive-appliance.service", "pyarchive-panel.service", "pyarchive-scripts.service")
USUAL = Place(data=Path("/var/lib/pyarchive"))


def test_every_template_becomes_a_file_without_placeholders() -> None:
    files = render(values(USUAL))
    others = {"pyarchive-broker.path", "pyarchive-broker.service", "pyarchive-upgrade.service", "mosquitto.service.d/pyarchive.conf"}
    assert set(files) == {*OURS, *others}
    assert not [name for name, text in files.items() if "=@" in text.replace("=@system-service", "")]


def test_a_value_that_is_missing_or_that_nobody_asks_for_is_an_error() -> None:
    given = values(USUAL)
    with pytest.raises(BadUnit, match="PANEL_PORT"):
        render({name: value for name, value in given.items() if name != "PANEL_PORT"})
    with pytest.raises(BadUnit, match="PANEL_PROT"):
        render(given | {"PANEL_PROT": "80"})


def test_only_a_low_port_gives_the_panel_a_capability() -> None:
    low, high = (render(values(Place(data=USUAL.data, panel_port=port)))[OURS[1]] for port in (80, 8080))
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE\n" in low
    assert "AmbientCapabilities=\n" in high


def test_an_older_systemd_gets_no_key_that_it_does_not_know() -> None:
    old, new = (render(values(Place(data=USUAL.data, systemd=release)))[OURS[0]] for release in (252, 257))
    assert "RestartSteps" not in old
    assert "RestartSteps" in new


def test_a_data_folder_below_a_place_of_disks_is_not_named_beside_it() -> None:
    """A mount of the unit's own would keep a disk that went, and hide it when it comes back."""
    assert "/mnt/disk" not in values(Place(data=Path("/mnt/disk/pyarchive")))["WRITABLE"]
    assert "-/data/pyarchive" in values(Place(data=Path("/data/pyarchive")))["WRITABLE"]


@pytest.mark.parametrize("path", ["relative", "/with space", "/a:b", '/a"b', "/a\nExecStart=/bin/sh"])
def test_a_path_that_a_unit_cannot_hold_is_refused(path: str) -> None:
    with pytest.raises(BadUnit, match="cannot stand in a unit"):
        values(Place(data=Path(path)))


def test_the_appliance_does_not_begin_in_the_folder_below_a_disk_that_is_away() -> None:
    assert "ExecStartPre=/bin/sh -c 'test -e /mnt/disk/data/appliance_id ||" in render(values(Place(data=Path("/mnt/disk/data"))))[OURS[0]]


def test_no_secret_is_handed_over_in_environment_or_arguments() -> None:
    texts = "\n".join(path.read_text() for path in TEMPLATES.glob("*.service"))
    assert "PASSWORD" not in texts
    assert texts.count("LoadCredential=login.toml:") == len(OURS)


@pytest.fixture
def written(tmp_path: Path) -> list[Path]:
    """The units as this machine's systemd would get them, but for the command, which is not there."""
    release = int(re.search(r"\d+", _said("systemd-analyze", "--version"))[0])  # type: ignore[index]  # its first line has the release
    for name, text in render(values(Place(data=USUAL.data, systemd=release))).items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(re.sub(r"^ExecStart=/.*", "ExecStart=/bin/true", text, flags=re.MULTILINE))
    return [tmp_path / name for name in OURS]


def _said(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")


@needs_analyze
def test_systemd_has_nothing_to_say_against_the_units(written: list[Path]) -> None:
    lines = _said("systemd-analyze", "verify", *written).splitlines()
    assert [line for line in lines if "pyarchive" in line] == []


@needs_analyze
def test_the_units_are_as_closed_as_they_can_be(written: list[Path]) -> None:
    """Of 10, by `systemd-analyze security`; the runner becomes another user and ends his processes, which costs it most."""
    scores = [_said("systemd-analyze", "security", "--offline=true", "--no-pager", unit) for unit in written]
    exposed = [float(re.search(r"Overall exposure level for \S+: ([\d.]+)", said)[1]) for said in scores]  # type: ignore[index]  # always said
    assert [score for score, most in zip(exposed, (2.2, 2.2, 2.6), strict=True) if score > most] == []
