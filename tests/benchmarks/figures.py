"""A measured figure, its budget, and the order to measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One measured value. Without a budget (neither ``at_most`` nor ``at_least``) it is there to be looked at."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """None where there is no budget."""
        if self.at_most is None and self.at_least is None:
            return None
        return (self.at_most is None or self.value <= self.at_most) and (self.at_least is None or self.value >= self.at_least)

    @property
    def budget(self) -> str:
        limits = (("<=", self.at_most), (">=", self.at_least))
        return " ".join(f"{sign} {limit:g}" for sign, limit in limits if limit is not None)

    def to_document(self) -> dict[str, Any]:
        return {
            "name": self.name, "value": self.value, "unit": self.unit, "at_most": self.at_most, "at_least": self.at_least,
            "met": self.met, "note": self.note,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """Where to measure (an empty folder that goes afterwards), and whether a smaller form will do."""

    folder: Path
    small: bool


Measure = Callable[[Order], list[Figure]]


def seconds(work: Callable[[], object]) -> float:
    """How long it took."""
    start_s = perf_counter()
    work()
    return perf_counter() - start_s


def ratio_of_pairs(pairs: int, one: Callable[[], float], other: Callable[[], float]) -> tuple[float, float, float]:
    """Medians of one/other, one and other. The two are measured in turn, each first every other time: what disturbs, disturbs both."""
    ones: list[float] = []
    others: list[float] = []
    for number in range(pairs):
        for measure, kept in ((one, ones), (other, others))[:: 1 if number % 2 else -1]:
            kept.append(measure())
    ratios = [a / b for a, b in zip(ones, others, strict=True)]
    return median(ratios), median(ones), median(others)
