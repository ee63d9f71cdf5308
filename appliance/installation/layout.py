"""Where everything lies on an installed computer. All below ``root``, so that a test may use a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from appliance.installation.writing import Owner

APPLIANCE_USER = "pyarchive-appliance"
PANEL_USER = "pyarchive-panel"
RUNNER_USER = "pyarchive-scripts"
SCRIPT_USER = "pyarchive-script"
SHARE_USER = "pyarchive-share"
FILES_GROUP = "pyarchive"
ADMIN_GROUP = "pyarchive-admin"
UNITS = ("pyarchive-appliance.service", "pyarchive-panel.service", "pyarchive-scripts.service")
BROKER_UNIT = "mosquitto.service"


@dataclass(frozen=True, slots=True)
class Layout:
    """``inside`` gives the path as the installed programs see it, ``at`` the one where we write it."""

    root: Path = Path("/")

    def at(self, path: str | Path) -> Path:
        """That absolute path below ``root``."""
        return self.root / Path(path).relative_to("/")

    def inside(self, path: Path) -> str:
        """The other way round: how a program of the installed system names it."""
        return "/" + path.relative_to(self.root).as_posix()

    def owner(self, user: str = "root", group: str = "root") -> Owner:
        return Owner(user, group, self.at("/etc"))

    @property
    def program(self) -> Path:
        return self.at("/opt/pyarchive")

    @property
    def releases(self) -> Path:
        return self.program / "releases"

    @property
    def current(self) -> Path:
        """A link to the release in use."""
        return self.program / "current"

    @property
    def finished(self) -> Path:
        """There once all steps of an installation were done."""
        return self.program / "installed"

    @property
    def previous(self) -> Path:
        """A link to the release before that: what an upgrade goes back to, and by whose code a boot does that."""
        return self.program / "previous"

    @property
    def upgrade(self) -> Path:
        """What an upgrade keeps until it is over: its journal, and copies of what it changes. For root alone."""
        return self.at("/var/lib/pyarchive-upgrade")

    @property
    def upgrading(self) -> Path:
        """There while an upgrade is at work, until the computer ends: nobody else is to end it meanwhile."""
        return self.at("/run/pyarchive-upgrading")

    @property
    def command(self) -> Path:
        return self.at("/usr/local/bin/pyarchive")

    @property
    def configuration(self) -> Path:
        return self.at("/etc/pyarchive")

    @property
    def choices_file(self) -> Path:
        return self.configuration / "install.toml"

    @property
    def settings_file(self) -> Path:
        return self.configuration / "pyarchive.toml"

    @property
    def broker(self) -> Path:
        return self.configuration / "mosquitto"

    @property
    def tls(self) -> Path:
        return self.configuration / "tls"

    @property
    def units(self) -> Path:
        return self.at("/etc/systemd/system")

    @property
    def panel_state(self) -> Path:
        return self.at("/var/lib/pyarchive-panel")
