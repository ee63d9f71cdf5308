"""Which row of the lamp's table is true, from what the appliance itself knows: the broker is not asked."""

from __future__ import annotations

from appliance.errors import Damaged
from appliance.states import States
from mqtt.messages import Lamp


def row_of(states: States) -> tuple[Lamp, str]:
    """The first row that is true, and why, in words."""
    hurt = next((problem for problem in states.problems.standing() if problem.needs_you or problem.code == Damaged.code), None)
    if hurt:
        return "needs_you", f"{hurt.message}; {hurt.next_step}"
    status, reason = states.status()
    if status == "transferring":
        return "transferring", reason
    # Idle with something at risk is no breathing matter: breathing says that everything is remote.
    if status == "idle" and not states.library.totals.at_risk_bytes:
        return "idle", reason
    return "waiting", reason
