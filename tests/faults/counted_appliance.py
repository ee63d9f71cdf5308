"""The appliance, with every byte that it writes into batches on the remote counted, however it ends; and a small catalog journal.

``python -m tests.faults.counted_appliance COUNT_FILE REMOTE_FOLDER [the appliance's own arguments]``
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from appliance import durable
from appliance.__main__ import main
from appliance.catalog import compaction

_BATCH = re.compile(r"\.?\d{8}(\.part)?")


def count_into(file: Path, remote: Path) -> None:
    """One line a write, in one write(2), before it is done: a kill in between counts too much, never too little."""
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    write_at = durable.DurableFile.write_at

    def counted(self: durable.DurableFile, offset_bytes: int, data: bytes | bytearray | memoryview) -> None:
        if _BATCH.fullmatch(self.path.name) and self.path.is_relative_to(remote):
            os.write(fd, b"%d\n" % len(data))
        write_at(self, offset_bytes, data)

    durable.DurableFile.write_at = counted  # type: ignore[method-assign]  # counts, and hands on


if __name__ == "__main__":
    count_into(Path(sys.argv.pop(1)), Path(sys.argv.pop(1)))
    compaction._MIN_BYTES = 16 * 1024  # so that kills meet compactions
    sys.exit(main())
