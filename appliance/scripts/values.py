"""Values that scripts publish: retained on ``script/<script id>/values``, and sensors of Home Assistant. In memory, and at the broker."""

from __future__ import annotations

import threading
from collections.abc import Callable

from appliance import clock
from appliance.errors import Conflict
from appliance.scripts.told import Told
from mqtt.discovery_scripts import ScriptSensor
from mqtt.script_messages import ScriptValues, Value

MOST_OF_A_SCRIPT, MOST_SCRIPTS = 10, 30
_GAP_S = 1.0


class Values:
    """Thread-safe. A topic is published at most once a second, with its last value always."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._lock = threading.RLock()
        self._all: dict[str, ScriptValues] = {}
        self._dirty: set[str] = set()
        self._told_s: dict[str, float] = {}
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """``listener()`` where there is another sensor now, or one less; it must only enqueue."""
        self._listeners.append(listener)

    def set(self, script_id: str, title: str, name: str, value: Value) -> None:
        """Raises Conflict where there would be too many."""
        with self._lock:
            former = self._all.get(script_id)
            if former is None and len(self._all) >= MOST_SCRIPTS:
                raise Conflict(f"{MOST_SCRIPTS} scripts have values already, which is the most; delete one of them first")
            values = {**(former.values if former else {}), name: value}
            if len(values) > MOST_OF_A_SCRIPT:
                raise Conflict(f"a script has {MOST_OF_A_SCRIPT} values at most; use fewer names")
            self._all[script_id] = ScriptValues(script_id=script_id, title=title, values=values)
            self._dirty.add(script_id)
        self._changed(former, self._all[script_id])
        self.flush()

    def forget(self, script_id: str) -> None:
        """The script is gone, and its sensors go."""
        with self._lock:
            former = self._all.pop(script_id, None)
            self._dirty.discard(script_id)
            if former:
                self._told.clear_values(script_id)
        if former:
            self._changed(former, None)

    def heard(self, values: ScriptValues, *, is_saved: bool) -> None:
        """What the broker kept over our restart; cleared where its script is gone."""
        with self._lock:
            if not is_saved:
                self._told.clear_values(values.script_id)
                return
            if values.script_id in self._all or len(self._all) >= MOST_SCRIPTS or len(values.values) > MOST_OF_A_SCRIPT:
                return
            self._all[values.script_id] = values
        self._changed(None, values)

    def flush(self) -> None:
        """What may go by now. Call it every now and then."""
        now_s = clock.monotonic_s()
        with self._lock:
            for script_id in [each for each in self._dirty if now_s - self._told_s.get(each, -_GAP_S) >= _GAP_S]:
                self._dirty.discard(script_id)
                self._told_s[script_id] = now_s
                self._told.values(self._all[script_id])

    def publish_all(self) -> None:
        """After a (re)connect the broker may have forgotten everything."""
        with self._lock:
            for values in self._all.values():
                self._told.values(values)

    def sensors(self) -> tuple[ScriptSensor, ...]:
        """For Home Assistant."""
        with self._lock:
            return tuple(
                ScriptSensor(script_id=script_id, name=name, title=value.title or f"{each.title}: {name}", unit=value.unit)
                for script_id, each in sorted(self._all.items())
                for name, value in sorted(each.values.items())
            )

    def _changed(self, former: ScriptValues | None, now: ScriptValues | None) -> None:
        if _kinds(former) != _kinds(now):
            for listener in self._listeners:
                listener()


def _kinds(values: ScriptValues | None) -> object:
    return values and (values.title, {name: (value.unit, value.title) for name, value in values.values.items()})
