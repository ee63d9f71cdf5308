"""All parts of admin scripts over one data folder."""

from __future__ import annotations

from appliance.catalog.journal import CatalogDB
from appliance.data_folder import DataFolder
from appliance.scripts.history import History
from appliance.scripts.output import Outputs
from appliance.scripts.running import Running, Wanted
from appliance.scripts.saved import SavedScripts
from appliance.scripts.shipped import Shipped
from appliance.scripts.told import Told, Way
from mqtt.topics import Topics


class ScriptDesk:
    """What is saved, what runs, what has run."""

    def __init__(self, folder: DataFolder, db: CatalogDB) -> None:
        place = folder.path / "scripts"
        self.saved = SavedScripts(db, place, Shipped.of_package())
        self.outputs = Outputs(place / "runs")
        self.history = History(db, self.outputs)
        self.told = Told()
        self.running = Running(self.history, self.told)

    def attach(self, way: Way, topics: Topics) -> None:
        """From here on runs can be ordered."""
        self.told.attach(way, topics)

    def stop(self) -> None:
        """What was written lately goes to the disk."""
        self.outputs.flush()

    def wanted(self, script_id: str, version: int | None, arguments: list[str], by: str, deployment_id: str | None = None) -> Wanted:
        """A saved script, as it is to run. Raises NotFound, Damaged."""
        script, found = self.saved.version(script_id, version)
        return Wanted(
            title=found.title, source=self.saved.source(script, found), permission=found.permission, limits=found.limits,
            arguments=arguments, asked_by=by, script_id=script_id, version=found.version, deployment_id=deployment_id,
        )  # fmt: skip
