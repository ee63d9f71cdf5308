"""The file that is handed in is read and never touched."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ui.errors import Failed
from ui.source import Source


def test_reading_leaves_no_trace_on_the_source(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"abc")
    os.utime(file, ns=(1, 1))
    before = file.stat()
    with Source(str(file)) as source:
        assert os.read(source.fd, 10) == b"abc"
        source.check_unchanged()
    after = file.stat()
    assert (after.st_atime_ns, after.st_mtime_ns, after.st_ctime_ns) == (before.st_atime_ns, before.st_mtime_ns, before.st_ctime_ns)


@pytest.mark.parametrize("change", ["grown", "same size", "replaced", "removed", "touched"])
def test_a_change_while_reading_is_noticed(tmp_path: Path, change: str) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"abc")
    with Source(str(file)) as source:
        changes: dict[str, Callable[[], object]] = {
            "grown": lambda: file.open("ab").write(b"d"),
            "same size": lambda: file.write_bytes(b"xyz"),
            "replaced": lambda: (tmp_path / "b").write_bytes(b"abc") and (tmp_path / "b").replace(file),
            "removed": file.unlink,
            "touched": lambda: os.utime(file, ns=(1, 1)),
        }
        changes[change]()
        with pytest.raises(Failed, match="vanished" if change == "removed" else "changed"):
            source.check_unchanged()


def test_folders_devices_fifos_sockets_and_missing_files_are_refused_by_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for path, why in (
            (tmp_path, "a folder"),
            (Path("/dev/zero"), "a device"),
            (tmp_path / "fifo", "a FIFO"),
            (tmp_path / "socket", "No such device"),
            (tmp_path / "none", "No such file"),
            (tmp_path / "none" / "below", "No such file"),
        ):
            with pytest.raises(Failed, match=why) as caught:
                Source(str(path))
            assert str(path) in str(caught.value)


def test_a_file_without_the_right_to_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"abc")
    file.chmod(0)
    if os.geteuid() != 0:
        with pytest.raises(Failed, match="Permission denied"):
            Source(str(file))
        return
    program = f"import os, sys; os.setuid(65534); from ui.source import Source; Source({str(file)!r})"
    tmp_path.chmod(0o755)
    done = subprocess.run(["python3", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode != 0


@pytest.mark.parametrize(("name", "sent"), [(b"caf\xe9", "caf\ufffd"), ("写真\n".encode(), "写真\n"), (b"x" * 255, "x" * 255)])
def test_any_name_that_a_file_can_have_becomes_valid_unicode(tmp_path: Path, name: bytes, sent: str) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
    Path(path).write_bytes(b"abc")
    with Source(path) as source:
        assert source.file_name == sent
        source.shown.encode()


def test_a_link_is_followed_to_its_file_and_keeps_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("a")
    with Source(str(tmp_path / "link")) as source:
        assert (source.file_name, source.size_bytes) == ("link", 3)
        source.check_unchanged()
