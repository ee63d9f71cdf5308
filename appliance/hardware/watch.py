"""The computer under the appliance: what is said of it, calmly, and what of it somebody should mend."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

from appliance import clock
from appliance.hardware.sensors import Readings, Sensors
from appliance.problems import Problems
from mqtt.messages import HardwareState

log = logging.getLogger("hardware")
_LOOK_EVERY_S = 10.0
_LATELY_S = 86_400.0
_DEGREES_APART, _USED_APART, _LOAD_APART = 2.0, 0.1, 0.5
_HOT_C, _COOL_C = 80.0, 75.0
_WORN_RATIO, _SPENT_RATIO = 0.9, 1.0
_SUPPLY = (
    "use the power supply that belongs to the computer (a Pi 4: 5.1 V, 3 A; a Pi 5: 5.1 V, 5 A), and a short cable; give disks their own"
)
_AIR = "give it air, a heat sink or a fan; it works on, more slowly"
_CARD = "copy it to a new card in time; docs/pi.md says how"


class HardwareWatch:
    """One thread, which looks every 10 s. ``changed()`` when there is something else to say; it must only enqueue."""

    def __init__(self, problems: Problems, sensors: Sensors | None = None) -> None:
        self._problems = problems
        self._sensors = sensors or Sensors()
        self._changed: Callable[[], None] = lambda: None
        self._low_s: float | None = None  # when the voltage was last seen to be too low
        self._state = HardwareState()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="hardware", daemon=True)
        self.look()

    def on_change(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def state(self) -> HardwareState:
        return self._state

    def _work(self) -> None:
        while not self._stop.wait(_LOOK_EVERY_S):
            try:
                self.look()
            except Exception:  # whatever a computer tells wrongly: it is logged, and the next look comes
                log.exception("a look at the computer failed")

    def look(self) -> None:
        """Read, judge, and say what is news."""
        readings = self._sensors.read()
        if readings.under_voltage or readings.was_under_voltage:
            self._low_s = clock.monotonic_s()
        state = self._told(readings)
        self._judge(readings, state)
        if state != self._state:
            self._state = state
            self._changed()

    def _told(self, readings: Readings) -> HardwareState:
        before, lately = self._state, self._low_s is not None and clock.monotonic_s() - self._low_s < _LATELY_S
        total, available = readings.memory_bytes, readings.memory_available_bytes
        used = None if total is None or available is None else 1 - available / total
        load = None if readings.load_15_min is None else readings.load_15_min / (os.cpu_count() or 1)
        degrees = _kept(before.temperature_c, readings.temperature_c, _DEGREES_APART, 1.0)
        return HardwareState(
            model=readings.model, temperature_c=None if degrees is None else round(degrees), under_voltage=readings.under_voltage,
            under_voltage_lately=None if readings.under_voltage is None else lately, throttled=readings.throttled, memory_bytes=total,
            memory_used_ratio=_kept(before.memory_used_ratio, used, _USED_APART, 0.1),
            load_ratio=_kept(before.load_ratio, load, _LOAD_APART, 0.5), card_wear_ratio=readings.card_wear_ratio,
        )  # fmt: skip

    def _judge(self, readings: Readings, state: HardwareState) -> None:
        self._say("under_voltage", "power", _why_weak(state), _SUPPLY, needs_you=False)
        self._say("too_hot", "temperature", self._why_hot(readings), _AIR, needs_you=False)
        wear = readings.card_wear_ratio or 0.0
        self._say("card_worn", "card", _why_worn(wear), _CARD, needs_you=wear >= _SPENT_RATIO)

    def _why_hot(self, readings: Readings) -> str | None:
        is_hot = any(problem.code == "too_hot" for problem in self._problems.standing())
        limit_c = _COOL_C if is_hot else _HOT_C
        if readings.temperature_c is None or readings.temperature_c < limit_c:
            return None
        return f"the processor is hot: about {_HOT_C:g} °C, at which it is slowed down"

    def _say(self, code: str, about: str, message: str | None, step: str, *, needs_you: bool) -> None:
        if message is None:
            self._problems.clear(code, about)
        else:
            self._problems.raise_(code, about, message, step, needs_you=needs_you)


def _why_weak(state: HardwareState) -> str | None:
    if not state.under_voltage_lately:
        return None
    when = "is too low" if state.under_voltage else "was too low within the last day, or since the computer was started"
    return f"the power supply is too weak: the voltage {when}; cards and disks can lose what is written then"


def _why_worn(wear_ratio: float) -> str | None:
    if wear_ratio < _WORN_RATIO:
        return None
    how_much = "all" if wear_ratio >= _SPENT_RATIO else f"about {wear_ratio:.0%}"
    return f"the card has used up {how_much} of the life that its maker foresees"


def _kept(said: float | None, now: float | None, apart: float, step: float) -> float | None:
    """What was said, until it is as far apart; then the value of now, in steps."""
    if now is None:
        return None
    if said is not None and abs(now - said) < apart:
        return said
    return round(round(now / step) * step, 2)
