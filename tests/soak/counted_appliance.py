"""``python -m tests.soak.counted_appliance FILE``: the appliance; FILE has what its one module for durable writes has done, by place.

One JSON object, rewritten while it works: place → bytes handed to write(2), writes, syncs. A place is a folder of DATA, ``catalog
TABLE`` for the records of the journal by what they are about, or ``remote`` for all that lies elsewhere.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections import Counter
from pathlib import Path

from appliance import durable
from appliance.__main__ import main
from appliance.durable import Operation

_EVERY_S = 2.0
_TABLE = re.compile(rb'^[0-9a-f]{8} \{"(\w+)"')


class Counted:
    """Thread-safe."""

    def __init__(self, file: Path, data: Path) -> None:
        self._file, self._data = file, data
        self._bytes, self._writes, self._syncs = Counter[str](), Counter[str](), Counter[str]()
        self._lock = threading.Lock()
        self._journal = ""

    def __call__(self, operation: Operation) -> None:
        with self._lock:
            place = self._place(operation)
            if operation.kind == "write":
                self._bytes[place] += len(operation.data)
                self._writes[place] += 1
            self._syncs[place] += operation.kind in {"sync", "sync_dir"}

    def _place(self, operation: Operation) -> str:
        try:
            folder = operation.path.relative_to(self._data).parts[0]
        except (ValueError, IndexError):
            return "data folder" if operation.path == self._data else "remote"
        if folder != "catalog":
            return folder
        if operation.kind == "write":  # the sync that follows is of the same record: changes of the catalog come one by one
            found = _TABLE.match(bytes(operation.data[:80]))
            self._journal = f"catalog {found[1].decode()}" if found and "journal" in operation.path.name else "catalog snapshot"
        return self._journal or "catalog snapshot"

    def keep(self) -> None:
        fresh = self._file.with_suffix(".new")
        with self._lock:
            told = {place: [self._bytes[place], self._writes[place], self._syncs[place]] for place in self._bytes | self._syncs}
        fresh.write_text(json.dumps(told))
        fresh.replace(self._file)

    def keep_on(self) -> None:
        while True:
            threading.Event().wait(_EVERY_S)
            self.keep()


if __name__ == "__main__":
    counted = Counted(Path(sys.argv.pop(1)), Path(os.environ["PYARCHIVE_DATA"]))
    durable.observer = counted
    threading.Thread(target=counted.keep_on, name="counted", daemon=True).start()
    status = main()
    counted.keep()
    sys.exit(status)
