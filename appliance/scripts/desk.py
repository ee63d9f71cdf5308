"""All parts of admin scripts over one data folder."""

from __future__ import annotations

from collections.abc import Callable

from appliance.catalog.journal import CatalogDB
from appliance.data_folder import DataFolder
from appliance.errors import NotFound
from appliance.scripts.deployments import Deployments
from appliance.scripts.history import History
from appliance.scripts.output import Outputs
from appliance.scripts.planner import Planner
from appliance.scripts.running import Running, Wanted
from appliance.scripts.saved import SavedScripts
from appliance.scripts.shipped import Shipped
from appliance.scripts.told import Told, Way
from appliance.scripts.values import Values
from mqtt.topics import Topics


class ScriptDesk:
    """What is saved, what runs, what has run, and whose turn is next. ``clock_is_right()``: the date can be believed."""

    def __init__(self, folder: DataFolder, db: CatalogDB, clock_is_right: Callable[[], bool]) -> None:
        place = folder.scripts
        self.saved = SavedScripts(db, place, Shipped.of_package())
        self.outputs = Outputs(place / "runs")
        self.history = History(db, self.outputs)
        self.told = Told()
        self.running = Running(self.history, self.told)
        self.values = Values(self.told)
        self.deployments = Deployments(db)
        self.planner = Planner(self.deployments, self.running, self.history, self._turn, clock_is_right)

    def attach(self, way: Way, topics: Topics) -> None:
        """From here on runs can be ordered."""
        self.told.attach(way, topics)

    def start(self) -> None:
        self.planner.start()

    def stop(self, timeout_s: float) -> None:
        """What was written lately goes to the disk."""
        self.planner.stop(timeout_s)
        self.outputs.flush()

    def is_saved(self, script_id: str) -> bool:
        return any(script.id == script_id for script in self.saved.all())

    def title_of(self, script_id: str) -> str:
        try:
            return self.saved.get(script_id).newest.title
        except NotFound:  # a recovery brought back its deployment alone
            return script_id

    def _turn(self, script_id: str, arguments: list[str], deployment_id: str) -> Wanted:
        """Always of the newest version: what was mended runs as it was mended."""
        return self.wanted(script_id, None, arguments, "deployment", deployment_id)

    def wanted(self, script_id: str, version: int | None, arguments: list[str], by: str, deployment_id: str | None = None) -> Wanted:
        """A saved script, as it is to run. Raises NotFound, Damaged."""
        script, found = self.saved.version(script_id, version)
        return Wanted(
            title=found.title, source=self.saved.source(script, found), permission=found.permission, limits=found.limits,
            arguments=arguments, asked_by=by, script_id=script_id, version=found.version, deployment_id=deployment_id,
        )  # fmt: skip
