"""The safe shutdown of the computer. The appliance is stopped by it as at any shutdown: all is synced before."""

from __future__ import annotations

import subprocess

from appliance.errors import ApplianceError

_COMMAND = ("systemctl", "--no-ask-password", "--no-wall", "poweroff")
_TIMEOUT_S = 20.0
_SHOWN = 200


class CannotShutDown(ApplianceError):
    """The system refuses the shutdown, or there is no systemd; the text has its words."""

    code = "shutdown_refused"


def shut_down() -> None:
    """Returns when the system has begun. Needs the polkit rule of docs/front-panel.md. Raises CannotShutDown."""
    step = "the user of the appliance needs the polkit rule for power-off: see docs/front-panel.md"
    try:
        ended = subprocess.run(_COMMAND, capture_output=True, text=True, timeout=_TIMEOUT_S, stdin=subprocess.DEVNULL, check=False)  # noqa: S603 - a fixed command
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotShutDown(f"the computer could not be shut down: {error}; {step}") from error
    if ended.returncode != 0:
        words = ended.stderr.strip()[-_SHOWN:] or f"exit status {ended.returncode}"
        raise CannotShutDown(f"the computer could not be shut down: {words}; {step}")
