"""How scripts, runs and deployments are named."""

from __future__ import annotations

import re
import secrets

_SCRIPT_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
_RUN_ID = re.compile(r"[0-9a-f]{16}")
_DEPLOYMENT_ID = re.compile(r"[0-9a-f]{8}")


def is_script_id(text: str) -> bool:
    """It is also the name of a folder."""
    return _SCRIPT_ID.fullmatch(text) is not None


def is_run_id(text: str) -> bool:
    """It is also the name of a folder."""
    return _RUN_ID.fullmatch(text) is not None


def is_deployment_id(text: str) -> bool:
    return _DEPLOYMENT_ID.fullmatch(text) is not None


def new_run_id(newest: str | None) -> str:
    """Sorts behind ``newest``, whatever the clock says; cannot be guessed by another script."""
    number = int(newest[:8], 16) + 1 if newest else 1
    return f"{number:08x}{secrets.token_hex(4)}"


def new_deployment_id() -> str:
    return secrets.token_hex(4)
