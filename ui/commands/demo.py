"""``pyarchive demo``: everything on this computer, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
from pathlib import Path

from ui import output
from ui.client_settings import data_folder, demo_data
from ui.demo.claim import Claim
from ui.demo.demo import HOST, Demo
from ui.words import clean


def run(args: argparse.Namespace) -> int:
    """0 after Ctrl-C or SIGTERM; then nothing of it runs any more. Raises Failed where it cannot start."""
    folder = data_folder(os.environ, args.data) or demo_data().absolute()
    with Claim(folder):
        with Demo(folder, args.port) as demo:
            if not args.json:
                _welcome(demo)
            demo.run(as_json=args.json)
        if not args.json:
            output.say("stopped; `pyarchive demo` goes on where this ended")
    return 0


def _welcome(demo: Demo) -> None:
    output.say(output.paint("PyArchive demo", "bold"))
    output.facts(
        [
            ("appliance", demo.file.appliance_id or ""),
            ("data", clean(demo.folder)),
            ("remote", f"{clean(demo.folder / 'remote')} (a folder)"),
            ("web panel", demo.panel),
            ("broker", f"{HOST}:{demo.file.port}"),
            ("log", clean(demo.folder / "appliance.log")),
        ]
    )
    command = _command(demo.folder)
    output.say("In a second terminal:")
    for arguments in ("put FILE --wait", "list", "status"):
        output.say(f"  {command.replace('%', arguments)}")
    output.say("Ctrl-C stops all of it.")
    output.say()


def _command(folder: Path) -> str:
    """As it has to be typed here, with % for the subcommand."""
    name = "pyarchive" if shutil.which("pyarchive") else shlex.quote(sys.argv[0])
    return f"{name} %" if folder == demo_data().absolute() else f"{name} --data {shlex.quote(str(folder))} %"
