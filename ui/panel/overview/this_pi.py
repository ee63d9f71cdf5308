"""The computer under the appliance, where it tells something of itself: how warm, how busy, whether its power is good."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from ui.panel import here, parts


class ThisPi:
    """A list of what is told; ``card`` is hidden where that is nothing."""

    def __init__(self, card: ui.element) -> None:
        self._card = card
        self._model = parts.text("", "p").classes("pa-strong")
        self._words = parts.prose("").classes("pa-small")

    def show(self) -> None:
        live = here.live()
        state: dict[str, Any] = (live.get("appliance/hardware") if live.online else None) or {}
        words = in_words(state)
        self._card.set_visibility(bool(words))
        self._model.set(state.get("model") or "")
        self._model.set_visibility(bool(state.get("model")))  # the card is named after this computer already
        self._words.show(words)


def in_words(state: dict[str, Any]) -> str:
    """``52 °C. Power is good. Memory: 20 % used. Load: 50 %.``; nothing of what is not told."""
    told = [_temperature(state), _power(state), _percent("Memory", state.get("memory_used_ratio"), " used")]
    told += [_percent("Load", state.get("load_ratio"), ""), _percent("Card", state.get("card_wear_ratio"), " of its life used up")]
    return " ".join(f"{each}." for each in told if each)


def _temperature(state: dict[str, Any]) -> str:
    degrees = state.get("temperature_c")
    return "" if degrees is None else f"{degrees} °C{', slowed down' if state.get('throttled') else ''}"


def _power(state: dict[str, Any]) -> str:
    if state.get("under_voltage") is None:
        return ""
    if state["under_voltage"]:
        return "The power supply is too weak"
    return "The power supply was too weak lately" if state.get("under_voltage_lately") else "Power is good"


def _percent(name: str, ratio: float | None, what: str) -> str:
    return "" if ratio is None else f"{name}: {ratio * 100:.0f} %{what}"
