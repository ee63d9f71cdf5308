"""``DATA/recovery.json``: the recovery that was begun, written down before it changes anything, and its end.

It is known before the catalog is opened, because a recovery may give the data another appliance's id.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from appliance import durable
from appliance.data_folder import IdChange
from mqtt.topics import APPLIANCE_ID

FILE_NAME = "recovery.json"
Stage = Literal["becoming", "running", "done", "failed"]
_STAGES: tuple[Stage, ...] = ("becoming", "running", "done", "failed")
_MODE = 0o600


@dataclass(frozen=True, kw_only=True, slots=True)
class Intent:
    """``becoming``: the data is to get the id first. ``failed``: it waits for a person, and is tried again at the next start.

    ``former_id`` is the id that the data had, where it was another one. ``result`` is what came of it (``Progress.to_document``).
    """

    connection_id: str
    appliance_id: str
    former_id: str | None = None
    stage: Stage = "running"
    error: str | None = None
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def is_under_way(self) -> bool:
        """Begun and not ended: archives may be taken up in part."""
        return self.stage != "done"

    @property
    def id_change(self) -> IdChange | None:
        return IdChange(self.former_id, self.appliance_id) if self.former_id else None


def read(folder: Path) -> Intent | None:
    """None where no recovery was ever begun, or where the file tells nothing that can be used. Raises OSError."""
    try:
        document = json.loads((folder / FILE_NAME).read_text())
        intent = Intent(**document)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return None
    former = intent.former_id
    ids = [intent.appliance_id] if former is None else [intent.appliance_id, former]
    is_right = all(isinstance(each, str) and APPLIANCE_ID.fullmatch(each) for each in ids)
    return intent if is_right and intent.stage in _STAGES and isinstance(intent.result, dict) else None


def write(folder: Path, intent: Intent) -> None:
    """Synced. Raises OSError."""
    durable.replace(folder / FILE_NAME, json.dumps(asdict(intent), indent=1).encode() + b"\n", _MODE)
