"""The whole examination: finds the appliance that is meant, runs all checks, and tells what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ui.client_settings import NOT_ALLOWED, ClientSettings, data_folder, find
from ui.doctor import report
from ui.doctor.case import Case
from ui.doctor.checks.appliance import our_version
from ui.doctor.examining import LONGEST_S, Check, examine
from ui.doctor.finding import Finding, Level
from ui.doctor.listed import CHECKS
from ui.doctor.machine import Machine
from ui.doctor.redaction import Redaction
from ui.errors import Failed

Found = list[tuple[Check, list[Finding]]]


class Doctor:
    """``data``: an explicit --data. ``machine``: a prepared one in tests. Raises nothing of what is wrong: it is told."""

    def __init__(self, environment: Mapping[str, str], data: Path | None, machine: Machine | None = None) -> None:
        settings, why_not = _settings(environment, data)
        self.case = Case(
            machine=machine or Machine(), settings=settings, why_not=str(why_not or ""), allowed=not why_not or why_not.code != NOT_ALLOWED,
            data=data_folder(environment, data),
        )  # fmt: skip
        known = [settings.password] if settings else []
        self._hide = Redaction([*known, *(value for name, value in environment.items() if _is_secret(name))])

    def examine(self, checks: Sequence[Check] = CHECKS, longest_s: float = LONGEST_S) -> Found:
        return report.redacted(examine(self.case, checks, longest_s), self._hide)

    def say(self, found: Found) -> None:
        place = self.case.place
        report.say(self._hide(f"PyArchive {our_version()}, {place.words}, data in {place.data}"), found)

    def document(self, found: Found) -> dict[str, Any]:
        place = self.case.place
        head = {
            "version": our_version(), "place": place.kind, "data": self._hide(str(place.data)), "checked_at": datetime.now(UTC).isoformat(),
            "appliance_id": self.case.settings.appliance_id if self.case.settings else None,
        }  # fmt: skip
        return report.document(head, found)

    def must_mend(self, found: Found) -> bool:
        return bool(report.counts(found)[Level.MEND])


def _settings(environment: Mapping[str, str], data: Path | None) -> tuple[ClientSettings | None, Failed | None]:
    try:
        return find(environment, data), None
    except Failed as error:
        return None, error


def _is_secret(name: str) -> bool:
    return any(word in name.upper() for word in ("PASSWORD", "TOKEN", "SECRET"))
