"""The rates of the last half hour, drawn. Its place and size never change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from nicegui import ui

from ui.panel import here, parts
from ui.panel.rates import Rate
from ui.words import rate

SPANS = {600: "10 min", 3600: "1 hour"}
_COUNT = 120
_WIDE, _HIGH = 600.0, 120.0
_LEAST = 100_000.0  # so that a trickle does not look like a flood
_LOOK_EVERY_S = 15.0


class Drawn(NamedTuple):
    """Paths of SVG in a box of 600 by 120; ``top``: what its upper edge means, in bytes a second."""

    area: str
    up: str
    down: str
    top: float


class Chart:
    def __init__(self) -> None:
        self._span_s = 600
        self._shown: tuple[object, ...] = ()
        with ui.element("div").classes("pa-between pa-row"):
            self._legend()
            ui.toggle(SPANS, value=self._span_s, on_change=lambda event: self._look_back(event.value)).props(
                'no-caps unelevated dense color=none text-color=none toggle-color=none toggle-text-color=none aria-label="How far back"'
            ).classes("pa-toggle")
        with ui.element("div").classes("pa-chart"):
            self._top = parts.text("").classes("pa-chart-top pa-num")
            with ui.element("svg") as self._svg:
                self._svg.props(f'viewBox="0 0 {_WIDE:.0f} {_HIGH:.0f}" preserveAspectRatio="none" role="img"')
                self._area = ui.element("path").classes("pa-chart-area")
                self._up = ui.element("path").classes("pa-chart-up")
                self._down = ui.element("path").classes("pa-chart-down")
        with ui.element("div").classes("pa-chart-times").props('aria-hidden="true"'):
            self._since = parts.text("")
            parts.text("now")
        ui.timer(_LOOK_EVERY_S, self.show)  # time passes also where nothing is said

    def _legend(self) -> None:
        with ui.element("dl").classes("pa-legend"):
            self._now: dict[str, parts.Text] = {}
            for name, words in (("up", "Upload"), ("down", "Download")):
                with ui.element("div").classes(f"pa-key pa-key-{name}"):
                    parts.text(words, "dt")
                    self._now[name] = parts.text("", "dd").classes("pa-num")

    def _look_back(self, span_s: int) -> None:
        self._span_s = span_s
        self.show()

    def show(self) -> None:
        means = here.panel().rates.means(self._span_s, _COUNT)
        state = here.live().get("appliance/state") or {}
        self._now["up"].set(rate(state.get("upload_rate_bytes_per_s", 0)))
        self._now["down"].set(rate(state.get("download_rate_bytes_per_s", 0)))
        drawn = draw(means)
        if self._shown == (drawn, self._span_s):
            return
        self._shown = (drawn, self._span_s)
        for element, path in ((self._area, drawn.area), (self._up, drawn.up), (self._down, drawn.down)):
            element.props["d"] = path
            element.update()
        self._top.set(rate(drawn.top))
        self._since.set(f"{SPANS[self._span_s]} ago")
        self._svg.props["aria-label"] = in_words(means, SPANS[self._span_s])
        self._svg.update()


def draw(means: Sequence[Rate | None]) -> Drawn:
    """Where nothing is known there is a gap."""
    known = [one for one in means if one is not None]
    top = nice(max([_LEAST, *(max(one) for one in known)]))
    ups, downs = ([None if one is None else one[way] for one in means] for way in (0, 1))
    return Drawn(_path(ups, top, closed=True), _path(ups, top), _path(downs, top), top)


def nice(value: float) -> float:
    """The next 1, 2 or 5 with zeros behind it: the scale changes seldom."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if value <= step * power * 1.0001)


def _path(values: Sequence[float | None], top: float, *, closed: bool = False) -> str:
    """Steps. ``closed``: down to the bottom at both ends, to be filled."""
    width, pieces = _WIDE / len(values), []
    for is_known, run in groupby(enumerate(values), key=lambda one: one[1] is not None):
        if is_known:
            steps = [(index * width, _HIGH - (value or 0.0) / top * (_HIGH - 2), (index + 1) * width) for index, value in run]
            line = "L".join(f"{left:.0f} {high:.1f}H{right:.0f}" for left, high, right in steps)
            pieces.append(f"M{steps[0][0]:.0f} {_HIGH:.0f}L{line}V{_HIGH:.0f}Z" if closed else f"M{line}")
    return "".join(pieces)


def in_words(means: Sequence[Rate | None], span: str) -> str:
    """For those who do not see it."""
    known = [one for one in means if one is not None]
    if not known:
        return f"Rates of the last {span}: nothing is known."
    up, down = (max(one[way] for one in known) for way in (0, 1))
    uploads = f"Upload: now {rate(known[-1].up)}, at most {rate(up)}."
    return f"Rates of the last {span}. {uploads} Download: now {rate(known[-1].down)}, at most {rate(down)}."
