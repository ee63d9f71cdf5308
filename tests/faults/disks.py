"""Small disks for one test: they get full, read-only or unmounted, and come back. Needs root on Linux."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance import durable
from appliance.durable import Operation
from mqtt.messages import Problem
from tests.inside import Inside
from tests.waiting import wait_for

_CHUNK_BYTES = 64 * 1024


class SmallDisk:
    """A tmpfs. It stays mounted ``aside``, so that nothing is lost, and is bound to ``place``, where the appliance looks."""

    def __init__(self, place: Path, aside: Path, size_mib: int) -> None:
        self.place = place
        self._aside = aside
        self._ballast = aside / "ballast"
        self._read_only = aside.with_name(f"{aside.name}-read-only")
        self._size_mib = size_mib

    def attach(self) -> None:
        """Make it, and mount it. What of it was mounted when this raises, ``put_away`` unmounts."""
        for folder in (self.place, self._aside, self._read_only):
            folder.mkdir(parents=True, exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={self._size_mib}m,mode=755", "tmpfs", str(self._aside))
        _run("mount", "--bind", str(self._aside), str(self._read_only))
        _run("mount", "-o", "remount,bind,ro", str(self._read_only))
        self.mount()

    def mount(self) -> None:
        _run("mount", "--bind", str(self._aside), str(self.place))

    def unmount(self) -> None:
        """As when the disk is pulled: at once, whoever uses it. Its mount point is the empty folder that it was before."""
        _run("umount", "-l", str(self.place))

    def make_read_only(self) -> None:
        # A read-only view laid over the other, at once: never refused, whoever has files open.
        _run("mount", "--bind", str(self._read_only), str(self.place))

    def make_writable(self) -> None:
        self.unmount()

    def fill(self, leave_kib: int = 0) -> None:
        """Nothing fits any more, but for leave_kib."""
        with self._ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(_CHUNK_BYTES)):
                pass
        if leave_kib:
            os.truncate(self._ballast, max(0, self._ballast.stat().st_size - leave_kib * 1024))

    def make_room(self) -> None:
        self._ballast.unlink()

    def put_away(self) -> None:
        """Unmount for good, whatever the test left."""
        for folder in (self.place, self._read_only, self._aside):
            while os.path.ismount(folder) and subprocess.run(["umount", "-l", str(folder)], check=False).returncode == 0:
                pass


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


MakeDisk = Callable[..., SmallDisk]


@pytest.fixture
def make_disk(tmp_path: Path) -> Iterator[MakeDisk]:
    """``make_disk(place, size_mib)``; unmounted at the end, whatever happens."""
    with contextlib.ExitStack() as stack:

        def make(place: Path, size_mib: int) -> SmallDisk:
            disk = SmallDisk(place, tmp_path / f"aside-{place.name}", size_mib)
            stack.callback(disk.put_away)
            try:
                disk.attach()
            except (OSError, subprocess.CalledProcessError) as error:
                pytest.skip(f"a disk cannot be mounted here (it takes root): {error}")
            return disk

        yield make


@contextlib.contextmanager
def at_operation(is_it: Callable[[Operation], bool], act: Callable[[], object]) -> Iterator[None]:
    """``act()`` once, right after the first durable operation that ``is_it``."""
    done: list[Operation] = []
    lock = threading.Lock()

    def observe(operation: Operation) -> None:
        with lock:  # slots write at the same time
            is_first = not done and is_it(operation)
            if is_first:
                done.append(operation)
        if is_first:
            act()

    before, durable.observer = durable.observer, observe
    try:
        yield
    finally:
        durable.observer = before


def standing(inside: Inside, code: str, about: str = "") -> Problem | None:
    """The standing problem of that code, about that thing where it is given."""
    return next((p for p in inside.app.problems.standing() if p.code == code and p.about.startswith(about)), None)


def wait_problem(inside: Inside, code: str, about: str = "", timeout_s: float = 10.0) -> Problem:
    """Until it stands; it has to say a next step."""
    problem = wait_for(lambda: standing(inside, code, about), timeout_s, f"the problem {code} {about}")
    assert problem is not None
    assert problem.next_step
    return problem


def wait_no_problem(inside: Inside, timeout_s: float = 10.0) -> None:
    wait_for(lambda: not inside.app.problems.standing(), timeout_s, "all problems to be mended")
