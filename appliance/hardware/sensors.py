"""What the computer tells of itself, read below a root: temperature, power, memory, load, wear of a card. What it does not tell is None.

Linux: Documentation/ABI/testing/sysfs-class-thermal, sysfs-bus-mmc (``life_time``), drivers/hwmon/raspberrypi-hwmon.c (``rpi_volt``).
Raspberry Pi OS has ``get_throttled`` besides; its bits are those of ``vcgencmd get_throttled``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROCESSOR = {"cpu-thermal", "cpu_thermal", "soc-thermal", "x86_pkg_temp", "cpu0-thermal"}
_UNDER_VOLTAGE, _CAPPED, _THROTTLED, _SOFT_LIMIT, _WAS_UNDER_VOLTAGE = (1 << bit for bit in (0, 1, 2, 3, 16))
_MILLI = 1000
_WEAR_STEP, _WORN_OUT = 0.1, 0x0B
_KIB = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Readings:
    """``card_wear_ratio``: at most that much of its life is used up; more than 1: all of it."""

    model: str | None = None
    temperature_c: float | None = None
    under_voltage: bool | None = None
    was_under_voltage: bool | None = None
    throttled: bool | None = None
    memory_bytes: int | None = None
    memory_available_bytes: int | None = None
    load_15_min: float | None = None
    card_wear_ratio: float | None = None


class Sensors:
    """Where things stand is looked up once; a look reads a handful of small files that no disk has."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._model = (_text(root / "proc/device-tree/model") or "").strip("\0 \n") or None
        self._temperature = next((zone / "temp" for zone in _zones(root) if _text(zone / "type") in _PROCESSOR), None)
        volts = (each for each in sorted(root.glob("sys/class/hwmon/hwmon*")) if _text(each / "name") == "rpi_volt")
        self._alarm = next((each / "in0_lcrit_alarm" for each in volts), None)
        firmware = [
            *root.glob("sys/devices/platform/*firmware/get_throttled"),
            *root.glob("sys/devices/platform/*/*firmware/get_throttled"),
        ]
        self._throttled = next(iter(firmware), None)
        self._wear = sorted(root.glob("sys/block/mmcblk*/device/life_time"))

    def read(self) -> Readings:
        millidegrees, alarm = _number(self._temperature), _number(self._alarm)
        bits = _number(self._throttled, base=16)
        memory = dict(re.findall(r"^(\w+):\s+(\d+) kB", _text(self._root / "proc/meminfo") or "", re.MULTILINE))
        load = (_text(self._root / "proc/loadavg") or "").split()
        under_voltage = [bool(alarm)] * (alarm is not None) + [bool((bits or 0) & _UNDER_VOLTAGE)] * (bits is not None)
        return Readings(
            model=self._model, temperature_c=None if millidegrees is None else millidegrees / _MILLI,
            under_voltage=any(under_voltage) if under_voltage else None,
            was_under_voltage=None if bits is None else bool(bits & _WAS_UNDER_VOLTAGE),
            throttled=None if bits is None else bool(bits & (_CAPPED | _THROTTLED | _SOFT_LIMIT)),
            memory_bytes=int(memory["MemTotal"]) * _KIB if "MemTotal" in memory else None,
            memory_available_bytes=int(memory["MemAvailable"]) * _KIB if "MemAvailable" in memory else None,
            load_15_min=float(load[2]) if len(load) > 2 else None,  # noqa: PLR2004 - the third of its numbers
            card_wear_ratio=max(self._wears(), default=None),
        )  # fmt: skip

    def _wears(self) -> Iterator[float]:
        """``0x01 0x02``: of two kinds of cells, in tenths begun; 0x0b is beyond its end, 0 is unknown."""
        for path in self._wear:
            for each in (_text(path) or "").split():
                step = int(each, 16) if re.fullmatch("0x[0-9a-fA-F]{1,2}", each) else 0
                if 0 < step <= _WORN_OUT:
                    yield round(step * _WEAR_STEP, 1)


def _zones(root: Path) -> list[Path]:
    return sorted(root.glob("sys/class/thermal/thermal_zone*"))


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:  # it is not there, or has no answer now
        return None


def _number(path: Path | None, base: int = 10) -> int | None:
    text = _text(path) if path else None
    try:
        return None if text is None else int(text, base)
    except ValueError:
        return None
