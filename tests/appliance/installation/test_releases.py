"""A release is named after what is in it, and counts once it is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.installation import releases
from appliance.installation.layout import Layout
from tests.appliance.installation.debian import Debian


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A clone with as little in it as can be."""
    for name in ("appliance/a.py", "mqtt/a.py", "ui/panel/files/uploads/static/sending.js", "firmware_scripts/a.py", *releases._FILES):
        path = tmp_path / "clone" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('version = "0.9.1"\n')
    return tmp_path / "clone"


def test_the_same_content_is_the_same_release_and_other_content_another_one(source: Path, tmp_path: Path) -> None:
    first = releases.release_of(source, tmp_path)
    assert first.name.startswith("0.9.1-")
    (source / "appliance/__pycache__").mkdir()
    (source / "appliance/__pycache__/a.pyc").write_text("compiled")
    (source / "ui/panel/files/uploads/static/tus.min.js").write_text("got meanwhile")
    assert releases.release_of(source, tmp_path) == first
    (source / "appliance/a.py").write_text("changed")
    assert releases.release_of(source, tmp_path) != first


def test_a_release_that_was_broken_off_is_made_anew_and_a_whole_one_is_left_alone(source: Path, tmp_path: Path) -> None:
    debian = Debian(tmp_path / "root")
    release = releases.release_of(source, tmp_path / "releases")
    release.path.mkdir(parents=True)
    (release.path / "half").touch()
    assert releases.build(debian, source, tmp_path / "releases") == release
    assert release.is_finished
    assert not (release.path / "half").exists()
    count = len(debian.changes)
    releases.build(debian, source, tmp_path / "releases")
    assert (count, len(debian.changes)) == (3, 3)


def test_the_link_in_use_leads_to_one_release_or_to_the_other(source: Path, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "root")
    assert releases.current(layout) is None
    for name in ("one", "two"):
        releases.switch(releases.Release(layout.releases / name), layout)
        assert releases.current(layout) == releases.Release(layout.releases / name)
        assert str(layout.current.readlink()) == f"releases/{name}"
