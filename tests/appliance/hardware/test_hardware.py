"""What the computer tells: read below a root, said calmly, and turned into problems with a next step."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance import clock
from appliance.hardware import watch
from appliance.hardware.sensors import Sensors
from appliance.hardware.watch import HardwareWatch
from appliance.problems import Problems
from mqtt.messages import HardwareState
from tests.appliance.hardware.computers import Computer, a_pi_4
from tests.inside import Inside
from tests.waiting import at_best, wait_for


@pytest.fixture
def pi(tmp_path: Path) -> Computer:
    return a_pi_4(tmp_path / "pi")


@pytest.fixture
def problems() -> Problems:
    return Problems()


@pytest.fixture
def seen(pi: Computer, problems: Problems, monkeypatch: pytest.MonkeyPatch) -> HardwareWatch:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    return HardwareWatch(problems, Sensors(pi.root))


def codes(problems: Problems) -> dict[str, bool]:
    """Those that stand, and whether somebody is needed."""
    return {each.code: each.needs_you for each in problems.standing()}


def test_a_pi_tells_what_it_is_how_warm_and_how_busy(seen: HardwareWatch) -> None:
    assert seen.state() == HardwareState(
        model="Raspberry Pi 4 Model B Rev 1.5", temperature_c=52, under_voltage=False, under_voltage_lately=False, throttled=False,
        memory_bytes=3_885_592 * 1024, memory_used_ratio=0.2, load_ratio=0.0,
    )  # fmt: skip


def test_what_a_computer_does_not_tell_is_unknown_and_no_problem(tmp_path: Path, problems: Problems) -> None:
    assert HardwareWatch(problems, Sensors(tmp_path)).state() == HardwareState()
    odd = a_pi_4(tmp_path / "odd")
    odd.tell("sys/class/thermal/thermal_zone0/temp", "")
    odd.tell("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "no data\n")
    odd.tell("sys/devices/platform/soc/soc:firmware/get_throttled", "nonsense\n")
    odd.tell("proc/meminfo", "")
    odd.tell("proc/loadavg", "")
    odd.tell("sys/block/mmcblk0/device/life_time", "0x00 0xff junk")
    assert HardwareWatch(problems, Sensors(odd.root)).state() == HardwareState(model="Raspberry Pi 4 Model B Rev 1.5")
    assert codes(problems) == {}


@pytest.mark.parametrize(
    ("weak", "well"),
    [
        (lambda pi: pi.power(weak=True), lambda pi: pi.power(weak=False)),
        (lambda pi: pi.bits(0x50005), lambda pi: pi.bits(0)),
    ],
    ids=["hwmon", "get_throttled"],
)  # fmt: skip
def test_a_weak_supply_is_said_at_once_and_for_a_day(
    pi: Computer, seen: HardwareWatch, problems: Problems, monkeypatch: pytest.MonkeyPatch,
    weak: Callable[[Computer], None], well: Callable[[Computer], None],
) -> None:  # fmt: skip
    told: list[HardwareState] = []
    seen.on_change(lambda: told.append(seen.state()))
    weak(pi)
    seen.look()
    assert [(state.under_voltage, state.under_voltage_lately) for state in told] == [(True, True)]
    assert codes(problems) == {"under_voltage": False}
    assert "power supply that belongs" in problems.standing()[0].next_step
    well(pi)
    seen.look()
    assert (seen.state().under_voltage, seen.state().under_voltage_lately, codes(problems)) == (False, True, {"under_voltage": False})
    now_s = clock.monotonic_s()
    monkeypatch.setattr(clock, "monotonic_s", lambda: now_s + 86_400)
    seen.look()
    assert (seen.state().under_voltage_lately, codes(problems)) == (False, {})


def test_a_dip_that_the_firmware_remembers_is_said_also_after_it(pi: Computer, problems: Problems) -> None:
    pi.bits(0x10000)
    state = HardwareWatch(problems, Sensors(pi.root)).state()
    assert (state.under_voltage, state.under_voltage_lately) == (False, True)
    assert "since the computer was started" in problems.standing()[0].message


def test_heat_is_a_problem_at_80_degrees_until_75_and_is_told_without_a_word_for_each_degree(
    pi: Computer, seen: HardwareWatch, problems: Problems
) -> None:
    raised: list[str] = []
    problems.on_change(lambda what, problem: raised.append(f"{what} {problem.code}"))
    for degrees in (79.4, 80.1, 83.0, 78.0, 84.9, 75.2):
        pi.heat(degrees)
        seen.look()
    assert codes(problems) == {"too_hot": False}
    pi.heat(74.8)
    seen.look()
    assert raised == ["problem_raised too_hot", "problem_cleared too_hot"]


@pytest.mark.parametrize(
    ("life_time", "ratio", "needs_you"), [("0x01 0x08", 0.8, None), ("0x09 0x02", 0.9, False), ("0x03 0x0b", 1.1, True)]
)
def test_a_card_that_has_used_up_its_life_is_said_in_time(
    pi: Computer, problems: Problems, life_time: str, ratio: float, needs_you: bool | None
) -> None:
    pi.tell("sys/block/mmcblk1/device/life_time", f"{life_time}\n")
    assert HardwareWatch(problems, Sensors(pi.root)).state().card_wear_ratio == ratio
    assert codes(problems) == ({} if needs_you is None else {"card_worn": needs_you})


def test_an_hour_of_a_computer_that_is_busy_now_and_then_is_told_in_a_few_messages(pi: Computer, seen: HardwareWatch) -> None:
    told: list[HardwareState] = []
    seen.on_change(lambda: told.append(seen.state()))
    for look in range(360):
        pi.heat(52 + (look % 7) * 0.3)
        pi.memory(3_200_000 - (look % 5) * 40_000)
        pi.load(0.2 + (look % 9) * 0.15)
        seen.look()
    assert told == []


def test_a_look_costs_next_to_nothing(seen: HardwareWatch) -> None:
    def look_s() -> float:
        began_s = clock.monotonic_s()
        for _ in range(20):
            seen.look()
        return (clock.monotonic_s() - began_s) / 20

    assert at_best(look_s, 0.005) < 0.005  # each 10 s: at most a two-thousandth of one core, on a slow machine


def test_it_is_on_its_topic_with_the_rest_and_again_when_it_means_something_else(
    tmp_path: Path, pi: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(watch, "Sensors", lambda: Sensors(pi.root))
    with Inside(tmp_path / "data") as inside:
        topic = f"pyarchive/{inside.app.folder.appliance_id}/appliance/hardware"
        inside.app.reporter.publish_all_again()  # type: ignore[union-attr]  # attached by Inside
        wait_for(lambda: topic in inside.outbox.retained)
        assert json.loads(inside.outbox.retained[topic])["temperature_c"] == 52
        pi.power(weak=True)
        wait_for(lambda: json.loads(inside.outbox.retained[topic])["under_voltage"])
        assert "power supply" in inside.problems()["under_voltage"]
