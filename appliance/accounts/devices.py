"""What a browser says it is, in words for the list of sessions."""

from __future__ import annotations

_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"),
             ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"))  # fmt: skip
_SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "Mac"),
            ("CrOS", "Chromebook"), ("Linux", "Linux"))  # fmt: skip
UNKNOWN = "an unknown device"


def device_of(agent: str | None) -> str:
    """``Firefox on Android``. Only our own words come out, whatever stands in the header."""
    browser = _first(_BROWSERS, agent or "")
    system = _first(_SYSTEMS, agent or "")
    return " on ".join(each for each in (browser, system) if each) or UNKNOWN


def _first(known: tuple[tuple[str, str], ...], agent: str) -> str | None:
    return next((name for mark, name in known if mark in agent), None)
