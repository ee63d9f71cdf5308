"""Lamp and button: what the appliance says of them, and who else holds their pins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ui.doctor.case import Case
from ui.doctor.finding import Finding, good, look, mend, skipped
from ui.words import clean

_GUIDE = "docs/front-panel.md, When something does not work"


def pins(case: Case) -> Iterator[Finding]:
    told = case.told
    state: Any = told.messages.get("frontpanel/state")
    if not told.online or not isinstance(state, dict):
        yield skipped("pins", "how lamp and button are is not known while the appliance is not online")
        return
    wired = f"lamp at GPIO {told.setting('lamp_pin')}, button at GPIO {told.setting('button_pin')}"
    if state.get("error"):
        yield mend("pins", f"the pins cannot be used: {clean(state['error'])}", _GUIDE)
    elif state["simulated"]:
        yield good("pins", "lamp and button are simulated: the panel and `pyarchive press` are both")
    else:
        yield good("pins", f"{wired}: open, and real")
    if told.setting("shutdown_enabled"):
        yield _power_off(case)


def _power_off(case: Case) -> Finding:
    rules = case.machine.glob("/etc/polkit-1/rules.d/*pyarchive*")
    if rules or not case.place.installed:
        return good("shutdown", "a hold of 10 s shuts the computer down")
    return mend("shutdown", "a hold of 10 s is to shut the computer down, and no rule allows it",
                "docs/front-panel.md, Shutting down; or: pyarchive settings set shutdown_enabled false")  # fmt: skip


def holders(case: Case) -> Iterator[Finding]:
    """The kernel's list of pins in use; it is for root."""
    text = case.machine.text("/sys/kernel/debug/gpio")
    if not text:
        yield skipped("pin holders", "who holds the pins is not known: there are none, or root alone may see it")
        return
    for name in ("lamp_pin", "button_pin"):
        number = case.told.setting(name)
        holder = _holder(text, number) if number is not None else None
        if holder and holder not in {"lg", "gpiozero"}:
            yield look("pin holders", f"GPIO {number} ({name.removesuffix('_pin')}) is held by {clean(holder)}",
                       f"end that program or overlay, or choose another pin: pyarchive settings set {name} NUMBER")  # fmt: skip
            return
    yield good("pin holders", "nobody else holds the pins of lamp and button")


def _holder(text: str, number: int) -> str | None:
    """`` gpio-529 (GPIO17              |lg                  ) in  hi``"""
    found = re.search(rf"\(GPIO{number}\s*\|\s*([^)]*?)\s*\)", text)
    return found[1] if found else None
