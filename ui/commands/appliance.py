"""``pyarchive appliance``: become the appliance."""

from __future__ import annotations

import argparse
import os
import sys

from ui.client_settings import data_folder


def run(args: argparse.Namespace) -> int:
    """Does not return: this process goes on as the appliance, so that its signals and exit status are the appliance's."""
    folder = data_folder(os.environ, args.data)
    environment = {**os.environ, **({"PYARCHIVE_DATA": str(folder)} if folder else {})}
    os.execve(sys.executable, [sys.executable, "-P", "-m", "appliance"], environment)  # noqa: S606 - our own program, without a shell
