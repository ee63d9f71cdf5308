"""From a clean Debian to the first archives: by the command, by the browser, and a script."""

from __future__ import annotations

import hashlib
import os
import re

from tests.installation.claims import Claims
from tests.installation.clone import copy_here
from tests.installation.installed import ANNA, CLONE, PANEL, RUNNER, UNITS, Installed
from tests.installation.tree import differences, tree
from tests.installation.visitor import Visitor
from tests.waiting import wait_for

_MIB = 1 << 20
NAME, PASSWORD = "ada", "correct horse battery"
_USERS = {
    "pyarchive-appliance": {"pyarchive"},
    "pyarchive-panel": {"pyarchive-panel", "pyarchive"},
    "pyarchive-scripts": {"pyarchive-scripts"},
    "pyarchive-script": {"pyarchive-script"},
}
_RUNS_AS = dict(zip(UNITS, ("mosquitto", "pyarchive-appliance", "pyarchive-panel", "pyarchive-scripts"), strict=True))


def installing(claims: Claims, installed: Installed, visitor: Visitor) -> None:
    """Begins in a clean root."""
    root = installed.root
    copy_here(root.path / CLONE[1:])
    before = tree(root.path)
    with claims.claim("a dry run says what would be done, and changes nothing"):
        assert "would" in installed.install("--dry-run")
        changed = differences(before, tree(root.path))
        assert not changed, "\n".join(changed)
    said = ""
    with claims.claim("./install.sh installs, without a terminal and without a question"):
        said = installed.install()
    with claims.claim("it shows the panel's address and the setup code"):
        assert re.search(r"https?://\S+", said), said
        code = setup_code(said)
    with claims.claim("the four services are enabled and active, each as its own user"):
        for unit, user in _RUNS_AS.items():
            assert (root.property(unit, "UnitFileState"), root.property(unit, "ActiveState")) == ("enabled", "active"), unit
            assert root.run("ps", "-o", "user:32=", "-p", root.property(unit, "MainPID")).strip() == user, unit
    with claims.claim("users and groups are those of the design, without a login shell"):
        _check_users(installed)
    installed.add_people()
    with claims.claim("a connection to a folder, and a file that `pyarchive put --wait` brings to it"):
        installed.connect()
        archive_id = installed.put("letters.tar", 5 * _MIB + 1, "--wait")
        assert installed.show(archive_id)["rung"] in {"remote", "proven"}
    with claims.claim("the panel answers, and is claimed with the setup code"):
        visitor.claim(code, NAME, PASSWORD)
    with claims.claim("a file sent into the panel becomes an archive and remote"):
        content = os.urandom(3 * _MIB + 7)
        archive_id = visitor.upload(content)
        installed.handed_in[archive_id] = hashlib.sha256(content).hexdigest()
        wait_for(lambda: installed.show(archive_id)["rung"] in {"remote", "proven"}, 60, "the upload to be remote")
    with claims.claim("a script runs as its own user, who is neither the runner nor a person"):
        source = "import os, pwd\nprint('I am', pwd.getpwuid(os.getuid()).pw_name, os.getgroups())\n"
        (root.path / f"home/{ANNA}/who.py").write_text(source)
        said = installed.command("script", "run", "--file", f"/home/{ANNA}/who.py", "--wait")
        assert "I am pyarchive-script" in said, said
    with claims.claim("all that was handed in comes back byte by byte"):
        installed.check_archives()
    with claims.claim("nobody has more rights than a unit needs: no capabilities beyond those, and no way to new ones"):
        _check_rights(installed)


def setup_code(said: str) -> str:
    """Raises AssertionError."""
    found = re.search(r"\b[A-Z0-9]{4}(?:-[A-Z0-9]{4}){3}\b", said)
    assert found, f"there is no setup code in: {said}"
    return found.group()


def _check_users(installed: Installed) -> None:
    root = installed.root
    for user, groups in _USERS.items():
        assert set(root.run("id", "--name", "--groups", user).split()) == groups, user
        assert root.run("getent", "passwd", user).strip().endswith("nologin"), user
    ours = {line.split(":")[0] for line in root.run("getent", "passwd").splitlines() if line.startswith("pyarchive")}
    assert ours == _USERS.keys(), ours
    assert root.run("getent", "group", "pyarchive-admin")


def _check_rights(installed: Installed) -> None:
    """As the kernel has them for the processes that run."""
    root = installed.root
    allowed = {PANEL: 1 << 10, RUNNER: (1 << 5) | (1 << 6) | (1 << 7)}  # CAP_NET_BIND_SERVICE; CAP_KILL, CAP_SETGID, CAP_SETUID
    for unit in UNITS[1:]:
        status = root.run("cat", f"/proc/{root.property(unit, 'MainPID')}/status")
        bounding = int(re.findall(r"CapBnd:\s*(\w+)", status)[0], 16)
        assert bounding & ~allowed.get(unit, 0) == 0, f"{unit} could have the capabilities {bounding:x}"
        assert re.search(r"NoNewPrivs:\s*1", status), f"{unit} could gain rights"
        assert re.search(r"Seccomp:\s*2", status), f"{unit} may call the kernel as it likes"
