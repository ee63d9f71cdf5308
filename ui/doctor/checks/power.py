"""Power supply and temperature, where the computer tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ui.doctor.case import Case
from ui.doctor.finding import Finding, good, look, mend, skipped
from ui.words import clean

_SUPPLY = "use the Pi's own power supply (Pi 5: 5 V 5 A, Pi 4: 5 V 3 A), a short thick cable, and a powered hub for a USB disk"
_NOW = {0: "the voltage is too low", 1: "its clock is held down", 2: "it is throttled", 3: "it is too hot"}
_UNDER_VOLTAGE, _SINCE_START = 0, 16
_WARM_C, _HOT_C = 75, 82


def supply(case: Case) -> Iterator[Finding]:
    """Bits of vcgencmd: 0 to 3 now, 16 to 19 since the start (Raspberry Pi documentation, get_throttled)."""
    told = case.told.hardware
    if told.get("under_voltage") is not None:
        yield _of_appliance(told)
        return
    bits = _throttled(case)
    if bits is None:
        yield _of_hwmon(case)
        return
    now = [words for bit, words in _NOW.items() if bits >> bit & 1]
    since = [words for bit, words in _NOW.items() if bits >> (bit + _SINCE_START) & 1]
    if bits & 1:
        yield mend("power", f"the power supply is too weak: {', '.join(now)}, now", _SUPPLY)
    elif bits >> _SINCE_START & 1:
        yield mend("power", "the power supply is too weak: the voltage was too low since the start", _SUPPLY)
    elif now or since:
        yield look("power", f"the computer was slowed down: {', '.join(now or since)}", "give it air, or a heat sink")
    else:
        yield good("power", "the voltage was never too low since the start")


def _of_appliance(told: dict[str, Any]) -> Finding:
    """It looks every ten seconds, and remembers for a day."""
    if told["under_voltage"] or told.get("under_voltage_lately"):
        when = "now" if told["under_voltage"] else "lately"
        return mend("power", f"the power supply is too weak: the voltage is too low, {when}", _SUPPLY)
    return good("power", "the voltage was high enough all day")


def _throttled(case: Case) -> int | None:
    ran = case.machine.run("vcgencmd", "get_throttled")
    if ran is None or "=" not in ran.out:
        return None
    try:
        return int(ran.out.strip().split("=")[1], 16)
    except ValueError:
        return None


def _of_hwmon(case: Case) -> Finding:
    for path in case.machine.glob("/sys/class/hwmon/hwmon*/name"):
        if case.machine.text(path) == "rpi_volt":
            low = case.machine.number(path.replace("/name", "/in0_lcrit_alarm"))
            return (
                mend("power", "the power supply is too weak: the voltage is too low", _SUPPLY)
                if low
                else good("power", "the voltage is high enough")
            )
    return skipped("power", "whether the power supply is strong enough is not known: this computer does not tell")


def temperature(case: Case) -> Iterator[Finding]:
    """The hottest of what the kernel knows."""
    known = case.told.hardware.get("temperature_c")
    degrees = [known] if known is not None else _measured(case)
    if not degrees:
        yield skipped("temperature", "how warm it is is not known: this computer does not tell")
        return
    text = f"it is {max(degrees):.0f} °C warm inside"
    if max(degrees) >= _HOT_C:
        yield mend("temperature", f"{text}: it slows down, and lives shorter", "give it air, a heat sink or a fan")
    elif max(degrees) >= _WARM_C:
        yield look("temperature", text, "give it more air")
    else:
        yield good("temperature", text)


def _measured(case: Case) -> list[float]:
    known = [case.machine.number(path) for path in case.machine.glob("/sys/class/thermal/thermal_zone*/temp")]
    return [value / 1000 for value in known if value is not None]


def model(case: Case) -> Iterator[Finding]:
    found = case.machine.text("/proc/device-tree/model")
    if found:
        yield good("model", clean(found))
    else:
        yield skipped("model", "this is no Raspberry Pi")
