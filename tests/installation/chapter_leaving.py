"""Uninstalled and installed again: the data stays, and is taken over."""

from __future__ import annotations

import os

from tests.installation.claims import Claims
from tests.installation.installed import DATA, UNITS, Installed
from tests.installation.tree import differences, tree


def leaving(claims: Claims, installed: Installed) -> None:
    """Leaves it installed anew."""
    root = installed.root
    root.run("systemctl", "stop", *reversed(UNITS))
    before = tree(root.path / DATA[1:], but=())
    root.run("systemctl", "start", *UNITS)
    installed.wait_online()
    said = ""
    with claims.claim("--uninstall ends with the programs gone and says where the data is"):
        said = installed.install("--uninstall")
        assert DATA in said, said
        for path in ("opt/pyarchive", "usr/local/bin/pyarchive", *(f"etc/systemd/system/{unit}" for unit in UNITS[1:])):
            assert not os.path.lexists(root.path / path), f"/{path} is still there"
        assert not any(root.is_active(unit) for unit in UNITS)
    with claims.claim("and the data is all there: every archive, the catalog, the ledgers, the secrets"):
        gone = [line for line in differences(before, tree(root.path / DATA[1:], but=())) if line.endswith("gone") and "/log" not in line]
        assert not [line for line in gone if line.startswith(("store", "ledger", "secrets", "catalog", "appliance_id", "scripts"))], gone
    with claims.claim("a second --uninstall finds nothing to do"):
        assert "nothing" in installed.install("--uninstall").lower()
    with claims.claim("a new installation takes the data over: the same appliance, the same archives"):
        installed.install()
        installed.wait_online()
        assert (root.path / DATA[1:] / "appliance_id").read_text().strip() in installed.command("status", user="root")
        installed.check_archives()
