"""What computer this is, and whether an installation can work on it. Nothing is changed here."""

from __future__ import annotations

import os
import shlex
import sys

from appliance.installation.errors import CannotGoOn
from appliance.installation.layout import Layout

_SYSTEMS = {"debian", "raspbian"}
_VERSIONS = {"12", "13"}
_BITS_64 = 2**32


def check_system(layout: Layout) -> None:
    """Raises CannotGoOn where this is not Debian or Raspberry Pi OS, 12 or 13, 64 bits, with systemd."""
    about = _os_release(layout)
    name, version = about.get("PRETTY_NAME", "unknown"), about.get("VERSION_ID", "")
    if about.get("ID") not in _SYSTEMS or version not in _VERSIONS:
        raise CannotGoOn(
            f"this computer runs {name}; this needs Raspberry Pi OS or Debian, version 12 or 13.",
            "Write one of them to the card. To try PyArchive on this computer: ./install.sh demo",
        )
    if sys.maxsize < _BITS_64:
        raise CannotGoOn(f"this is a 32-bit system ({name}).", "Write the 64-bit edition of Raspberry Pi OS to the card.")
    if not layout.at("/lib/systemd/systemd").exists():
        raise CannotGoOn("this system has no systemd.", "Install it (apt-get install systemd-sysv), or try ./install.sh demo.")


def check_root() -> None:
    """Raises CannotGoOn."""
    if os.geteuid() != 0:
        raise CannotGoOn("installing needs the rights of root.", "Try again with sudo in front: sudo ./install.sh")


def is_running_systemd(layout: Layout) -> bool:
    """Units can be started now; otherwise (a root that is being prepared) they start at its next boot."""
    return layout.at("/run/systemd/system").is_dir()


def systemd_release(layout: Layout) -> int:
    """Like 252; 0 where it does not show."""
    for folder in ("/usr/lib/systemd", "/lib/systemd", "/usr/lib/x86_64-linux-gnu/systemd", "/usr/lib/aarch64-linux-gnu/systemd"):
        for library in layout.at(folder).glob("libsystemd-shared-*.so"):
            number = library.stem.removeprefix("libsystemd-shared-").partition(".")[0]
            if number.isdigit():
                return int(number)
    return 0


def computer_name(layout: Layout) -> str:
    """Its host name, without a domain."""
    try:
        return layout.at("/etc/hostname").read_text().strip().partition(".")[0] or os.uname().nodename
    except OSError:
        return os.uname().nodename


def _os_release(layout: Layout) -> dict[str, str]:
    try:
        lines = layout.at("/etc/os-release").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name: "".join(shlex.split(value)[:1]) for name, _, value in pairs}
