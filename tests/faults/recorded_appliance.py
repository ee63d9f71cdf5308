"""``python -m tests.faults.recorded_appliance FILE``: the appliance; every durable operation is appended to FILE, a JSON line each."""

from __future__ import annotations

import json
import os
import sys

from appliance import durable
from appliance.__main__ import main
from appliance.durable import Operation


def record(operation: Operation) -> None:
    line = {"kind": operation.kind, "path": str(operation.path), "target": str(operation.target), "bytes": len(operation.data)}
    os.write(_FILE, json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    _FILE = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    durable.observer = record
    sys.exit(main())
