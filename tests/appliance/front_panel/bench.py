"""A front panel on gpiozero's mock pins, with everything real but what the button does."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from appliance import clock
from appliance.front_panel.button import Times
from appliance.front_panel.panel import Deeds, FrontPanel
from appliance.front_panel.pins import Opener, Pins
from appliance.problems import Problems
from appliance.settings import SettingsStore
from mqtt.messages import Lamp
from tests.waiting import wait_for

QUICK = Times(settle_s=0.01, pause_s=0.3, shutdown_s=0.8, stuck_s=1.6)
"""A hold in a tenth of the time."""


class Bench:
    """``with Bench(folder) as bench``: started. ``row`` is what is true; ``done`` what the button did."""

    def __init__(self, folder: Path, *, opener: Opener | None = None, times: Times = QUICK, **settings: object) -> None:
        self.row: tuple[Lamp, str] = ("idle", "everything is remote")
        self.done: list[str] = []
        self.fails: Exception | None = None
        self.settings = SettingsStore({f"PYARCHIVE_{name.upper()}": str(value) for name, value in settings.items()})
        self.problems = Problems()
        deeds = Deeds(sync=self._deed("sync"), pause=self._deed("pause"), shutdown=self._deed("shutdown"))
        self.panel = FrontPanel(self.settings, self.problems, lambda: self.row, deeds, opener or Opener(folder), times)

    def _deed(self, name: str) -> Callable[[], str]:
        def do() -> str:
            if self.fails:
                raise self.fails
            self.done.append(name)
            return name

        return do

    def __enter__(self) -> Self:
        self.panel.start()
        wait_for(lambda: self.panel.board.pins, what="pins")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.panel.stop(2.0)

    @property
    def pins(self) -> Pins:
        assert self.panel.board.pins is not None
        return self.panel.board.pins

    def press(self, held_s: float) -> None:
        """With a finger on the mock pin, to its end."""
        before = len(self.presses())
        self.pins.push(closed=True)
        wait_for_s(held_s)
        self.pins.push(closed=False)
        wait_for(lambda: len(self.presses()) > before, what="the press to be over")

    def presses(self) -> list[Any]:
        return self.panel.history().presses

    def levels(self) -> list[float]:
        """What the mock pin of the lamp was given."""
        return [state for _, state in self.pins.lamp_states]

    def problem(self, code: str) -> str:
        """Its words, once it stands."""
        found = wait_for(lambda: [one for one in self.problems.standing() if one.code == code], what=code)
        return f"{found[0].message}; {found[0].next_step}"


def wait_for_s(seconds: float) -> None:
    """The time itself is what is waited for: how long a finger holds a button."""
    until_s = clock.monotonic_s() + seconds
    wait_for(lambda: clock.monotonic_s() >= until_s, seconds + 60)


def acknowledged_s(bench: Bench, since_s: float) -> float:
    """When (monotonic) the lamp was lit by an acknowledgement: dark for 60 ms, bright for 100 ms; infinity where it was not."""
    levels = [each for each in bench.panel._history._levels if each[0] >= since_s]
    for (dark_s, dark), (lit_s, lit), (out_s, out) in zip(levels, levels[1:], levels[2:], strict=False):
        if (dark, lit, out) == (0, 1, 0) and 0.05 < lit_s - dark_s < 0.09 and 0.09 < out_s - lit_s < 0.14:
            return lit_s
    return float("inf")


def contains(states: list[tuple[float, float]], wanted: list[tuple[float, float]], tolerance_s: float) -> bool:
    """Somewhere in a pin's history: those levels one after the other, each for so long; ``states`` as of ``Pins.lamp_states``."""
    lasted = [(level, after_s) for (_, level), (after_s, _) in itertools.pairwise(states)]
    return any(
        all(level == want and abs(for_s - want_s) <= tolerance_s for (level, for_s), (want, want_s) in zip(part, wanted, strict=True))
        for start in range(len(lasted) - len(wanted) + 1)
        if (part := lasted[start : start + len(wanted)])
    )
