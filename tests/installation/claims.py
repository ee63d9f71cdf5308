"""What a campaign claims, one by one: shown or not, and how long it took. One that fails does not end the others."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Shown:
    """``why``: empty where it holds."""

    words: str
    seconds: float
    why: str = ""


class Claims:
    """Each is printed when it is known; ``report`` is the table of all, with what failed in full."""

    def __init__(self, suite: str) -> None:
        self._suite = suite
        self._shown: list[Shown] = []
        self._figures: list[str] = []

    @contextlib.contextmanager
    def claim(self, words: str) -> Iterator[None]:
        began = time.monotonic()
        why = ""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever goes wrong in it, the claim is not shown, and the next one may be
            why = _why(error)
        self._add(Shown(words, time.monotonic() - began, why))

    def _add(self, shown: Shown) -> None:
        self._shown.append(shown)
        print(self._line(shown), flush=True)
        if shown.why:
            print("        " + shown.why.replace("\n", "\n        "), flush=True)

    @contextlib.contextmanager
    def whole(self, chapter: str) -> Iterator[None]:
        """A claim only where it fails: what stands between the claims of a chapter."""
        began = time.monotonic()
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a chapter that breaks off is a claim that is not shown
            self._add(Shown(f"the chapter {chapter} comes to its end", time.monotonic() - began, _why(error)))

    def figure(self, line: str) -> None:
        """Something measured, to stand below the table."""
        self._figures.append(line)
        print(f"        {line}", flush=True)

    @property
    def failed(self) -> int:
        return sum(bool(each.why) for each in self._shown)

    def report(self) -> str:
        total_s = sum(each.seconds for each in self._shown)
        lines = [f"{self._suite}: {len(self._shown) - self.failed} of {len(self._shown)} claims shown in {total_s:.0f} s", ""]
        return "\n".join([*lines, *map(self._line, self._shown), "", *self._figures])

    def _line(self, shown: Shown) -> str:
        return f"{'FAIL' if shown.why else 'pass'} {shown.seconds:7.1f} s  {self._suite}: {shown.words}"


def _why(error: Exception) -> str:
    """With the place; and with what stands there, where the error says nothing itself."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}: {type(error).__name__}: {str(error) or last.line}"
