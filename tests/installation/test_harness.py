"""What the campaign of the installation compares with and reads; the roots themselves are its own matter."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.installation.cgroup import hierarchy
from tests.installation.chapter_installing import setup_code
from tests.installation.chapter_prying import MAY_READ, PUBLIC, may_read
from tests.installation.claims import Claims
from tests.installation.installed import BEN, CARL, DATA, received_id
from tests.installation.mirror import local_paths, mirror_among, pip_variables
from tests.installation.tree import differences, tree


def test_the_mirror_is_debians_own_not_that_of_its_security_updates_nor_anothers() -> None:
    listed = "Example|Tools|https://tools.example.org/\nDebian|Debian-Security|http://a.example.org/security/\nDebian|Debian|http://b.example.org/debian/\n"
    assert mirror_among(listed) == "http://b.example.org/debian/"
    assert mirror_among("no such line\n") is None


def test_settings_of_pip_become_variables_and_the_environment_holds() -> None:
    listed = ":env:.cert='/a.pem'\nglobal.cert='/b.pem'\nglobal.find-links='/x\\n/y'\nlist.format='columns'\n"
    assert pip_variables(listed) == {"PIP_CERT": "/a.pem", "PIP_FIND_LINKS": "/x /y"}


def test_what_settings_name_on_this_machine_is_found_with_the_files_beside_an_index(tmp_path: Path) -> None:
    (tmp_path / "index" / "simple").mkdir(parents=True)
    (tmp_path / "authority.pem").touch()
    settings = {
        "A": f"file://{tmp_path}/index/simple https://index.example.org/simple",
        "B": f"{tmp_path}/authority.pem",
        "C": "/not/there",
        "D": "1",
    }
    assert local_paths(settings) == {tmp_path / "index", tmp_path / "authority.pem"}


def test_the_hierarchy_of_cgroups_is_found_alone_and_beside_the_old_one() -> None:
    assert hierarchy("cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n") == Path(
        "/sys/fs/cgroup/unified"
    )
    with pytest.raises(OSError, match="cgroup v2 is not mounted"):
        hierarchy("proc /proc proc rw 0 0\n")


def test_a_tree_that_is_left_alone_is_the_same_and_each_change_is_named(tmp_path: Path) -> None:
    for name in ("content", "mode", "time", "gone", "var/log/syslog"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("as it was")
    (tmp_path / "link").symlink_to("content")
    before = tree(tmp_path)
    (tmp_path / "var/log/syslog").write_text("a new line")
    assert differences(before, tree(tmp_path)) == []

    about = (tmp_path / "content").stat()
    (tmp_path / "content").write_text("something")
    os.utime(tmp_path / "content", ns=(about.st_atime_ns, about.st_mtime_ns))
    (tmp_path / "mode").chmod(0o600)
    os.utime(tmp_path / "time", ns=(0, 0))
    (tmp_path / "gone").unlink()
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("mode")
    (tmp_path / "new").mkdir()
    found = differences(before, tree(tmp_path))
    assert found[:2] == ["gone: gone", "new: new"]
    assert [line for line in found[2:] if not line.startswith("link")] == [
        "content: other content",
        "mode: other mode",
        "time: other modified_ns",
    ]
    assert any(line.startswith("link: other") and "content" in line for line in found)


def test_a_claim_that_fails_is_told_and_the_next_one_is_tried(capsys: pytest.CaptureFixture[str]) -> None:
    claims = Claims("bookworm")
    with claims.claim("one and one are two"):
        assert 1 + 1 == 2
    with claims.claim("nothing is there"):
        Path("/not/there").read_text()
    with claims.claim("nothing is something"):
        assert [] == [1]
    with claims.whole("counting"):
        pass
    claims.figure("idle: 12 MB")
    assert claims.failed == 2
    report = claims.report()
    assert "1 of 3 claims shown" in report
    assert "idle: 12 MB" in report
    assert "FAIL" in next(line for line in report.splitlines() if "nothing is there" in line)
    printed = capsys.readouterr().out
    assert "FileNotFoundError" in printed
    assert "AssertionError: assert [] == [1]" in printed


def test_a_chapter_that_breaks_off_fails() -> None:
    claims = Claims("trixie")
    with claims.whole("counting"):
        raise OSError("the disk is full")
    assert claims.failed == 1


def test_who_may_read_what_is_decided_by_the_place() -> None:
    assert not any(may_read(f"{DATA}/secrets/disk.json", user) for user in (CARL, BEN, "pyarchive-panel", "pyarchive-script"))
    assert may_read(f"{DATA}/store/0123/film.mkv", BEN)
    assert not may_read(f"{DATA}/store/0123/film.mkv", CARL)
    assert may_read("/var/lib/pyarchive-panel/uploads.sqlite", "pyarchive-panel")
    assert not may_read("/var/lib/pyarchive-panel/uploads.sqlite", "pyarchive-script")
    assert all(may_read(path, CARL) for path in PUBLIC)
    assert not any(may_read(f"{place}anything", CARL) for place in MAY_READ)


def test_ids_and_codes_are_found_in_what_is_printed() -> None:
    assert received_id("received holiday as it was.tar (1.30 GB) as 3d1981aa9d390184\n") == "3d1981aa9d390184"
    assert setup_code("  setup code    7KQM-3FXW-9RTC-5HDN   good once") == "7KQM-3FXW-9RTC-5HDN"
    with pytest.raises(AssertionError, match="no setup code"):
        setup_code("7KQM-3FXW")
