"""A real runner with a real appliance behind it, to run the scripts that ship."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import firmware_scripts
from appliance.errors import Unauthorised
from mqtt.script_messages import ScriptState
from mqtt.verbs import VERBS
from tests.firmware_scripts.conftest import Stage
from tests.inside import Inside

FOLDER = Path(str(firmware_scripts.__file__)).parent
MANIFEST: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "shipped.toml").read_text())


class Ran(NamedTuple):
    """What came of a run: its exit status, its lines of both streams, and the values that it published."""

    status: int | None
    lines: list[str]
    values: dict[str, Any]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Shipping:
    """``run`` runs a script that ships, by its id, with the permission that its manifest declares."""

    def __init__(self, stage: Stage, inside: Inside) -> None:
        self.inside = inside
        self._orders = stage.orders
        self._orders._answer = self._answer
        self._permission = "read"
        self._values: dict[str, Any] = {}

    def run(self, script_id: str, *arguments: str, permission: str | None = None, timeout_s: float = 60.0) -> Ran:
        entry = MANIFEST[script_id]
        self._permission, self._values = permission or entry["permission"], {}
        source = (FOLDER / entry["file"]).read_bytes()
        run_id = self._orders.order(source, *arguments, script_id=script_id, permission=self._permission)
        state: ScriptState = self._orders.wait_end(run_id, timeout_s)
        assert state.state == "ended", (state, self._orders.text(run_id))
        return Ran(state.exit_status, self._orders.text(run_id), self._values)

    def _answer(self, verb: str, parameters: dict[str, Any]) -> Any:
        """In the place of the appliance's own gate for scripts."""
        given = {name: value for name, value in parameters.items() if name != "run_id"}
        if verb == "script/value":
            self._values[given["name"]] = given["value"]
            return {}
        shape = VERBS[verb]
        if not shape.for_scripts or (self._permission == "read" and shape.model_validate(given).changes()):
            raise Unauthorised(f"{verb} is not for a script with the permission {self._permission}")
        return self.inside.ask(verb, **given)
