"""The thread `lamp`: it lights the lamp and reads the button, and waits for nothing else.

It takes no lock of the appliance, so a busy engine, a slow disk or a dead broker cannot keep it from answering a finger.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

from appliance import clock
from appliance.front_panel.button import Button, Happening, Pressed, Times
from appliance.front_panel.history import History
from appliance.front_panel.patterns import HELD, PRESSED, ROWS, Frames, Pattern, frames
from appliance.front_panel.pins import Pins, PinsUnavailable
from appliance.transfer.retry import Backoff
from mqtt.messages import ButtonStep

log = logging.getLogger("front_panel")
_MOST_WAITING = 1000
_AFAR_S = 15.0


@dataclass(frozen=True, slots=True)
class Broken:
    """The pins do not work; they are tried again by themselves."""

    error: PinsUnavailable


@dataclass(frozen=True, slots=True)
class Mended:
    """The pins that are wanted work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """How to get pins: ``real`` where real ones are wanted, ``simulated`` else and while those do not work."""

    real: Callable[[], Pins] | None
    simulated: Callable[[], Pins]
    brightness: float = 1.0


Told = Happening | Broken | Mended


@dataclass(slots=True)
class _Showing:
    """A pattern, and since when (monotonic) it runs; ``until_s``: it is shown once."""

    pattern: Pattern
    since_s: float
    made: Frames | None = field(default=None)

    def frames(self, *, can_dim: bool, brightness: float) -> Frames:
        if self.made is None:
            self.made = frames(self.pattern, can_dim=can_dim, brightness=brightness)
        return self.made


class Board:
    """``opening(on_contact)`` says which pins are wanted. ``tell`` is called on the thread, and must only enqueue."""

    def __init__(
        self, opening: Callable[[Callable[[bool], None]], Opening], times: Times, can_shut_down: Callable[[], bool], history: History,
        tell: Callable[[Told], None],
    ) -> None:  # fmt: skip
        self._opening = opening
        self._history = history
        self._tell = tell
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._button = Button(times, can_shut_down)
        self._times = times
        self._wanted: Opening | None = None
        self.pins: Pins | None = None
        self._failures = 0
        self._again_s: float | None = 0.0
        self._random = Random()  # noqa: S311 - jitter is no secret
        self._base = _Showing(ROWS["off"], 0.0)
        self._standing = ROWS["off"]
        self._once: _Showing | None = None
        self._level: float | None = None
        self._afar_until_s: float | None = None
        self._afar_counts = True
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="lamp", daemon=True)

    # From any thread

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """The lamp is dark, and the pins are free."""
        self._ending.set()
        self._inbox.put(lambda: None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def show(self, pattern: Pattern) -> None:
        """From now on, but while the button is held."""
        self._inbox.put(partial(self._show, pattern))

    def flash(self, pattern: Pattern) -> None:
        """Once, over all else."""
        self._inbox.put(partial(self._flash, pattern))

    def press(self, for_s: float) -> None:
        """The button is down for so long; a button that is down already stays as it is."""
        self._inbox.put(partial(self._hold, for_s, counts=True))

    def hold(self) -> None:
        """The button is down until ``let_go``; without a word for 15 s it goes up, and that press does nothing."""
        self._inbox.put(partial(self._hold, _AFAR_S, counts=False))

    def let_go(self) -> None:
        self._inbox.put(partial(self._let_go, counts=True))

    def open_anew(self) -> None:
        """Settings have changed."""
        self._inbox.put(self._close)

    @property
    def is_down(self) -> bool:
        return self._button.is_down

    @property
    def is_held_from_afar(self) -> bool:
        return self._afar_until_s is not None

    @property
    def is_simulated(self) -> bool:
        pins = self.pins
        return pins is None or pins.simulated

    @property
    def step(self) -> ButtonStep | None:
        """What a release would do now."""
        return self._button.step

    def step_after(self, held_s: float) -> ButtonStep:
        return self._button.step_after(held_s)

    @property
    def pattern(self) -> Pattern:
        """What is shown, but for what is shown once."""
        return self._base.pattern

    def _on_contact(self, closed: bool) -> None:
        # A wire that is loose may close and open thousands of times a second.
        if self._inbox.qsize() < _MOST_WAITING:
            self._inbox.put(partial(self._contact, clock.monotonic_s(), closed))

    # On the thread

    def _work(self) -> None:
        while not self._ending.is_set():
            try:
                self._tend()
            except Exception as error:
                log.debug("the front panel failed", exc_info=error)
                self._fail(error)
        self._go_dark()

    def _tend(self) -> None:
        if self._again_s is not None and clock.monotonic_s() >= self._again_s:
            self._open()
        self._mind_the_finger(clock.monotonic_s())
        self._look_at_button(clock.monotonic_s())
        stays_s = self._light(clock.monotonic_s())
        self._take(stays_s)

    def _take(self, stays_s: float | None) -> None:
        """Wait for what comes, at most until something is due; then do all that has come."""
        now_s = clock.monotonic_s()
        due = [due_s - now_s for due_s in (self._button.due_s(), self._afar_until_s, self._again_s) if due_s is not None]
        due += [stays_s] if stays_s is not None else []
        try:
            self._inbox.get(timeout=max(0.0, min(due)) if due else None)()
            while not self._ending.is_set():
                self._inbox.get_nowait()()
        except queue.Empty:
            pass

    # Pins

    def _open(self) -> None:
        """The real ones where they are wanted; simulated ones else, and while those do not work."""
        self._again_s = None
        wanted = self._wanted = self._opening(self._on_contact)
        try:
            self._take_up((wanted.real or wanted.simulated)())
        except PinsUnavailable as error:
            self._note_failure(error)
            self._stand_in(wanted)
        else:
            self._failures = 0
            self._tell(Mended())

    def _stand_in(self, wanted: Opening) -> None:
        if self.pins is None and wanted.real:
            try:
                self._take_up(wanted.simulated())
            except PinsUnavailable as worse:  # no library at all: then there is no lamp
                log.debug("no simulated pins either: %s", worse)

    def _take_up(self, pins: Pins) -> None:
        if self.pins:
            self.pins.close()
        self.pins, self._level = pins, None
        self._base.made = self._once = None
        self._button.begin(clock.monotonic_s(), closed=pins.is_closed())

    def _note_failure(self, error: PinsUnavailable) -> None:
        backoff = Backoff(first_s=2.0, cap_s=60.0)
        self._again_s = (
            clock.monotonic_s() + backoff.ceiling_s(self._failures) / 2 + backoff.delay_s(self._failures, self._random, None) / 2
        )
        self._failures += 1
        self._tell(Broken(error))

    def _fail(self, error: Exception) -> None:
        """Pins that worked do not any more; whatever it was, a moment passes before the next try."""
        self._close()
        words = PinsUnavailable(
            f"lamp and button do not work: {type(error).__name__}: {error}", "check the wiring; it is tried again by itself"
        )
        self._note_failure(words)
        self._ending.wait(1.0)

    def _close(self) -> None:
        pins, self.pins, self._again_s = self.pins, None, 0.0
        self._afar_until_s = None
        if pins:
            try:
                pins.close()
            except Exception as error:
                log.debug("closing the pins failed", exc_info=error)

    def _go_dark(self) -> None:
        if self.pins:
            try:
                self.pins.modulate(False)
                self.pins.light(0)
            except Exception as error:
                log.debug("the lamp cannot be switched off", exc_info=error)
        self._close()

    # The lamp

    def _show(self, pattern: Pattern) -> None:
        self._standing = pattern
        if not self._button.is_down or self._button.step is None:
            self._begin(pattern)

    def _begin(self, pattern: Pattern) -> None:
        if pattern != self._base.pattern:
            self._base = _Showing(pattern, clock.monotonic_s())

    def _flash(self, pattern: Pattern) -> None:
        """An acknowledgement at once, and to its end; anything else after what is shown."""
        if self._once and pattern is not PRESSED:
            self._once = _Showing(self._once.pattern + pattern, self._once.since_s)
        else:
            self._once = _Showing(pattern, clock.monotonic_s())

    def _light(self, now_s: float) -> float | None:
        """Light it as it is to be now; for how long it stays so (None: until something comes)."""
        if self.pins is None or self._wanted is None:
            return None
        made, offset_s, stays_s = self._now_shown(self.pins, self._wanted.brightness, now_s)
        level, frame_s = made.at(offset_s)
        if level != self._level:
            self.pins.modulate(made.dims)
            self.pins.light(level)
            self._level = level
            self._history.level(now_s, level)
        waits = [each for each in (frame_s, stays_s) if each is not None]
        return min(waits, default=None)

    def _now_shown(self, pins: Pins, brightness: float, now_s: float) -> tuple[Frames, float, float | None]:
        if self._once:
            made = self._once.frames(can_dim=pins.can_dim, brightness=brightness)
            left_s = self._once.since_s + made.round_s - now_s
            if left_s > 0:
                return made, now_s - self._once.since_s, left_s
            self._once, self._base.since_s = None, now_s
        made = self._base.frames(can_dim=pins.can_dim, brightness=brightness)
        return made, now_s - self._base.since_s, None

    # The button

    def _look_at_button(self, now_s: float) -> None:
        self._happen(self._button.look(now_s))
        # Should the library lose the word that the contact has opened, the button would stay down for ever.
        if self._button.is_down and self.pins and not self.is_held_from_afar:
            self._contact(now_s, self.pins.is_closed())

    def _contact(self, at_s: float, closed: bool) -> None:
        self._happen(self._button.contact(at_s, closed=closed))

    def _happen(self, happened: list[Happening]) -> None:
        for one in happened:
            if isinstance(one, Pressed):
                self._flash(PRESSED)
            step = self._button.step
            self._begin(HELD[step] if step else self._standing)
            self._tell(one)

    def _hold(self, for_s: float, *, counts: bool) -> None:
        if self.pins is None or (self._button.is_down and not self.is_held_from_afar):
            return
        if not self.is_held_from_afar:
            self._move(closed=True)
        self._afar_until_s, self._afar_counts = clock.monotonic_s() + for_s, counts

    def _mind_the_finger(self, now_s: float) -> None:
        if self._afar_until_s is not None and now_s >= self._afar_until_s:
            self._let_go(counts=self._afar_counts)

    def _let_go(self, *, counts: bool) -> None:
        if not self.is_held_from_afar:
            return
        if not counts:
            self._button.cancel()
        self._afar_until_s = None
        self._move(closed=False)

    def _move(self, *, closed: bool) -> None:
        """As the finger does it: by the pin where it is simulated, else in its place."""
        if self.pins is None:
            return
        if self.pins.simulated:
            self.pins.push(closed=closed)
        else:
            self._contact(clock.monotonic_s(), closed)
