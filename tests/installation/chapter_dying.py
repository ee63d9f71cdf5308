"""Services that are killed, that hang, and that crash again and again."""

from __future__ import annotations

from tests.installation.claims import Claims
from tests.installation.installed import APPLIANCE, UNITS, Installed
from tests.waiting import wait_for

_QUICK = "/run/systemd/system/pyarchive-appliance.service.d/quick.conf"


def dying(claims: Claims, installed: Installed) -> None:
    """Leaves everything running, and no drop-in behind."""
    root = installed.root
    for unit in UNITS:
        with claims.claim(f"{unit} is back after a SIGKILL, and the appliance is online"):
            killed = kill(installed, unit)
            _wait_for_another(installed, unit, killed)
            installed.wait_online()
    # The patience of the watchdog and between two starts is of minutes; to see what follows, seconds will do.
    root.run("install", "-d", _QUICK.rpartition("/")[0])
    root.run("tee", _QUICK, given="[Service]\nWatchdogSec=6s\nTimeoutAbortSec=3s\nRestartSec=1s\nRestartSteps=0\n")
    root.run("systemctl", "daemon-reload")
    root.run("systemctl", "restart", APPLIANCE)
    installed.wait_online()
    with claims.claim("an appliance that hangs (SIGSTOP) is found by the watchdog and started again"):
        hanging = kill(installed, APPLIANCE, "STOP")
        _wait_for_another(installed, APPLIANCE, hanging)
        assert "watchdog" in root.journal("-u", APPLIANCE).lower()
        installed.wait_online()
    _crash_again_and_again(claims, installed)
    root.run("rm", _QUICK)
    root.run("systemctl", "daemon-reload")
    root.run("systemctl", "restart", APPLIANCE)
    installed.wait_online()
    with claims.claim("all that was handed in is still right"):
        installed.check_archives()


def _crash_again_and_again(claims: Claims, installed: Installed) -> None:
    with claims.claim("after repeated crashes it is in safe mode: online, it says so, and takes nothing in"):
        wait_for(lambda: _crashes_into_safe_mode(installed), 120, "safe mode")
        installed.wait_online()
        assert "safe mode" in installed.command("status", user="root")
        path, _ = installed.file("refused.bin", 1000)
        status, said = installed.root.attempt("pyarchive", "put", path, user="anna", folder="/tmp")
        assert status == 1, said
        assert "safe mode" in said, said
    with claims.claim("a person ends safe mode, and it goes on"):
        installed.command("safe-mode", "--end")
        wait_for(lambda: "mode is off" in _mode(installed), 60, "the end of safe mode")
        installed.wait_online()
        installed.put("after-safe-mode.bin", 100_000, "--wait")


def _crashes_into_safe_mode(installed: Installed) -> bool:
    """One more crash, soon after the start."""
    killed = kill(installed, APPLIANCE)
    _wait_for_another(installed, APPLIANCE, killed)
    return "mode is on" in wait_for(lambda: _mode(installed), 60, "the appliance to say whether it is in safe mode")


def _mode(installed: Installed) -> str:
    """In words; empty while it does not answer."""
    said = installed.attempt_command("safe-mode")
    return said if said.startswith("safe mode is") else ""


def kill(installed: Installed, unit: str, signal: str = "KILL") -> str:
    """The process id that it had."""
    process_id = installed.root.property(unit, "MainPID")
    installed.root.run("kill", f"-{signal}", process_id)
    return process_id


def _wait_for_another(installed: Installed, unit: str, process_id: str) -> None:
    """Until it runs as another process than that one."""
    root = installed.root
    wait_for(lambda: root.is_active(unit) and root.property(unit, "MainPID") not in {process_id, "0"}, 60, f"{unit} to be started again")
