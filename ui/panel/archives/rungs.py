"""The ladder of protection, with its dates. Pure."""

from __future__ import annotations

from typing import Any

from ui.panel.parts.ladder import Step
from ui.words import count

_ORDER = ("received", "partial", "remote", "proven")


def steps(archive: dict[str, Any], safe_since: str | None) -> list[Step]:
    """``safe_since``: when all of it was on a remote, as far as the history tells."""
    height = _ORDER.index(archive["rung"])
    name = _name(archive)
    total = count(archive["batches_total"], "batch")
    return [
        Step(title="Received", state="done", at=archive["created_at"], words="Checked, and kept on this appliance."),
        Step(
            title="On its way", term="partial", state=_state(height, 1, is_moving=True),
            words=f"{archive['batches_stored']:,} of {total} stored on {name}.",
        ),
        Step(
            title="Safe", term="remote", state=_state(height, 2), at=safe_since if height > 1 else None,
            words=f"All of it is on {name}, as {name} itself says." if height > 1 else f"All of it has to be on {name} first.",
        ),
        Step(
            title="Proven", state=_state(height, 3), at=_proven_at(archive),
            words="Every batch was read back and was right." if height > 2 else "Every batch has to be read back and compared first.",  # noqa: PLR2004 - the last rung
        ),
    ]  # fmt: skip


def _state(height: int, step: int, *, is_moving: bool = False) -> Any:
    if height > step or (height == step and not is_moving):
        return "done"
    return "now" if height == step or (is_moving and height == step - 1) else "open"


def _best(archive: dict[str, Any]) -> dict[str, Any] | None:
    """Where it stands best."""
    placements: list[dict[str, Any]] = archive["placements"]
    return max(placements, key=lambda one: (_ORDER.index(one["rung"]), one["batches_stored"]), default=None)


def _name(archive: dict[str, Any]) -> str:
    best = _best(archive)
    return best["connection_name"] if best else "a remote"


def _proven_at(archive: dict[str, Any]) -> str | None:
    best = _best(archive)
    return best["proven_at"] if best and archive["rung"] == "proven" else None
