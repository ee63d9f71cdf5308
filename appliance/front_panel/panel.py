"""The front panel: what the lamp shows, and what the button does."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from appliance import clock
from appliance.errors import ApplianceError, Conflict
from appliance.front_panel import pins
from appliance.front_panel.board import Board, Broken, Mended, Opening, Told
from appliance.front_panel.button import Pressed, Released, Stuck, Times
from appliance.front_panel.history import History
from appliance.front_panel.patterns import DONE, REFUSED, ROWS, SHUTTING_DOWN
from appliance.front_panel.pins import PinsUnavailable, Wiring
from appliance.problems import Problems
from appliance.settings import Settings, SettingsStore
from mqtt.messages import ButtonStep, FrontPanelState, Lamp, LampLight
from mqtt.verb_answers import FrontPanelHistory, PressBegun

log = logging.getLogger("front_panel")
_ABOUT, _STUCK = "front_panel", "button_stuck"
_LOOK_S = 0.5
_OF_SETTINGS = ("front_panel", "lamp_pin", "lamp_active", "lamp_brightness_percent", "button_pin", "button_active", "button_pull")


@dataclass(frozen=True, kw_only=True, slots=True)
class Deeds:
    """What the button does: each answers, in words, what is so now, and raises ApplianceError or OSError."""

    sync: Callable[[], str]
    pause: Callable[[], str]
    shutdown: Callable[[], str]

    def of(self, step: ButtonStep) -> Callable[[], str]:
        return {ButtonStep.SYNC: self.sync, ButtonStep.PAUSE: self.pause, ButtonStep.SHUTDOWN: self.shutdown}[step]


class FrontPanel:
    """Two threads: `lamp` (see board.py), and `front-panel`, which looks what is true and does what the button asks for.

    Whatever fails in either is caught, reported as a problem, and tried again. ``row_of()`` is asked twice a second.
    """

    def __init__(
        self, settings: SettingsStore, problems: Problems, row_of: Callable[[], tuple[Lamp, str]], deeds: Deeds, opener: pins.Opener,
        times: Times | None = None,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._problems = problems
        self._row_of = row_of
        self._deeds = deeds
        self._opener = opener
        self._wired = _of(settings.current)
        self._inbox: queue.SimpleQueue[Told | None] = queue.SimpleQueue()
        self._history = History()
        self.board = Board(self._opening, times or Times(), lambda: settings.current.shutdown_enabled, self._history, self._inbox.put)
        self._row: Lamp = "off"
        self._reason = "the appliance starts"
        self._error: str | None = None
        self._pressed_at: datetime | None = None
        self._shuts_down = False
        self._stopping = threading.Event()
        self._listeners: list[Callable[[], None]] = []
        self._thread = threading.Thread(target=self._work, name="front-panel", daemon=True)
        settings.on_change(self._settings_changed)

    # From any thread

    def on_change(self, listener: Callable[[], None]) -> None:
        """``listener()`` when ``state`` says something else; it must only enqueue."""
        self._listeners.append(listener)

    def start(self) -> None:
        self.board.start()
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """The lamp is dark."""
        self._stopping.set()
        self._inbox.put(None)
        self.board.stop(timeout_s)
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._is("off", "the appliance is not running")

    def press(self, seconds: float) -> PressBegun:
        """As a finger: down for so long. Answers at once. Raises Conflict where the button is down, or there is none."""
        self._expect_a_button()
        if self.board.is_down:
            raise Conflict("the button is held down at the moment; try again when it is let go")
        number = self._history.next_number
        self.board.press(seconds)
        return PressBegun(number=number, step=self.board.step_after(seconds))

    def hold(self) -> None:
        """Down until ``let_go``; safe to repeat, and to be repeated at least each 15 s. Raises Conflict."""
        self._expect_a_button()
        if self.board.is_down and not self.board.is_held_from_afar:
            raise Conflict("the button is held down at the moment; try again when it is let go")
        self.board.hold()

    def let_go(self) -> None:
        """Safe to repeat."""
        self.board.let_go()

    def _expect_a_button(self) -> None:
        if self.board.pins is None:
            raise Conflict(f"there is no button at the moment: {self._error or 'the front panel starts'}")

    def history(self) -> FrontPanelHistory:
        return self._history.message()

    def state(self) -> FrontPanelState:
        """For ``frontpanel/state``."""
        step = self.board.step
        pattern = ROWS["off"] if self._row == "off" else self.board.pattern
        shown = [LampLight(level_ratio=light.level, for_s=light.for_s, fades=light.fades) for light in pattern]
        return FrontPanelState.model_validate(
            {
                "lamp": self._row, "lamp_reason": self._reason, "lamp_pattern": shown, "button_pressed": self.board.is_down,
                "button_step": step, "last_press_at": self._pressed_at, "simulated": self.board.is_simulated,
                "error": self._error,
            }
        )  # fmt: skip

    # Settings

    def _settings_changed(self) -> None:
        wired = _of(self._settings.current)
        if wired != self._wired:
            self._wired = wired
            self.board.open_anew()

    def _opening(self, on_contact: Callable[[bool], None]) -> Opening:
        current = self._settings.current
        wiring = Wiring(
            lamp_pin=current.lamp_pin, lamp_active=current.lamp_active, button_pin=current.button_pin,
            button_active=current.button_active, button_pull=current.button_pull,
        )  # fmt: skip
        is_real = current.front_panel == "real" or (current.front_panel == "auto" and self._opener.has_pins())
        return Opening(
            real=(lambda: self._opener.real(wiring, on_contact)) if is_real else None,
            simulated=lambda: self._opener.simulated(wiring, on_contact),
            brightness=current.lamp_brightness_percent / 100,
        )

    # On the thread

    def _work(self) -> None:
        self._look()
        while not self._stopping.is_set():
            try:
                told = self._inbox.get(timeout=_LOOK_S)
            except queue.Empty:
                told = None
            try:
                if told is not None:
                    self._hear(told)
                self._look()
            except Exception:
                log.exception("the front panel could not do what was asked")

    def _look(self) -> None:
        if self._stopping.is_set() or self._shuts_down:
            return
        try:
            row, reason = self._row_of()
        except Exception as error:
            log.debug("what the lamp is to show cannot be told", exc_info=error)
            words = f"what the lamp is to show cannot be told ({type(error).__name__}), so it shows what was so last"
            self._problems.raise_("lamp_unsure", _ABOUT, words, "it is tried again by itself", needs_you=False)
            return
        self._problems.clear("lamp_unsure", _ABOUT)
        self._is(row, reason)

    def _is(self, row: Lamp, reason: str) -> None:
        if (row, reason) == (self._row, self._reason):
            return
        if row != self._row:
            self._history.row(row, reason)
            self.board.show(ROWS[row])
        self._row, self._reason = row, reason
        self._changed()

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()

    def _hear(self, told: Told) -> None:
        match told:
            case Pressed():
                self._pressed_at = clock.now()
            case Released(step, held_s):
                self._problems.clear(_STUCK, _ABOUT)
                self._do(step, held_s)
            case Stuck():
                self._say_stuck()
            case Broken(error):
                self._say_broken(error)
            case Mended():
                self._error = None
                self._problems.clear(PinsUnavailable.code, _ABOUT)
        self._changed()

    def _do(self, step: ButtonStep | None, held_s: float) -> None:
        at = self._pressed_at or clock.now()
        if step is None or self._shuts_down:
            why = "the computer shuts down already" if self._shuts_down else "held for too long, or let go by itself: nothing is done"
            self._history.press(at, held_s, None, why, done=False)
            return
        try:
            result = self._deeds.of(step)()
        except (ApplianceError, OSError) as error:
            log.warning("the button was held for %.1f s (%s), and that failed: %s", held_s, step, error)
            self._history.press(at, held_s, step, str(error), done=False)
            self.board.flash(REFUSED)
            return
        log.info("the button was held for %.1f s: %s", held_s, result)
        self._history.press(at, held_s, step, result, done=True)
        if step is ButtonStep.SHUTDOWN:
            self._shuts_down = True
            self.board.show(SHUTTING_DOWN)
        else:
            self.board.flash(DONE)

    def _say_stuck(self) -> None:
        words = "the button of the front panel has been down for a minute: it is stuck, or wired or set the wrong way round"
        self._problems.raise_(_STUCK, _ABOUT, words, "free it, or check the wiring and the setting button_active", needs_you=False)

    def _say_broken(self, error: PinsUnavailable) -> None:
        self._error = str(error)
        self._problems.raise_(error.code, _ABOUT, f"the front panel is only simulated: {error.cause}", error.next_step, needs_you=False)


def _of(settings: Settings) -> Mapping[str, object]:
    return {name: getattr(settings, name) for name in _OF_SETTINGS}
