"""Upgrades: to a good version, to bad ones, and broken off in the middle: one of the two versions is in use, and every archive is there."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.installation.claims import Claims
from tests.installation.clone import copy_commit, copy_here
from tests.installation.installed import ANNA, APPLIANCE, Installed, Reading, received_id
from tests.waiting import wait_for

_MIB = 1 << 20
_UPGRADE_S = 1200.0
_RESULT = "var/lib/pyarchive-upgrade/result.json"


@dataclass(frozen=True, slots=True)
class _Other:
    """A version that differs from this one by a line, after the first ``after`` in ``file``."""

    name: str
    file: str = "appliance/__init__.py"
    after: str = ""
    line: str = "# Another version.\n"

    def put_into(self, installed: Installed) -> str:
        """Its folder in the root."""
        folder = f"/root/{self.name}"
        place = installed.root.path / folder[1:]
        copy_here(place)
        text = (place / self.file).read_text()
        assert self.after in text
        at = text.index(self.after) + len(self.after)
        (place / self.file).write_text(f"{text[:at]}{self.line}{text[at:]}")
        return folder


_BAD = (
    _Other("cannot-be-imported", "appliance/app.py", "from __future__ import annotations\n", "import nothing_of_that_name\n"),
    _Other(
        "crashes", "appliance/house.py", "    def start(self) -> None:\n",
        "        import os, threading\n        threading.Timer(1.0, os._exit, (3,)).start()\n",
    ),
    _Other("fails-its-test", "appliance/self_test.py", "    def _started(self) -> str:\n", '        raise OSError("it must fail")\n'),
)  # fmt: skip
_STAGES = ("Keeping a copy", "Switching to", "Starting and testing")


def upgrading(claims: Claims, installed: Installed) -> None:
    """Leaves another version running than it found."""
    with claims.claim("what was handed in before the upgrades is received"):
        installed.put("before-upgrades.bin", 2 * _MIB, "--wait")
    with claims.claim("an upgrade to another version keeps the archives; what is handed in meanwhile waits, and goes on by itself"):
        _good(installed, _Other("next").put_into(installed))
    with claims.claim("a second time there is nothing to do, and nothing is done"):
        before = installed.root.property(APPLIANCE, "ActiveEnterTimestampMonotonic")
        assert "installed already" in _run(installed, "/root/next")[1]
        assert installed.root.property(APPLIANCE, "ActiveEnterTimestampMonotonic") == before
    with claims.claim("from the previous commit to this version: the archives are kept"):
        copy_commit("HEAD~1", installed.root.path / "root/previous")
        copy_here(installed.root.path / "root/this")
        for folder in ("/root/previous", "/root/this"):
            assert _run(installed, folder)[0] == 0
            installed.check_archives()
    for other in _BAD:
        with claims.claim(f"a version that {other.name.replace('-', ' ')} is taken back by itself, and it is said why"):
            _bad(installed, other.put_into(installed))
    folder = _Other("broken-off").put_into(installed)
    for stage in _STAGES:
        with claims.claim(f"the power is cut at “{stage} …”: the next boot has one of the two versions, and every archive"):
            _cut_at(installed, folder, stage)
    with claims.claim("the upgrade is killed while the new version is tested: it ends by itself"):
        _killed(installed, _Other("killed").put_into(installed))


def _run(installed: Installed, folder: str) -> tuple[int, str]:
    return installed.root.attempt("./install.sh", "upgrade", folder=folder, timeout_s=_UPGRADE_S)


def _in_use(installed: Installed) -> str:
    return (installed.root.path / "opt/pyarchive/current").readlink().name


def _good(installed: Installed, folder: str) -> None:
    before = _in_use(installed)
    path, sha256 = installed.file("meanwhile.bin", _MIB)
    upgrade = Reading(installed.root.start("./install.sh", "upgrade", folder=folder))
    wait_for(lambda: any("Stopping" in line for line in upgrade.lines), _UPGRADE_S, "the old version to be stopped")
    put = Reading(installed.root.start("pyarchive", "put", path, "--wait", user=ANNA, environment={"HOME": "/tmp"}))
    wait_for(lambda: upgrade.process.poll() is not None, _UPGRADE_S, "the end of the upgrade")
    assert upgrade.process.returncode == 0, "".join(upgrade.end())
    wait_for(lambda: put.process.poll() is not None, 120, "the file to be handed in")
    installed.handed_in[received_id("".join(put.end()))] = sha256
    assert _in_use(installed) != before
    installed.check_archives()


def _bad(installed: Installed, folder: str) -> None:
    before = _in_use(installed)
    status, said = _run(installed, folder)
    assert (status, _in_use(installed)) == (1, before), said
    assert "was taken back" in said, said
    _goes_on(installed)


def _goes_on(installed: Installed) -> None:
    installed.wait_online()
    installed.check_archives()
    installed.put(f"after-{len(installed.handed_in)}.bin", 300_000)
    assert not (installed.root.path / "var/lib/pyarchive-upgrade/journal.json").exists()
    assert "starting" not in installed.ask("status")["status"]


def _cut_at(installed: Installed, folder: str, stage: str) -> None:
    upgrade = Reading(installed.root.start("./install.sh", "upgrade", folder=folder))
    wait_for(lambda: any(stage in line for line in upgrade.lines), _UPGRADE_S, stage)
    time.sleep(0.5)  # into the midst of it
    installed.root.cut_power()
    installed.root.boot()
    _goes_on(installed)


def _killed(installed: Installed, folder: str) -> None:
    upgrade = Reading(installed.root.start("./install.sh", "upgrade", folder=folder))
    wait_for(lambda: any(_STAGES[-1] in line for line in upgrade.lines), _UPGRADE_S, "the new version to start")
    installed.root.run("systemctl", "kill", "--signal", "KILL", "pyarchive-upgrading")
    wait_for(lambda: upgrade.process.poll() is not None, _UPGRADE_S, "the end of the upgrade")
    assert (installed.root.path / _RESULT).exists(), "".join(upgrade.end())
    _goes_on(installed)
