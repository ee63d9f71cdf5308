"""A remote whose next puts fail as a test says."""

from __future__ import annotations

import threading
from typing import Any

from appliance.remotes.remote import Remote


class Scripted:
    """``wrap=scripted.around``. ``script``: what the next puts raise, in order; ``gate``: puts wait for it while it is not set."""

    def __init__(self) -> None:
        self.script: list[Exception] = []
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()

    def around(self, remote: Remote) -> Any:
        script = self

        class Wrapped:
            def __getattr__(self, name: str) -> Any:
                return getattr(remote, name)

            def put(self, remote_id: str, *rest: Any) -> Any:
                script.gate.wait(20)
                with script._lock:
                    failure = script.script.pop(0) if script.script else None
                if failure:
                    raise failure
                return remote.put(remote_id, *rest)

        return Wrapped()
