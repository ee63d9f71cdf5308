"""``pyarchive watch``: live view until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import queue
import threading
import time
from typing import Any

from ui import output
from ui.link import Link, open_link
from ui.viewing import FOLLOWED, Viewing


def run(args: argparse.Namespace) -> int:
    """Ctrl-C is how it is meant to end: exit status 0."""
    with contextlib.suppress(KeyboardInterrupt), open_link(args) as link:
        if args.json:
            _stream(link, args.timeout)
        else:
            Viewing(link.mirror, threading.Event()).run(args.timeout)
    return 0


def _stream(link: Link, timeout_s: float | None) -> None:
    """Each message in a line: ``{"topic": name below the base, "data": payload}``; data is null where it was cleared."""
    messages: queue.Queue[tuple[str, Any]] = queue.Queue()
    link.mirror.on_message(lambda name, payload: messages.put((name, payload)))
    link.mirror.follow(*FOLLOWED)
    end_s = None if timeout_s is None else time.monotonic() + timeout_s
    while end_s is None or time.monotonic() < end_s:
        with contextlib.suppress(queue.Empty):
            name, payload = messages.get(timeout=0.2)
            output.emit({"topic": name, "data": payload})
