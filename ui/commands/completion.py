"""``pyarchive completion``: print the completion script of a shell."""

from __future__ import annotations

import argparse

from ui import output
from ui.completion import script
from ui.parser import build_parser


def run(args: argparse.Namespace) -> int:
    output.say(script(build_parser(), args.shell).rstrip())
    return 0
