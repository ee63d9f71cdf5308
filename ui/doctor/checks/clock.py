"""The clock: before it is right nothing is judged by its age."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from ui.doctor.case import Case
from ui.doctor.finding import Finding, good, look, mend, skipped
from ui.words import clean

_BEFORE_US = 2026


def clock(case: Case) -> Iterator[Finding]:
    now = datetime.now(UTC)
    if now.year < _BEFORE_US:
        yield mend("date", f"the computer thinks it is {now:%Y-%m-%d}", "sudo timedatectl set-ntp true, and see that the network is there")
    yield _synchronised(case)
    # Where it does not, that is one of its problems.
    if case.told.online and not any(each["about"] == "clock" for each in case.told.problems):
        yield good("appliance's clock", "the appliance finds the clock right")


def _synchronised(case: Case) -> Finding:
    ran = case.machine.run("timedatectl", "show")
    facts = dict(line.split("=", 1) for line in ran.out.splitlines() if "=" in line) if ran and ran.status == 0 else {}
    if not facts:
        return skipped("time from the network", "whether the clock is set by the network is not known: timedatectl does not tell here")
    zone = clean(facts.get("Timezone") or "unknown")
    if facts.get("NTPSynchronized") == "yes":
        return good("time from the network", f"the clock is set by the network ({zone})")
    if facts.get("NTP") == "yes":
        return look(
            "time from the network",
            f"the clock was not set by the network yet ({zone})",
            "see that the network is there; then: timedatectl",
        )
    if case.told.setting("trust_clock"):
        return good("time from the network", f"nobody sets the clock ({zone}), and it is believed all the same: trust_clock is on")
    missing = facts.get("CanNTP") == "no"
    step = "sudo apt-get install systemd-timesyncd" if missing else "sudo timedatectl set-ntp true"
    return mend("time from the network", f"nobody sets the clock ({zone})", step)


def battery(case: Case) -> Iterator[Finding]:
    """A Pi without one does not know the time after a power cut, until the network tells it."""
    clocks = case.machine.glob("/sys/class/rtc/rtc*")
    if not clocks:
        yield skipped(
            "battery clock",
            "there is no battery clock: after a power cut the time is known when the network tells it, and nothing is judged by age before",
        )
        return
    model = clean(case.machine.text(f"{clocks[0]}/name") or "a clock")
    charge_uv = case.machine.number(f"{clocks[0]}/battery_voltage")
    if charge_uv is not None and "rpi" in model and charge_uv < 2_000_000:  # noqa: PLR2004 - a cell of 3 V that is empty, or none at all
        yield look(
            "battery clock",
            f"{model}: no battery, or an empty one ({charge_uv / 1e6:.1f} V)",
            "a battery at the Pi 5's connector J5 keeps the time over power cuts",
        )
    else:
        yield good("battery clock", f"there is a battery clock ({model}){'' if charge_uv is None else f', with {charge_uv / 1e6:.1f} V'}")
