"""What was measured, as a table for people and as JSON for programs."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.figures import Figure
from tests.benchmarks.machine import Machine

_MARKS = {True: "[green]met[/]", False: "[bold red]MISSED[/]", None: ""}


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One benchmark: its figures, the machine at its time, how long it took; or the reason why it failed."""

    benchmark: str
    machine: Machine
    figures: list[Figure]
    took_s: float
    failed: str = ""

    @property
    def good(self) -> bool:
        return not self.failed and all(figure.met is not False for figure in self.figures)

    def to_document(self) -> dict[str, Any]:
        return {
            "benchmark": self.benchmark, "machine": asdict(self.machine), "took_s": self.took_s, "failed": self.failed,
            "figures": [figure.to_document() for figure in self.figures],
        }  # fmt: skip


def show(results: list[Result]) -> None:
    """To standard output, as wide as it needs to be."""
    table = Table("benchmark", "figure", "value", "budget", "", "fsync ms", "copy MB/s", title=_where(), expand=False)
    for result in results:
        _add(table, result)
        table.add_section()
    Console(width=200).print(table)


def _add(table: Table, result: Result) -> None:
    beside = f"{result.machine.fsync_ms:.2f}", f"{result.machine.copy_mb_per_s:.0f}"
    if result.failed:
        table.add_row(result.benchmark, result.failed, "", "", "[bold red]FAILED[/]", *beside)
    for number, figure in enumerate(result.figures):
        name = result.benchmark if not number else ""
        what = f"{figure.name} ({figure.note})" if figure.note else figure.name
        table.add_row(name, what, f"{figure.value:.3g} {figure.unit}", figure.budget, _MARKS[figure.met], *beside)


def document(results: list[Result]) -> dict[str, Any]:
    return {
        "machine": {"cores": os.cpu_count(), "architecture": platform.machine(), "python": platform.python_version()},
        "good": all(result.good for result in results),
        "results": [result.to_document() for result in results],
    }


def _where() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
