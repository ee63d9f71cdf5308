"""The command ``pyarchive``: chooses what to do, and turns the outcome into an exit status."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from ui.errors import Failed, Terminated, WrongUsage
from ui.output import complain
from ui.parser import build_parser

DONE, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 failed (one line on stderr), 2 wrong usage, 130 after Ctrl-C, 143 after SIGTERM."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a name that the locale cannot show must not end us
    logging.lastResort = None  # what libraries log is not for stderr: an error is one line there, and we say it
    args = build_parser().parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup means what it says
            signal.signal(number, _terminate)
    try:
        return int(importlib.import_module(f"ui.commands.{args.module}").run(args))
    except WrongUsage as error:
        return _told(f"{error} (see `pyarchive {args.command} --help`)", WRONG_USAGE)
    except Failed as error:
        return _told(error, FAILED)
    except KeyboardInterrupt:
        return _told("interrupted", INTERRUPTED)
    except Terminated as error:
        return 128 + error.signal_number
    except BrokenPipeError:
        # Whoever read our output has gone (`pyarchive list | head`); Python must not complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _told(why: Exception | str, status: int) -> int:
    complain(why)
    return status


def _terminate(number: int, _frame: FrameType | None) -> None:
    raise Terminated(number)


if __name__ == "__main__":
    sys.exit(main())
