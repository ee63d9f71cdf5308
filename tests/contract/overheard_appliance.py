"""The appliance, with every filter that it subscribes to written into a file, so that a test covers those of later versions too.

``python -m tests.contract.overheard_appliance FILE [the appliance's own arguments]``
"""

from __future__ import annotations

import sys
from pathlib import Path

from appliance.__main__ import main
from mqtt.client import Broker, Handler


def overhear(file: Path) -> None:
    subscribe = Broker.subscribe

    def overheard(self: Broker, topic_filter: str, handler: Handler) -> None:
        with file.open("a") as lines:
            lines.write(f"{topic_filter}\n")
        subscribe(self, topic_filter, handler)

    Broker.subscribe = overheard  # type: ignore[method-assign]  # notes, and hands on


if __name__ == "__main__":
    overhear(Path(sys.argv.pop(1)))
    sys.exit(main())
