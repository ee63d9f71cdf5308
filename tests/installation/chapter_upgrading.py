"""An older version in use, upgraded to this one over power cuts; then upgrades that are broken, which go back by themselves."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.installation.chapter_installing import NAME, PASSWORD, setup_code
from tests.installation.claims import Claims
from tests.installation.clone import HERE, copy_commit, copy_here
from tests.installation.installed import UNITS, Installed, Reading
from tests.installation.visitor import Visitor

_MIB = 1 << 20
_UPGRADE_S = 900.0
_PRODUCT = ("appliance", "mqtt", "ui", "firmware_scripts", "pyproject.toml", "requirements")
PREVIOUS, THIS = "/root/previous", "/root/pyarchive"
_CUTS = ("Switching to", "Starting and testing")
"""What an upgrade says at the moment when the power is cut."""
BROKEN = {
    "an error at import": ("appliance/app.py", "from __future__ import annotations\n", "\nraise ImportError('broken on purpose')\n"),
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
_PATIENCE = ("appliance/installation/trying.py", "WITHIN_S = 420.0", "WITHIN_S = 60.0")
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
    for words in _CUTS:
        with claims.claim(f"a power cut in an upgrade that says {words!r}: one version is in use, with all data, and nobody had to help"):
            _cut_at(installed, words)
            _check(installed, before)
    with claims.claim("the upgrade to this version ends well, and keeps archives, settings, users and connections"):
        status, said = installed.attempt_install("upgrade", clone=THIS)
        assert status == 0, said
        _check(installed, before)
        visitor.wait_for_panel()
        visitor.sign_in(NAME, PASSWORD)
    with claims.claim("a second upgrade to the same version finds nothing to do"):
        assert "nothing" in installed.install("upgrade", clone=THIS)
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
    """What people have set and made, as the commands tell it."""
    asked = (("settings", "get"), ("user", "list"), ("connection", "list"))
    told = {" ".join(words): installed.ask(*words) for words in asked}
    return {words: _steady(answer) for words, answer in told.items()}


def _steady(answer: Any) -> Any:
    """Without what moves by itself: times, room and proofs."""
    if isinstance(answer, dict):
        return {name: _steady(value) for name, value in answer.items() if not name.endswith(("_at", "_bytes", "_s", "schema"))}
    return [_steady(each) for each in answer] if isinstance(answer, list) else answer


def _cut_at(installed: Installed, words: str) -> None:
    root = installed.root
    upgrade = Reading(root.start("./install.sh", "upgrade", folder=THIS))
    end = time.monotonic() + _UPGRADE_S
    while not any(words in line for line in upgrade.lines):
        assert time.monotonic() < end, upgrade.lines
        assert upgrade.process.poll() is None, "".join(upgrade.lines)
        time.sleep(0.05)
    root.cut_power()
    root.boot()


def _check(installed: Installed, before: dict[str, Any]) -> None:
    installed.wait_online()
    for unit in UNITS:
        assert installed.root.is_active(unit), f"{unit} does not run:\n{installed.shown(unit)}"
    installed.check_archives()
    after = _state(installed)
    assert after == before, f"other than before: {after} {before}"


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
