"""Tells the service manager that the appliance is alive, as long as it is: else it is killed and started again.

Alive is an appliance whose loops all go round. One that is held by a disk or a network share that does not answer counts as alive,
too, and says what holds it: see ``held``.
"""

from __future__ import annotations

import faulthandler
import logging
import sys
import threading
from collections.abc import Callable

from appliance.held import Held
from appliance.liveness import Liveness
from mqtt.service_manager import ServiceManager

log = logging.getLogger("appliance")
_EVERY_S = 15.0
_LOOKS = 4  # within the manager's patience: two to tell what holds us, and one to spare

Say = Callable[[str | None], None]
"""``say(words)``: what the system holds; None: nothing any more."""


class Heart:
    """One for the process; ``start`` it when the loops go round."""

    def __init__(self, manager: ServiceManager, liveness: Liveness, say: Say) -> None:
        self._manager = manager
        self._liveness = liveness
        self._say = say
        self._held = Held()
        self._told: list[str] = []
        self._late_looks = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heart", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def _beat(self) -> None:
        every_s = self._manager.watchdog_s / _LOOKS if self._manager.watchdog_s else _EVERY_S
        while not self._stop.wait(every_s):
            self._look()

    def _look(self) -> None:
        late = self._liveness.late()
        if not late:
            self._manager.alive()
            self._late_looks = 0
            self._held.forget()
            self._tell([], None)
            return
        held = self._held.look()
        self._late_looks += 1
        if self._late_looks == 1:  # what holds us is known by the second look
            return
        if held:
            self._manager.alive()
            self._tell(held, f"the system does not answer {' and '.join(held)}, which wait for a file: {'; '.join(late)}")
        elif self._told != late:
            self._told = late
            log.critical("%s; if that stays so, the service manager starts the appliance anew", "; ".join(late))
            faulthandler.dump_traceback(sys.stderr)

    def _tell(self, told: list[str], words: str | None) -> None:
        """On a thread of its own: what holds others may hold whoever is told."""
        if told != self._told:
            self._told = told
            threading.Thread(target=self._say, args=(words,), name="heart-says", daemon=True).start()
