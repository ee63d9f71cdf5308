"""Pins: how they are wired, and what is said when they cannot be used."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.front_panel import pins as pins_module
from appliance.front_panel.pins import Opener, Pins, PinsUnavailable, Wiring, open_real, open_simulated
from appliance.settings import SettingsError, SettingsStore
from tests.appliance.front_panel.bench import Bench
from tests.waiting import wait_for

_HANDLE = 7


class LgError(Exception):
    """As lgpio's own: its text is quoted."""

    def __str__(self) -> str:
        return repr(str(self.args[0]))


class FakeLgpio(types.ModuleType):
    """lgpio, as far as gpiozero's factory for it calls it; keeps what was asked. ``opens`` and ``claims``: errors instead."""

    SET_PULL_NONE, SET_PULL_UP, SET_PULL_DOWN = 64, 32, 128
    SET_BIAS_DISABLE, SET_BIAS_PULL_UP, SET_BIAS_PULL_DOWN = 64, 32, 128
    BOTH_EDGES, RISING_EDGE, FALLING_EDGE = 3, 1, 2
    error = LgError

    def __init__(self) -> None:
        super().__init__("lgpio")
        self.asked: list[tuple[Any, ...]] = []
        self.opens: str | None = None
        self.claims: str | None = None
        self.writes: str | None = None
        self.modes: dict[int, int] = {}
        self.levels: dict[int, int] = {}

    def gpiochip_open(self, chip: int) -> int:
        if self.opens:
            raise LgError(self.opens)
        return _HANDLE

    def gpiochip_close(self, handle: int) -> None:
        self.asked.append(("close",))

    def gpio_claim_input(self, handle: int, gpio: int, flags: int = 0) -> None:
        if self.claims:
            raise LgError(self.claims)
        self.modes[gpio] = flags
        self.levels[gpio] = int(flags == self.SET_PULL_UP)

    def gpio_claim_output(self, handle: int, gpio: int, level: int = 0) -> None:
        self.modes[gpio] = 2

    def gpio_claim_alert(self, handle: int, gpio: int, edges: int, flags: int = 0) -> None:
        self.asked.append(("alert", gpio, edges))

    def gpio_free(self, handle: int, gpio: int) -> None:
        self.modes.pop(gpio, None)

    def gpio_get_mode(self, handle: int, gpio: int) -> int:
        return self.modes.get(gpio, 0)

    def gpio_read(self, handle: int, gpio: int) -> int:
        return self.levels.get(gpio, 0)

    def gpio_write(self, handle: int, gpio: int, level: int) -> None:
        if self.writes:
            raise LgError(self.writes)
        self.levels[gpio] = level
        self.asked.append(("write", gpio, int(level)))

    def tx_pwm(self, handle: int, gpio: int, hz: float, duty: float) -> None:
        self.asked.append(("pwm", gpio, hz, duty))

    def gpio_set_debounce_micros(self, handle: int, gpio: int, micros: int) -> None:
        self.asked.append(("debounce", gpio, micros))

    def callback(self, handle: int, gpio: int, edges: int, call: Any) -> Any:
        return types.SimpleNamespace(cancel=lambda: None)


@pytest.fixture
def lgpio(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLgpio]:
    """A computer that is a Pi 4, as far as gpiozero and we can see."""
    fake = FakeLgpio()
    monkeypatch.setitem(sys.modules, "lgpio", fake)
    monkeypatch.delitem(sys.modules, "gpiozero.pins.lgpio", raising=False)
    import gpiozero.pins.local  # type: ignore[import-untyped]  # noqa: PLC0415 - it has no types; only this test needs it

    monkeypatch.setattr(gpiozero.pins.local, "get_pi_revision", lambda: 0xC03111)
    yield fake
    sys.modules.pop("gpiozero.pins.lgpio", None)


def opened(**wiring: Any) -> tuple[Pins, list[bool]]:
    seen: list[bool] = []
    return open_simulated(Wiring(**wiring), seen.append), seen


@pytest.mark.parametrize(("active", "lit", "dark"), [("high", 1.0, 0.0), ("low", 0.0, 1.0)])
def test_the_lamp_is_lit_at_the_level_that_is_set(active: str, lit: float, dark: float) -> None:
    pins, _ = opened(lamp_active=active)
    for level, wanted in ((1, lit), (0, dark), (1, lit)):
        pins.light(level)
        assert pins.lamp_states[-1][1] == wanted
    pins.close()


@pytest.mark.parametrize(("active", "pull"), [("low", True), ("high", True), ("low", False), ("high", False)])
def test_the_button_is_down_at_the_level_that_is_set(active: str, pull: bool) -> None:
    pins, seen = opened(button_active=active, button_pull=pull)
    assert not pins.is_closed()
    pins.push(closed=True)
    assert pins.is_closed()
    pins.push(closed=False)
    assert seen[-2:] == [True, False]
    pins.close()


def test_a_mock_pin_remembers_no_more_than_a_thousand_levels() -> None:
    pins, _ = opened()
    for number in range(3000):
        pins.light(number % 2)
    assert len(pins.lamp_states) == 1000
    pins.close()


def test_a_pis_pins_are_claimed_dimmed_by_pulses_only_while_that_is_needed_and_freed(lgpio: FakeLgpio, tmp_path: Path) -> None:
    pins = open_real(Wiring(), lambda _: None, tmp_path)
    assert (pins.can_dim, pins.simulated) == (True, False)
    assert lgpio.modes[27] & lgpio.SET_PULL_UP
    assert ("alert", 27, lgpio.BOTH_EDGES) in lgpio.asked
    lgpio.asked.clear()
    pins.modulate(False)
    pins.light(1)
    pins.modulate(True)
    pins.light(0.25)
    pins.modulate(False)
    pins.light(0)
    assert lgpio.asked == [
        ("write", 17, 1), ("pwm", 17, 100, 0), ("pwm", 17, 100, 25), ("pwm", 17, 0, 0), ("write", 17, 0),
    ]  # fmt: skip
    pins.close()
    assert lgpio.asked[-1] == ("close",)
    assert lgpio.modes[17] == lgpio.SET_PULL_NONE


@pytest.mark.parametrize(
    ("kind", "text", "cause", "step"),
    [
        ("claims", "GPIO busy", "used by another program", "lamp_pin"),
        ("claims", "bad GPIO number", "GPIO 17", "button_pin"),
        ("opens", "can not open gpiochip", "GPIO pins", "simulated"),
    ],
)  # fmt: skip
def test_what_keeps_a_pis_pins_from_working_is_said_with_the_next_step(
    lgpio: FakeLgpio, tmp_path: Path, kind: str, text: str, cause: str, step: str
) -> None:
    setattr(lgpio, kind, text)
    with pytest.raises(PinsUnavailable) as raised:
        open_real(Wiring(), lambda _: None, tmp_path)
    assert cause in raised.value.cause
    assert step in raised.value.next_step


def test_a_user_who_may_not_use_the_chip_is_told_the_group(lgpio: FakeLgpio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lgpio.opens = "can not open gpiochip"
    monkeypatch.setattr(Path, "glob", lambda *_: [Path("/proc/nothing/gpiochip0")])
    with pytest.raises(PinsUnavailable, match=r"may not use .*gpiochip0; add it to the group gpio"):
        open_real(Wiring(), lambda _: None, tmp_path)


def test_a_package_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lgpio", None)
    with pytest.raises(PinsUnavailable, match=r"package lgpio, .* install the appliance again"):
        open_real(Wiring(), lambda _: None, tmp_path)


def test_lgpio_keeps_the_process_in_its_folder_and_leaves_no_pipe(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "wd").mkdir()
    imitation = "import os\nos.chdir(os.environ['LG_WD'])\nos.mkfifo('.lgd-nfy0')\n"
    (tmp_path / "site" / "lgpio.py").write_text(imitation)  # what lgpio 0.2.2 does when it is imported
    code = (
        "import sys, os, pathlib; from appliance.front_panel.pins import _import_lgpio; before = os.getcwd();"
        "_import_lgpio(pathlib.Path(sys.argv[1])); print(os.getcwd() == before, os.listdir(sys.argv[1]))"
    )
    path = os.pathsep.join([str(tmp_path / "site"), str(Path(pins_module.__file__).parents[2])])
    environment = os.environ | {"PYTHONPATH": path}
    ended = subprocess.run([sys.executable, "-c", code, tmp_path / "wd"], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "True []"


class MendedLater(Opener):
    """Real pins that cannot be opened at first; then mock pins that claim to be real."""

    failures = 1

    def has_pins(self) -> bool:
        return True

    def real(self, wiring: Wiring, on_contact: Any) -> Pins:
        if self.__class__.failures > 0:
            self.__class__.failures -= 1
            raise PinsUnavailable("another program has the pins", "end it")
        pins = self.simulated(wiring, on_contact)
        pins.simulated = False
        return pins


def test_pins_that_fail_are_a_problem_are_simulated_meanwhile_and_mended_by_themselves(tmp_path: Path) -> None:
    MendedLater.failures = 1
    with Bench(tmp_path, opener=MendedLater(tmp_path)) as bench:
        assert "another program has the pins; end it" in bench.problem("front_panel")
        assert bench.panel.state().simulated
        assert bench.panel.state().error == "another program has the pins; end it"
        bench.panel.press(0.05)
        wait_for(lambda: bench.done == ["sync"], what="a press while it is simulated")
        wait_for(lambda: not bench.problems.standing(), what="the pins to be mended")
        wait_for(lambda: not bench.panel.state().simulated and bench.panel.state().error is None, what="real pins")
        bench.panel.press(0.05)
        wait_for(lambda: bench.done == ["sync", "sync"], what="a press from afar on real pins")


def test_a_lamp_that_fails_while_it_runs_is_reported_and_opened_again(tmp_path: Path) -> None:
    MendedLater.failures = 0
    with Bench(tmp_path, opener=MendedLater(tmp_path)) as bench:
        old = bench.pins

        def fail(level: float) -> None:
            raise OSError(5, "Input/output error")

        old.light = fail  # type: ignore[method-assign]  # a line that the kernel has taken away
        assert "Input/output error" in bench.problem("front_panel")
        wait_for(lambda: not bench.problems.standing(), what="the pins to be opened again")
        assert bench.pins is not old
        bench.press(0.05)
        assert bench.done == ["sync"]


def test_no_library_at_all_is_said_and_the_rest_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiozero.pins.mock", None)
    bench = Bench(tmp_path)
    bench.panel.start()
    assert "gpiozero" in bench.problem("front_panel")
    assert (bench.panel.state().lamp, bench.panel.state().simulated) == ("idle", True)
    bench.panel.stop(2.0)


def test_a_change_of_the_settings_is_in_force_at_once(tmp_path: Path) -> None:
    with Bench(tmp_path) as bench:
        bench.row = ("waiting", "paused")
        wait_for(lambda: bench.levels()[-1] == 1, what="steady light")
        bench.settings.set("lamp_active", "low")
        bench.settings.set("lamp_brightness_percent", 40)
        wait_for(lambda: bench.panel.board.pins and bench.levels()[-1] == pytest.approx(0.6), what="the other polarity, dimmed")
        bench.press(0.05)
        assert bench.done == ["sync"]


def test_lamp_and_button_on_one_pin_are_refused() -> None:
    with pytest.raises(SettingsError, match="cannot both be at GPIO 27"):
        SettingsStore({"PYARCHIVE_LAMP_PIN": "27"})
    with pytest.raises(SettingsError, match="button_pin"):
        SettingsStore({"PYARCHIVE_BUTTON_PIN": "40"})
