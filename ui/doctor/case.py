"""What every check is given."""

from __future__ import annotations

import functools
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from ui.client_settings import ClientSettings
from ui.doctor import place as places
from ui.doctor import told as telling
from ui.doctor.machine import Machine
from ui.doctor.place import Place
from ui.doctor.told import Told


@dataclass(frozen=True, kw_only=True)
class Case:
    """``settings``: how the appliance is reached; None: not known, and ``why_not`` says why. ``told`` waits for its answers.

    ``allowed``: False where the address is known to others and not for us to read.
    """

    machine: Machine
    settings: ClientSettings | None
    why_not: str = ""
    allowed: bool = True
    data: Path | None = None
    _answer: Future[Told] = field(default_factory=Future)

    @functools.cached_property
    def place(self) -> Place:
        return places.find(self.machine, self.settings, self.data)

    @property
    def told(self) -> Told:
        return self._answer.result()

    def ask(self) -> None:
        """Begin to ask the appliance, unless it has answered; checks that need no answer go on meanwhile."""
        if self._answer.done():
            return
        threading.Thread(target=self._ask, name="told", daemon=True).start()

    def _ask(self) -> None:
        try:
            self._answer.set_result(telling.ask(self.settings) if self.settings else Told(why_not=self.why_not))
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait are told
            self._answer.set_exception(error)
