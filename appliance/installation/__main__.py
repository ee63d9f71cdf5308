"""``python3 -m appliance.installation install | uninstall | upgrade | resume``: what ``install.sh`` hands over to, as root."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from appliance.installation.choices import Tls
from appliance.installation.errors import CannotGoOn
from appliance.installation.install import install
from appliance.installation.layout import Layout
from appliance.installation.uninstall import uninstall
from appliance.installation.upgrade import go_on, resume, upgrade

SOURCE = Path(__file__).resolve().parents[2]
"""The clone that this runs from. What runs from a release (resume) has none, and does not ask."""


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 where all is as wanted, 1 where it cannot be: then cause and next step are on standard error; 2 for wrong usage."""
    given = _parser().parse_args(arguments)
    try:
        return _COMMANDS[given.command](given)
    except CannotGoOn as error:
        sys.stderr.write(f"install.sh: {error.cause}\n{error.next_step}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="install.sh", description="Install PyArchive on this computer. Run it again at any time.")
    commands = parser.add_subparsers(dest="command", required=True)
    install = commands.add_parser("install", help="install, or go on with an installation")
    install.add_argument("--data", help="data folder (/var/lib/pyarchive)")
    install.add_argument("--panel-port", type=int, help="the panel's port (80; with TLS 443)")
    install.add_argument("--host-name", metavar="NAME", help="by which the house finds this computer (its own name, and .local)")
    install.add_argument("--mdns", action=argparse.BooleanOptionalAction, default=None, help="say that name in the house (yes)")
    install.add_argument("--tls", choices=get_args(Tls), help="TLS of the panel (none)")
    install.add_argument("--tls-certificate", metavar="FILE", help="an own certificate with its chain, PEM")
    install.add_argument("--tls-key", metavar="FILE", help="and its key")
    install.add_argument("--share", action=argparse.BooleanOptionalAction, default=None, help="the inbox as a network share (no)")
    install.add_argument("--lan", action=argparse.BooleanOptionalAction, default=None, help="Home Assistant may log in at the broker (yes)")
    _add_running(install)
    _add_running(commands.add_parser("uninstall", help="remove the programs; data stays"))
    _add_running(commands.add_parser("upgrade", help="bring in the version of this clone, or stay with the old one"))
    commands.add_parser("go-on", help="the part of an upgrade that runs by itself (called by upgrade)")
    commands.add_parser("resume", help="go on with, or take back, an upgrade that a power cut broke off (called at boot)")
    return parser


def _add_running(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="change nothing, say what would be done")
    parser.add_argument("--yes", action="store_true", help="ask nothing")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "install": lambda given: install(given, Layout(), SOURCE, _say),
    "uninstall": lambda given: uninstall(given, Layout(), SOURCE, _say),
    "upgrade": lambda given: upgrade(given, Layout(), SOURCE, _say),
    "go-on": lambda _: go_on(Layout(), SOURCE, _say),
    "resume": lambda _: resume(Layout(), SOURCE, _say),
}


if __name__ == "__main__":
    sys.exit(main())
