"""The pins of lamp and button: a Pi's by gpiozero and lgpio, elsewhere gpiozero's mock pins. Nothing else imports either.

gpiozero (it has no types) is imported when pins are opened: it takes memory, and where it is missing all else goes on.
"""

from __future__ import annotations

import getpass
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance import durable
from appliance.errors import ApplianceError

_REVISION = Path("/proc/device-tree/system/linux,revision")
_PWM_HZ = 100
_REMEMBERED = 1000
_NOTIFY = ".lgd-nfy0"


class PinsUnavailable(ApplianceError):
    """The pins cannot be used; the text says why, ``next_step`` what to do."""

    code = "front_panel"
    retriable = True

    def __init__(self, cause: str, next_step: str) -> None:
        super().__init__(f"{cause}; {next_step}")
        self.cause = cause
        self.next_step = next_step


@dataclass(frozen=True, kw_only=True, slots=True)
class Wiring:
    """``…_active``: the level at which the lamp is lit, or the button down. ``button_pull``: the Pi's own resistor holds it up or down."""

    lamp_pin: int = 17
    lamp_active: str = "high"
    button_pin: int = 27
    button_active: str = "low"
    button_pull: bool = True


class Pins:
    """Open pins. ``on_contact(closed)`` is called on a thread of the library, and must only enqueue. Errors are those of the library."""

    def __init__(self, factory: Any, wiring: Wiring, on_contact: Callable[[bool], None], *, simulated: bool) -> None:
        self.simulated = simulated
        self._factory = factory
        self._wiring = wiring
        self._lamp: Any = None
        self._button: Any = None
        try:
            self._lamp = self._open_lamp()
            self._button = self._open_button()
        except BaseException:
            self.close()
            raise
        self._button.when_activated = lambda: on_contact(True)
        self._button.when_deactivated = lambda: on_contact(False)

    def _open_lamp(self) -> Any:
        from gpiozero import LED, PWMLED, PinPWMUnsupported  # type: ignore[import-untyped]  # noqa: PLC0415 - as said at the top

        wiring: dict[str, Any] = {"active_high": self._wiring.lamp_active == "high", "pin_factory": self._factory}
        try:
            lamp = PWMLED(self._wiring.lamp_pin, frequency=_PWM_HZ, **wiring)
        except PinPWMUnsupported:
            self.can_dim = False
            return LED(self._wiring.lamp_pin, **wiring)
        self.can_dim = True
        lamp.frequency = None
        return lamp

    def _open_button(self) -> Any:
        from gpiozero import DigitalInputDevice  # noqa: PLC0415 - as said at the top

        is_low, pulls = self._wiring.button_active == "low", self._wiring.button_pull
        # With its own resistor gpiozero knows the active level by itself, and wants not to be told.
        wiring = {"pull_up": is_low} if pulls else {"pull_up": None, "active_state": not is_low}
        return DigitalInputDevice(self._wiring.button_pin, pin_factory=self._factory, **wiring)

    def modulate(self, dims: bool) -> None:
        """Levels between dark and bright are to come, or none: then no pulses wake a Pi 100 times a second."""
        if self.can_dim and dims != (self._lamp.frequency is not None):
            self._lamp.frequency = _PWM_HZ if dims else None

    def light(self, level: float) -> None:
        """A share of the current, 0 to 1; 0 or 1 where pulses are off."""
        self._lamp.value = level

    def is_closed(self) -> bool:
        """The button's contact, now."""
        return bool(self._button.is_active)

    def push(self, *, closed: bool) -> None:
        """Simulated pins only: the contact closes or opens, as a finger would do it."""
        pin = self._button.pin
        pin.drive_low() if closed == (self._wiring.button_active == "low") else pin.drive_high()

    def close(self) -> None:
        """The pins are inputs again, so the lamp is dark."""
        for device in (self._lamp, self._button):
            if device is not None:
                device.close()
        self._factory.close()

    @property
    def lamp_states(self) -> list[tuple[float, float]]:
        """Simulated pins only: the levels that the lamp's pin had lately, each after so many seconds of the one before; at most 1,000."""
        return [(float(state.timestamp), float(state.state)) for state in self._lamp.pin.states]


@dataclass(frozen=True, slots=True)
class Opener:
    """How this computer's pins are opened. ``folder``: where lgpio may make a pipe for a moment."""

    folder: Path

    def has_pins(self) -> bool:
        """Whether the computer is a Raspberry Pi."""
        return _REVISION.exists()

    def real(self, wiring: Wiring, on_contact: Callable[[bool], None]) -> Pins:
        """Raises PinsUnavailable."""
        return open_real(wiring, on_contact, self.folder)

    def simulated(self, wiring: Wiring, on_contact: Callable[[bool], None]) -> Pins:
        """Raises PinsUnavailable."""
        return open_simulated(wiring, on_contact)


def open_simulated(wiring: Wiring, on_contact: Callable[[bool], None]) -> Pins:
    """Raises PinsUnavailable."""
    try:
        from gpiozero.pins.mock import MockFactory, MockPWMPin  # type: ignore[import-untyped]  # noqa: PLC0415 - as said at the top
    except ImportError as error:
        raise _not_installed(error) from error

    class BoundedPin(MockPWMPin):  # type: ignore[misc]  # gpiozero has no types
        """A mock pin remembers every level it had; an appliance that runs for months must not."""

        states: Any

        def clear_states(self) -> None:
            super().clear_states()
            self.states = deque(self.states, maxlen=_REMEMBERED)

    try:
        pins = Pins(MockFactory(pin_class=BoundedPin), wiring, on_contact, simulated=True)
    except Exception as error:
        raise _in_words(error, wiring) from error
    pins.push(closed=False)  # without a resistor of its own a mock pin rests at low
    return pins


def open_real(wiring: Wiring, on_contact: Callable[[bool], None], folder: Path) -> Pins:
    """``folder``: where lgpio may make a pipe for a moment. Raises PinsUnavailable."""
    try:
        _import_lgpio(folder)
        from gpiozero.pins.lgpio import LGPIOFactory  # type: ignore[import-untyped]  # noqa: PLC0415 - as said at the top
    except ImportError as error:
        raise _not_installed(error) from error
    except OSError as error:
        raise PinsUnavailable(f"lgpio cannot be started in {folder}: {error}", "check that the folder can be written to") from error
    try:
        return Pins(LGPIOFactory(), wiring, on_contact, simulated=False)
    except Exception as error:
        raise _in_words(error, wiring) from error


def _import_lgpio(folder: Path) -> None:
    """It makes a pipe where it works, makes that its process's folder, and needs neither once both ends of the pipe are open."""
    before = Path.cwd()
    os.environ.setdefault("LG_WD", str(folder))
    try:
        import lgpio  # type: ignore[import-not-found,unused-ignore]  # noqa: F401, PLC0415 - a Pi has it, other computers need not
    finally:
        os.chdir(before)
    durable.unlink(Path(os.environ["LG_WD"], _NOTIFY), missing_ok=True)


def _not_installed(error: ImportError) -> PinsUnavailable:
    what = error.name or str(error)
    return PinsUnavailable(
        f"the Python package {what.partition('.')[0]}, which moves the pins, is not in the appliance's environment",
        "install the appliance again (`./install.sh`), or set front_panel to simulated",
    )


def _in_words(error: Exception, wiring: Wiring) -> PinsUnavailable:
    """What the libraries raise, as a cause and a next step."""
    text = str(error).strip("'\"")
    if "busy" in text.lower():
        return PinsUnavailable(
            f"GPIO {wiring.lamp_pin} or {wiring.button_pin} is used by another program",
            "end that program, or choose other pins (settings lamp_pin and button_pin)",
        )
    if "can not open gpiochip" in text or isinstance(error, PermissionError):
        return _no_access()
    if type(error).__name__ == "PinUnknownPi":
        return PinsUnavailable("this computer is no Raspberry Pi that gpiozero knows", "set front_panel to simulated or auto")
    return PinsUnavailable(
        f"the pins GPIO {wiring.lamp_pin} (lamp) and {wiring.button_pin} (button) cannot be used: {type(error).__name__}: {text}",
        "check the settings lamp_pin, button_pin and button_pull, then the wiring",
    )


def _no_access() -> PinsUnavailable:
    chips = sorted(Path("/dev").glob("gpiochip*"))
    locked = [chip for chip in chips if not os.access(chip, os.R_OK | os.W_OK)]
    if not chips:
        return PinsUnavailable("this computer has no GPIO pins (/dev/gpiochip*)", "set front_panel to simulated or auto")
    if locked:
        user = getpass.getuser()
        step = f"add it to the group gpio (`sudo usermod -aG gpio {user}`), then start the appliance again"
        return PinsUnavailable(f"the user {user} may not use {locked[0]}", step)
    return PinsUnavailable(f"{chips[0]} cannot be opened", "start the computer again; if that does not help, look at `dmesg`")
