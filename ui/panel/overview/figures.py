"""The figures that a person is told: of all archives for admins, of their own for members."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """``to_go_bytes``: what is not yet on the active connection. ``own``: they are one person's, not everybody's."""

    archives: int
    size_bytes: int
    at_risk_bytes: int
    to_go_bytes: int
    to_come_bytes: int
    damaged: int
    lost: int
    progress_ratio: float
    oldest_proof_at: str | None
    last_proof_at: str | None
    own: bool


def of_all(state: dict[str, Any]) -> Figures:
    """From ``appliance/state``."""
    counts, queue = state["counts"], state["queue"]
    return Figures(
        archives=counts["archives"], size_bytes=state["stored_bytes"], at_risk_bytes=state["bytes_at_risk"], to_go_bytes=queue["bytes_up"],
        to_come_bytes=queue["bytes_down"], damaged=counts["damaged"], lost=counts["lost"], progress_ratio=state["progress_ratio"],
        oldest_proof_at=state["oldest_proof_at"], last_proof_at=state["last_proof_at"], own=False,
    )  # fmt: skip


def of_own(summary: dict[str, Any]) -> Figures:
    """From the answer of ``archive/summary``."""
    return Figures(
        archives=summary["archives"], size_bytes=summary["size_bytes"], at_risk_bytes=summary["bytes_at_risk"],
        to_go_bytes=summary["bytes_up"], to_come_bytes=summary["bytes_down"], damaged=summary["damaged"], lost=summary["lost"],
        progress_ratio=summary["progress_ratio"], oldest_proof_at=summary["oldest_proof_at"], last_proof_at=summary["last_proof_at"],
        own=True,
    )  # fmt: skip
