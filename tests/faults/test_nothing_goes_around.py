"""What the kernel sees the appliance change, strace tells; it is what appliance.durable reported, and nothing else."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.processes import House

_CALLS = (
    "openat,open,creat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,ftruncate,truncate,fallocate,link,linkat,symlink,"
    "symlinkat,mknodat,pwrite64,write,writev,pwritev,pwritev2,copy_file_range,sendfile,fsync,fdatasync,sync_file_range,syncfs,sync"
)
_CALL = re.compile(r"^(?:\d+ +)?(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_DESCRIPTOR = re.compile(r"^\d+<([^>]*)>")
_MADE_BY = {
    "unlink": "unlink", "unlinkat": "unlink", "mkdir": "mkdir", "mkdirat": "mkdir", "rmdir": "rmdir", "rename": "rename",
    "renameat": "rename", "renameat2": "rename", "link": "link", "linkat": "link",
}  # fmt: skip
Change = tuple[str, ...]


class Seen:
    """Changes below some folders: which, how often; bytes written, by file; fsyncs, by file or folder."""

    def __init__(self, roots: list[Path]) -> None:
        self._roots = roots
        self.changes: Counter[Change] = Counter()
        self.written: Counter[str] = Counter()
        self.synced: Counter[str] = Counter()

    def concerns(self, *paths: str) -> bool:
        return any(Path(path).is_relative_to(root) and Path(path).name != ".lock" for path in paths for root in self._roots)

    def add_call(self, line: str) -> None:
        """A line of strace."""
        call = _CALL.match(line)
        if call is None or int(call["result"]) < 0:
            return
        name, arguments = call["name"], call["arguments"]
        if descriptor := _DESCRIPTOR.match(arguments):
            self._add_on_file(name, descriptor[1], int(call["result"]))
        else:
            self._add_on_names(name, arguments, _TEXT.findall(arguments))

    def _add_on_file(self, name: str, path: str, result: int) -> None:
        if not self.concerns(path):
            return
        if name in {"fsync", "fdatasync"}:
            self.synced[path] += 1
        elif name in {"pwrite64", "write"}:
            self.written[path] += result
        else:
            self.changes["truncate" if name == "ftruncate" else name, path] += 1

    def _add_on_names(self, name: str, arguments: str, paths: list[str]) -> None:
        if not self.concerns(*paths):
            return
        if name in {"openat", "open"}:
            if "O_CREAT" in arguments or "O_TRUNC" in arguments:
                self.changes["create" if "O_EXCL" in arguments else "create or empty", paths[0]] += 1
        else:
            self.changes[_MADE_BY.get(name, name), *paths] += 1

    def add_operation(self, operation: dict[str, str | int]) -> None:
        """What the durable module reported."""
        kind, path = str(operation["kind"]), str(operation["path"])
        if not self.concerns(path):
            return
        if kind in {"sync", "sync_dir"}:
            self.synced[path] += 1
        elif kind == "write":
            self.written[path] += int(operation["bytes"])
        elif kind in {"rename", "link"}:
            self.changes[kind, path, str(operation["target"])] += 1
        elif kind != "take":
            self.changes[kind, path] += 1


def main_job(house: House) -> None:
    """In, up, released, back, removed."""
    house.connect()
    archive_id = house.put(random.Random(1).randbytes(3 << 20), "film.mkv")
    house.wait_remote(archive_id)
    assert house.job("archive/release", archive=archive_id)["state"] == "done"
    house.ask("archive/restore", archive=archive_id)
    house.wait_local(archive_id)
    house.ask("archive/rename", archive=archive_id, title="another title")
    house.ask("archive/remove", archive=archive_id)
    house.ask("archive/undo", archive=archive_id)


def test_every_change_that_the_kernel_sees_went_through_the_durable_module(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None or subprocess.run([strace, "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        pytest.skip("there is no strace here, or it may not trace")
    traces, recorded = tmp_path / "traces", tmp_path / "recorded"
    traces.mkdir()
    under_strace = [strace, "-D", "-ff", "-y", "-qq", "-s", "0", "-e", f"trace={_CALLS}", "-e", "signal=none", "-o", str(traces / "t")]
    run = ["-c", f"import os, sys; os.execv({strace!r}, [*{under_strace!r}, sys.executable, *sys.argv[1:]])"]
    with House(tmp_path, [*run, "-m", "tests.faults.recorded_appliance", str(recorded)]) as house:
        main_job(house)
        roots = [house.data, house.remote]
    by_kernel, by_module = Seen(roots), Seen(roots)
    for trace in traces.iterdir():
        for line in trace.read_text(errors="replace").splitlines():
            by_kernel.add_call(line)
    for line in recorded.read_text().splitlines():
        by_module.add_operation(json.loads(line))
    assert by_module.changes.total() > 40
    assert by_kernel.changes == by_module.changes
    assert by_kernel.written == by_module.written
    assert by_kernel.synced == by_module.synced
