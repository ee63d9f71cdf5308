"""What of each message is news, what only a count, and what progress; and how calmly progress is told."""

from __future__ import annotations

from typing import Any

from appliance.pacing import Report
from appliance.states import TURN
from mqtt.messages import ApplianceState, ArchiveState, ConnectionState, FrontPanelState, HardwareState, SettingsState, TransferState

_APPLIANCE_COUNTS = {
    "counts": {"archives", "received", "partial", "remote", "proven", "local", "removed"}, "stored_bytes": True, "last_sync_at": True,
}  # fmt: skip
_APPLIANCE_PROGRESS: dict[str, Any] = {
    "bytes_at_risk": True, "protected_by_at": True, "upload_rate_bytes_per_s": True, "download_rate_bytes_per_s": True, "eta_s": True,
    "progress_ratio": True, "queue": True, "active_connection": {"free_bytes", "limit_bytes", "used_bytes"}, "disk": True,
    "last_proof_at": True, "oldest_proof_at": True,
}  # fmt: skip
_ARCHIVE_PROGRESS: dict[str, Any] = {
    "batches_stored": True, "batches_cached": True, "progress_ratio": True, "at_risk_bytes": True, "waiting_until_at": True,
    "placements": {"__all__": {"batches_stored", "proven_at"}},
}  # fmt: skip
_CONNECTION_PROGRESS = dict.fromkeys(("free_bytes", "limit_bytes", "used_bytes", "next_try_at", "validated_at"), True)
_HARDWARE_PROGRESS = dict.fromkeys(("temperature_c", "memory_used_ratio", "load_ratio", "throttled"), True)
_TRANSFER_PROGRESS = dict.fromkeys(TransferState.model_fields, True)
_QUICKEST_S, _CALMEST_S, _UNKNOWN_S, _STEPS = 2.0, 60.0, 10.0, 300
_ARCHIVE_S, _CONNECTION_S, _HARDWARE_S = 5.0, 10.0, 60.0
_SLOTS_TOGETHER_PER_S, _LEAST_OF_A_SLOT_S = 2.5, 0.5

CLEARED = Report(None)


def of_appliance(state: ApplianceState) -> Report:
    """Progress goes out in some 300 steps, whatever is left takes ten minutes or five hours: at most each 2 s, at least each 60 s.

    That all is safe, or something is not any more, is what a household waits for.
    """
    gap_s = _UNKNOWN_S if state.eta_s is None else min(_CALMEST_S, max(_QUICKEST_S, state.eta_s / _STEPS))
    return Report(state, _APPLIANCE_PROGRESS, _APPLIANCE_COUNTS, gap_s, turn=state.bytes_at_risk == 0)


def of_archive(state: ArchiveState) -> Report:
    """That its turn comes and goes with every batch is progress; and what it waits for, many others wait for too."""
    in_turn = {"waiting_for": True} if state.waiting_for in {None, TURN} else {}
    return Report(state, {**_ARCHIVE_PROGRESS, **in_turn}, {"waiting_for": True}, progress_gap_s=_ARCHIVE_S)


def of_connection(state: ConnectionState) -> Report:
    return Report(state, _CONNECTION_PROGRESS, progress_gap_s=_CONNECTION_S)


def of_settings(state: SettingsState) -> Report:
    return Report(state)


def of_front_panel(state: FrontPanelState) -> Report:
    return Report(state)


def of_hardware(state: HardwareState) -> Report:
    """It gets warm and busy again and again; that the power is weak is news."""
    return Report(state, _HARDWARE_PROGRESS, progress_gap_s=_HARDWARE_S)


def of_transfer(state: TransferState, slots: int) -> Report:
    """All slots together send five messages in two seconds: what moves is progress, that a slot moves is news."""
    return Report(state, _TRANSFER_PROGRESS, progress_gap_s=max(_LEAST_OF_A_SLOT_S, slots / _SLOTS_TOGETHER_PER_S))
