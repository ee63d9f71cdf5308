"""The second run: nothing is done, nothing is changed, nothing is restarted."""

from __future__ import annotations

from tests.installation.claims import Claims
from tests.installation.installed import DATA, UNITS, Installed
from tests.installation.tree import BY_ITSELF, Entry, differences, tree

_AT_WORK = ("catalog", "log", "clock", "ledger", "scripts/runs")
"""What a running appliance writes by itself below its data folder."""

_OF_OTHERS = ("var/lib/pyarchive-panel", "mnt/disk", "var/cache")
"""What the panel writes, what is carried to a remote, what apt reckons."""


def again(claims: Claims, installed: Installed) -> None:
    """After the first installation."""
    before, ran = _tree(installed), _running(installed)
    with claims.claim("a second run says that nothing was to be done"):
        assert "nothing" in installed.install().lower()
    with claims.claim("and changed nothing: content, modes, owners and times of the whole root"):
        changed = differences(before, _tree(installed))
        assert not changed, "\n".join(changed)
    with claims.claim("and restarted no service"):
        assert _running(installed) == ran
    with claims.claim("a dry run now would do nothing"):
        assert "would " not in installed.install("--dry-run").replace("nothing would be done", "")


def _tree(installed: Installed) -> dict[str, Entry]:
    places = [f"{DATA[1:]}/{name}" for name in _AT_WORK]
    return tree(installed.root.path, (*BY_ITSELF, *places, *_OF_OTHERS))


def _running(installed: Installed) -> dict[str, tuple[str, str]]:
    root = installed.root
    return {unit: (root.property(unit, "MainPID"), root.property(unit, "ActiveEnterTimestampMonotonic")) for unit in UNITS}
