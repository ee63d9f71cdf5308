"""``pyarchive panel``: become the web panel."""

from __future__ import annotations

import argparse
import os
import sys

from ui.client_settings import data_folder


def run(args: argparse.Namespace) -> int:
    """Does not return: this process goes on as the panel, so that its signals and exit status are the panel's."""
    folder = data_folder(os.environ, args.data)
    command = [sys.executable, "-P", "-m", "ui.panel", *(["--data", str(folder)] if folder else [])]
    os.execve(sys.executable, command, dict(os.environ))  # noqa: S606 - our own program, without a shell
