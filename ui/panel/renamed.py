"""An appliance that recovers what another one stored goes on under the other's id; the panel finds that out, and follows."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from ui.errors import Failed
from ui.panel.live import Live

_LOOK_EVERY_S = 2.0
log = logging.getLogger("panel")


class IdWatch:
    """A thread that looks for the id while the appliance is away: ``found()``. ``end()`` is called once, when it is another one."""

    def __init__(self, live: Live, own: str, found: Callable[[], str], end: Callable[[], None]) -> None:
        self._live, self._own, self._found, self._end = live, own, found, end
        self._stopped = threading.Event()
        self.renamed = False
        threading.Thread(target=self._watch, name="appliance-id", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(_LOOK_EVERY_S):
            now = self._look() if self._live.away == "appliance" else self._own
            if now != self._own:
                log.info("the appliance goes on as %s, no longer as %s: the panel begins anew", now, self._own)
                self.renamed = True
                self._end()
                return

    def _look(self) -> str:
        try:
            return self._found()
        except Failed:
            return self._own  # nothing to be read at the moment: it is looked again
