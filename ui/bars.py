"""Progress of long work: bars on a terminal, a calm line now and then elsewhere. Both on stderr; results stay alone on stdout."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ui.output import is_terminal, note
from ui.words import clean, percent, size

if TYPE_CHECKING:
    from rich.live import Live
    from rich.progress import Progress, TaskID

_LINE_EVERY_S = 10.0


class Bars:
    """Use it in a ``with``. One bar at a time: ``stage`` begins it, ``advance`` moves it. ``quiet``: no lines in place of bars.

    It counts bytes, or the things of which ``noun`` is the plural.
    """

    def __init__(self, *, quiet: bool = False, noun: str | None = None) -> None:
        self._quiet = quiet
        self._noun = noun
        self._live: Live | None = None
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._label, self._total = "", 0
        self._said_s = time.monotonic()

    def stage(self, what: str, title: str, total: int) -> None:
        """``what`` happens to ``title`` from here on: ``stage("hashing", "photos.tar", size)``."""
        self._label, self._total = f"{what} {clean(title)}", total
        if self._progress is None:
            return
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(self._label, total=max(1, total))

    def advance(self, done: int) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=done if self._total else 1)
        elif not self._quiet and time.monotonic() - self._said_s > _LINE_EVERY_S:
            self._said_s = time.monotonic()
            of = f"{self._total} {self._noun}" if self._noun else size(self._total)
            note(f"{self._label}: {percent(done / max(1, self._total))} of {of}")

    def say(self, line: str) -> None:
        """A line beside the bar, such as why nothing moves."""
        if self._live is not None:
            self._live.console.print(line, markup=False, highlight=False)
        else:
            note(line)

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """The bar is out of the way, so that stdout and stderr can be printed to."""
        if self._live is not None:
            self._live.stop()
        try:
            yield
        finally:
            if self._live is not None:
                self._live.start()

    def __enter__(self) -> Self:
        if is_terminal(sys.stderr):
            self._live, self._progress = _rich_parts(self._noun)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()


def _rich_parts(noun: str | None) -> tuple[Live, Progress]:
    # Only where bars are drawn: importing these takes longer than a whole `pyarchive status`.
    from rich.console import Console, Group  # noqa: PLC0415 - as said above
    from rich.live import Live  # noqa: PLC0415 - as said above
    from rich.progress import (  # noqa: PLC0415 - as said above
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.table import Column  # noqa: PLC0415 - as said above

    from ui.live import END  # noqa: PLC0415 - as said above

    how_far = (MofNCompleteColumn(), TextColumn(noun)) if noun else (DownloadColumn(), TransferSpeedColumn())
    progress = Progress(
        TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
        BarColumn(bar_width=24), *how_far, TimeRemainingColumn(compact=True), expand=True,
    )  # fmt: skip
    # Redirected, results would go where the bars go.
    live = Live(Group(progress, END), console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False)
    return live, progress
