"""``pyarchive scripts``: become the runner of scripts."""

from __future__ import annotations

import argparse
import os
import sys

from ui.client_settings import find


def run(args: argparse.Namespace) -> int:
    """Does not return: this process goes on as the runner, so that its signals and exit status are the runner's. Raises Failed."""
    found = find(os.environ, args.data)
    given = {
        "HOST": found.host, "PORT": str(found.port), "USERNAME": found.username, "PASSWORD": found.password,
        "TLS_CA": str(found.tls_ca) if found.tls_ca else None,
    }  # fmt: skip
    if os.environ.get("PYARCHIVE_LOGIN_FILE"):
        del given["PASSWORD"]  # it is read there: whoever may see an environment must not see it
    broker = {f"PYARCHIVE_MQTT_{name}": value for name, value in given.items() if value}
    environment = {**os.environ, **broker, "PYARCHIVE_APPLIANCE_ID": found.appliance_id}
    os.execve(sys.executable, [sys.executable, "-P", "-m", "firmware_scripts.runner"], environment)  # noqa: S606 - our own program, without a shell
