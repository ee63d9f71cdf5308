"""``python -m ui.panel``: the panel in the foreground."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from ui.errors import Failed
from ui.panel.server import serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="pyarchive panel")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when standard input does: with the demo")
    args = parser.parse_args()
    if args.until_stdin_closes:
        _end_with_stdin()
    try:
        serve(os.environ, args.data)
    except Failed as error:
        sys.stderr.write(f"pyarchive panel: {error}\n")
        return 1
    return 0


def _end_with_stdin() -> None:
    def watch() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
