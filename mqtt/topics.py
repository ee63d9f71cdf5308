"""Where everything stands: the base topic of one appliance and the names below it."""

from __future__ import annotations

import re
from dataclasses import dataclass

ROOT = "pyarchive"
APPLIANCE_ID = re.compile(r"[a-z0-9-]{4,36}")


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one appliance; ``appliance_id`` is a single topic level. Raises ValueError on one that is not."""

    appliance_id: str

    def __post_init__(self) -> None:
        if not APPLIANCE_ID.fullmatch(self.appliance_id):
            raise ValueError(f"appliance id {self.appliance_id!r} is not 4 to 36 of a-z, 0-9 and '-'")

    def __call__(self, name: str) -> str:
        """``name`` below the base: ``topics("appliance/state")``."""
        return f"{ROOT}/{self.appliance_id}/{name}"

    def below(self, topic: str) -> str | None:
        """The name below the base; None for a topic of somebody else."""
        base = f"{ROOT}/{self.appliance_id}/"
        return topic.removeprefix(base) if topic.startswith(base) else None

    def request(self, login: str, verb: str) -> str:
        return self(f"request/{login}/{verb}")

    def response(self, login: str, verb: str) -> str:
        return self(f"response/{login}/{verb}")

    @property
    def availability(self) -> str:
        return self("availability")

    @property
    def bridge(self) -> str:
        """Whether the other side of a Mosquitto bridge reaches us: Mosquitto writes 0 and 1 there, the appliance ``online``."""
        return self("bridge")
