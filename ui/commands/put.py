"""``pyarchive put``: hand files in."""

from __future__ import annotations

import argparse
from typing import Any

from ui import output
from ui.bars import Bars
from ui.errors import Failed, WrongUsage
from ui.handing_in import HandingIn, Received
from ui.link import Link, open_link
from ui.patience import Patience, endless
from ui.waiting import Waiting
from ui.words import clean, size


def run(args: argparse.Namespace) -> int:
    """1 where a file was not received (or, with --wait, is not on a remote); the others are handed in all the same."""
    if args.title is not None and len(args.files) > 1:
        raise WrongUsage("--title names one archive; hand the files in one by one")
    with open_link(args) as link, Bars(quiet=args.json) as bars:
        patience = endless(args.timeout, bars.say) if args.wait else Patience(args.timeout, say=bars.say)
        work = _Put(args, link, bars, patience)
        received = [each for path in args.files if (each := work.hand_in(path))]
        if args.wait:
            for each in received:
                work.wait_for(each)
    if args.json:
        output.emit({"archives": [work.documents[each.archive_id] for each in received]})
    return 1 if work.failures else 0


class _Put:
    def __init__(self, args: argparse.Namespace, link: Link, bars: Bars, patience: Patience) -> None:
        self._args = args
        self._link = link
        self._bars = bars
        self._patience = patience
        self._handing_in = HandingIn(link, bars, patience)
        self._waiting = Waiting(link, bars, patience)
        self.documents: dict[str, dict[str, Any]] = {}
        self.failures = 0

    def hand_in(self, path: str) -> Received | None:
        """None, and said, where it failed."""
        try:
            received = self._handing_in.hand_in(path, self._args.title, self._args.owner)
        except Failed as error:
            self._failed(error)
            return None
        if self._args.json:
            self._keep(received, self._link.ask_patiently("archive/show", self._patience, archive=received.archive_id))
        else:
            self._say(f"received {clean(received.file_name)} ({size(received.size_bytes)}) as {received.archive_id}")
        return received

    def wait_for(self, received: Received) -> None:
        """Until it is on a remote; said where that fails."""
        try:
            state = self._waiting.until_remote(received.archive_id)
        except Failed as error:
            self._failed(error)
            return
        self._keep(received, state)
        if not self._args.json:
            self._say(f"{output.rung(state['rung'])}: {clean(state['title'])} ({received.archive_id}) is safe")

    def _keep(self, received: Received, state: dict[str, Any]) -> None:
        names = ("id", "title", "file_name", "size_bytes", "sha256", "rung")
        self.documents[received.archive_id] = {name: state[name] for name in names} | {"sha256": received.sha256}

    def _failed(self, error: Failed) -> None:
        self.failures += 1
        with self._bars.aside():
            output.complain(error)

    def _say(self, line: str) -> None:
        with self._bars.aside():
            output.say(line)
