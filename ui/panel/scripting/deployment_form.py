"""Asking when a script is to run. What is wrong is said beside the fields, and the dialog stays."""

from __future__ import annotations

import shlex
import zoneinfo
from typing import Any

from nicegui import ui

from ui.errors import Failed
from ui.panel import here, parts
from ui.panel.scripting import words

_WAYS = {
    "second": "Every so many seconds",
    "minute": "Every so many minutes",
    "hour": "Every so many hours",
    "cron": "At certain times (cron)",
}
_OWN_ZONE = "The appliance's own"
_CRON_HELP = "Minute, hour, day of the month, month, day of the week. 30 3 * * mon-fri is half past three on workdays."


async def ask_deployment(script: str, deployment: dict[str, Any] | None) -> bool:
    """Whether one was saved."""
    with ui.dialog() as dialog, ui.card().classes("pa-dialog"):
        parts.text("Change when it runs" if deployment else "Deploy it", "h2").classes("pa-card-title")
        form = DeploymentForm(deployment)
        notice = parts.notice()

        async def go() -> None:
            if await notice.attempt(lambda: _save(script, deployment, form)):
                dialog.submit(True)

        with ui.element("div").classes("pa-dialog-actions"):
            cancel = ui.button("Cancel", on_click=lambda: dialog.submit(False), color=None)
            cancel.props("no-caps flat").classes("pa-button pa-button-quiet")
            parts.action("Save" if deployment else "Deploy", go, kind="main")
    answer = await dialog
    dialog.delete()
    return bool(answer)


async def _save(script: str, deployment: dict[str, Any] | None, form: DeploymentForm) -> None:
    await here.ask("deployment/save", id=deployment["id"] if deployment else None, script=script, **form.parameters())


class DeploymentForm:
    def __init__(self, deployment: dict[str, Any] | None) -> None:
        given = deployment or {
            "every_s": 3600.0,
            "cron": None,
            "time_zone": None,
            "overlap": "skip",
            "catch_up": "no",
            "arguments": [],
            "enabled": True,
        }
        amount, unit = (1.0, "cron") if given["cron"] else words.in_units(given["every_s"])
        self._way = self._choice("When", _WAYS, unit)
        self._amount = ui.number("How many", value=amount, min=1, on_change=None).props("outlined").classes("pa-field")
        with ui.element("div").classes("pa-stack") as self._timed:
            self._cron = ui.input("Cron expression", value=given["cron"] or "").props("outlined autocomplete=off").classes("pa-field")
            parts.text(_CRON_HELP, "p").classes("pa-muted pa-small")
            zones = {"": _OWN_ZONE} | {name: name for name in sorted(zoneinfo.available_timezones())}
            self._zone = (
                ui.select(zones, label="Time zone", value=given["time_zone"] or "", with_input=True).props("outlined").classes("pa-field")
            )
        self._overlap = self._choice("If it still runs when its turn comes", words.OVERLAPS, given["overlap"])
        self._catch_up = self._choice("Turns that were missed while the appliance was off", words.CATCH_UPS, given["catch_up"])
        self._arguments = ui.input("Arguments, as on a command line", value=shlex.join(given["arguments"]))
        self._arguments.props("outlined autocomplete=off").classes("pa-field")
        self._enabled = ui.switch("It has its turns", value=given["enabled"])
        self._way.on_value_change(self._show)
        self._show()

    @staticmethod
    def _choice(label: str, options: dict[str, str], value: str) -> ui.select:
        return ui.select(options, label=label, value=value).props("outlined").classes("pa-field")

    def _show(self) -> None:
        self._timed.set_visibility(self._way.value == "cron")
        self._amount.set_visibility(self._way.value != "cron")

    def parameters(self) -> dict[str, Any]:
        """For the appliance, which judges them. Raises Failed."""
        return {
            **self._times(), "overlap": self._overlap.value, "catch_up": self._catch_up.value,
            "arguments": words.arguments(self._arguments.value or ""), "enabled": self._enabled.value,
        }  # fmt: skip

    def _times(self) -> dict[str, Any]:
        if self._way.value == "cron":
            if not (self._cron.value or "").strip():
                raise Failed("the cron expression is empty; write its five fields, like 30 3 * * *", "bad_request")
            return {"cron": self._cron.value.strip(), "time_zone": self._zone.value or None}
        if not self._amount.value or self._amount.value <= 0:
            raise Failed("say how many, as a number above 0", "bad_request")
        return {"every_s": self._amount.value * words.UNITS[self._way.value]}
