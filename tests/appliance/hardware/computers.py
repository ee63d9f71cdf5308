"""Computers of a test: the files that a Raspberry Pi shows below /sys and /proc, in a folder."""

from __future__ import annotations

from pathlib import Path


class Computer:
    """``tell(path, text)``: from now on that file says so."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def tell(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def heat(self, degrees_c: float) -> None:
        self.tell("sys/class/thermal/thermal_zone0/temp", f"{degrees_c * 1000:.0f}\n")

    def power(self, *, weak: bool) -> None:
        self.tell("sys/class/hwmon/hwmon1/in0_lcrit_alarm", f"{weak:d}\n")

    def bits(self, bits: int) -> None:
        self.tell("sys/devices/platform/soc/soc:firmware/get_throttled", f"{bits:x}\n")

    def memory(self, available_kib: int) -> None:
        self.tell("proc/meminfo", f"MemTotal:        3885592 kB\nMemFree:          100000 kB\nMemAvailable:    {available_kib} kB\n")

    def load(self, of_15_min: float) -> None:
        self.tell("proc/loadavg", f"9.00 5.00 {of_15_min:.2f} 1/234 5678\n")


def a_pi_4(root: Path) -> Computer:
    """With Raspberry Pi OS, cool and well."""
    pi = Computer(root)
    pi.tell("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.5\0")
    pi.tell("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
    pi.tell("sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    pi.tell("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
    pi.tell("sys/block/mmcblk0/device/type", "SD\n")
    pi.heat(51.6)
    pi.power(weak=False)
    pi.bits(0)
    pi.memory(3_200_000)
    pi.load(0.2)
    return pi
