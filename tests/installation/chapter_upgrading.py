"""An older version in use, upgraded to this one over power cuts; then upgrades that are broken, which go back by themselves."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.installation.chapter_installing import NAME, PASSWORD, setup_code
from tests.installation.claims import Claims
from tests.installation.clone import HERE, copy_commit, copy_here
from tests.installation.installed import ANNA, APPLIANCE, Installed, Reading, received_id
from tests.installation.visitor import Visitor
from tests.waiting import wait_for

_MIB = 1 << 20
_UPGRADE_S = 900.0
_PRODUCT = ("appliance", "mqtt", "ui", "firmware_scripts", "pyproject.toml", "requirements")
PREVIOUS, THIS = "/root/previous", "/root/pyarchive"
_KEEPING, _SWITCHING, _TESTING = "Keeping a copy", "Switching to", "Starting and testing"
"""What an upgrade says at the moment when the power is cut."""
BROKEN = {
    "an error at import": ("appliance/app.py", "from __future__ import annotations\n", "\nraise ImportError('broken on purpose')\n"),
    "a crash soon after each start": (
        "appliance/house.py",
        "    def start(self) -> None:\n",
        "        import os, threading\n\n        threading.Timer(1.0, os._exit, (3,)).start()\n",
    ),
    "a start that never comes online": (
        "appliance/app.py",
        "from __future__ import annotations\n",
        "\nimport time\n\ntime.sleep(86_400)\n",
    ),
    "a self-test that fails": (
        "appliance/self_test.py",
        "    def _catalog(self) -> str:\n",
        "        raise Damaged('broken on purpose')\n",
    ),
}
"""What is wrong: the file, a line of it, and what is written below that."""
_MOVES = ("_at", "_bytes", "_s", "/bytes", "/archives", "/description")
_JOURNAL = "var/lib/pyarchive-upgrade/journal.json"
_PATIENCE = ("appliance/installation/trying.py", "WITHIN_S = 420.0", "WITHIN_S = 40.0")
"""Of a trial; seven minutes are for an SD card with a large catalog."""


def upgrading(claims: Claims, installed: Installed, visitor: Visitor) -> None:
    """Begins in a clean root of its own."""
    root = installed.root
    copy_here(root.path / THIS[1:])
    of_what = copy_previous(root.path / PREVIOUS[1:])
    with claims.claim(f"the previous version is installed ({of_what}), with archives and an account"):
        said = installed.install(clone=PREVIOUS)
        installed.add_people()
        installed.connect()
        installed.put("before.tar", 20 * _MIB + 1, "--wait")
        visitor.claim(setup_code(said), NAME, PASSWORD)
        content = os.urandom(_MIB)
        installed.handed_in[visitor.upload(content)] = hashlib.sha256(content).hexdigest()
    before = _state(installed)
    for words in (_KEEPING, _SWITCHING, _TESTING):
        with claims.claim(f"a power cut in an upgrade that says {words!r}: one version is in use, with all data, and nobody had to help"):
            _cut_at(installed, words)
            _check(installed, before)
    with claims.claim("an upgrade that is killed while it tests ends by itself, the same way"):
        _kill_at(installed, _TESTING)
        _check(installed, before)
    with claims.claim("the upgrade to this version keeps archives, settings, users and connections; who hands a file in meanwhile waits"):
        _upgrade(installed)
        _check(installed, before)
        visitor.wait_for_panel()
        visitor.sign_in(NAME, PASSWORD)
    with claims.claim("a second upgrade to the same version finds nothing to do, and restarts nothing"):
        ran = installed.root.property(APPLIANCE, "MainPID")
        assert "nothing" in installed.install("upgrade", clone=THIS)
        assert installed.root.property(APPLIANCE, "MainPID") == ran
    for what, change in BROKEN.items():
        with claims.claim(f"an upgrade with {what} goes back by itself, and everything is as before"):
            _goes_back(installed, change, before)


def copy_previous(target: Path) -> str:
    """The newest commit whose product is another one; where that could not be upgraded from yet, this one by another number. Which."""
    target.mkdir(parents=True)
    commit = _previous_commit()
    if commit and _git("cat-file", "-e", f"{commit}:appliance/installation/upgrade.py") is not None:
        copy_commit(commit, target)
        return f"of commit {commit[:12]}"
    copy_here(target)
    project = target / "pyproject.toml"
    lines = ('version = "0.0.1"' if line.startswith("version = ") else line for line in project.read_text().splitlines())
    project.write_text("\n".join([*lines, ""]))
    return "this one as 0.0.1"


def _previous_commit() -> str | None:
    """None where this clone does not go back that far."""
    if _git("diff", "--quiet", "HEAD", "--", *_PRODUCT) is None:
        return _git("rev-parse", "HEAD")
    changed = _git("rev-list", "--max-count=1", "HEAD", "--", *_PRODUCT)
    return _git("rev-parse", "--verify", "--quiet", f"{changed}~1") if changed else None


def _git(*arguments: str) -> str | None:
    """What git says; None where its exit status is not 0."""
    done = subprocess.run(["git", "-C", str(HERE), *arguments], capture_output=True, text=True, check=False)
    return None if done.returncode else done.stdout.strip()


def _state(installed: Installed) -> dict[str, Any]:
    """What people have set and made, as the commands tell it: one value a path, without what moves by itself."""
    asked = (("settings", "get"), ("user", "list"), ("connection", "list"))
    told = {" ".join(words): installed.ask(*words) for words in asked}
    return {path: value for path, value in _flat("", told) if not path.endswith(_MOVES)}


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What is in a list is known by its name."""
    if isinstance(value, list):
        value = {str(each.get("name", number) if isinstance(each, dict) else number): each for number, each in enumerate(value)}
    if not isinstance(value, dict):
        yield path, value
        return
    for name, each in value.items():
        yield from _flat(f"{path}/{name}", each)


def _until(installed: Installed, words: str) -> Reading:
    """An upgrade to this version that has come so far that it says so. Raises AssertionError."""
    upgrade = Reading(installed.root.start("./install.sh", "upgrade", folder=THIS))
    wait_for(lambda: upgrade.process.poll() is not None or any(words in line for line in upgrade.lines), _UPGRADE_S, words)
    assert upgrade.process.poll() is None, "".join(upgrade.end())
    return upgrade


def _cut_at(installed: Installed, words: str) -> None:
    _until(installed, words)
    installed.root.cut_power()
    installed.root.boot()


def _kill_at(installed: Installed, words: str) -> None:
    upgrade = _until(installed, words)
    installed.root.run("systemctl", "kill", "--signal", "KILL", "pyarchive-upgrading")
    wait_for(lambda: upgrade.process.poll() is not None, _UPGRADE_S, "the end of the upgrade")


def _upgrade(installed: Installed) -> None:
    """What is handed in once the old version is stopped waits, and is received by the new one."""
    path, sha256 = installed.file("meanwhile.bin", _MIB)
    upgrade = _until(installed, "Stopping")
    put = Reading(installed.root.start("pyarchive", "put", path, "--wait", user=ANNA, folder="/tmp", environment={"HOME": "/tmp"}))
    wait_for(lambda: upgrade.process.poll() is not None, _UPGRADE_S, "the end of the upgrade")
    assert upgrade.process.returncode == 0, "".join(upgrade.end())
    wait_for(lambda: put.process.poll() is not None, 120, "the file to be handed in")
    installed.handed_in[received_id("".join(put.end()))] = sha256


def _check(installed: Installed, before: dict[str, Any]) -> None:
    """It runs, as it was set, with everything that was handed in; it takes in more, and no upgrade is under way."""
    installed.wait_online()
    installed.check_units()
    installed.put(f"after-{len(installed.handed_in)}.bin", 300_000)
    installed.check_archives()
    after = _state(installed)  # a newer version may tell more
    changed = [f"{path} was {value}, is {after.get(path)}" for path, value in before.items() if after.get(path, ...) != value]
    assert not changed, "\n".join(changed)
    assert not (installed.root.path / _JOURNAL).exists()


def _goes_back(installed: Installed, change: tuple[str, str, str], before: dict[str, Any]) -> None:
    root = installed.root
    in_use = root.run("readlink", "/opt/pyarchive/current")
    root.run("rm", "-rf", "/root/broken")
    root.run("cp", "-a", THIS, "/root/broken")
    file, line, more = change
    _edit(root.path / "root/broken" / file, line, line + more)
    place, old, new = _PATIENCE
    _edit(root.path / "root/broken" / place, old, new)
    status, said = root.attempt("./install.sh", "upgrade", folder="/root/broken", timeout_s=_UPGRADE_S)
    assert status == 1, said
    assert "taken back" in said, said
    assert root.run("readlink", "/opt/pyarchive/current") == in_use
    _check(installed, before)


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{file.name} has no {old!r} any more; mend this test"
    file.write_text(text.replace(old, new, 1))
