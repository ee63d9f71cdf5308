"""``python -m appliance.notifications.send``: one message to one target, in a process of its own.

The library behind it takes 45 MB, and nothing can end a thread that hangs in a name server: both go when this process ends. The order
comes on standard input (``{"url", "title", "body"}``; without a body nothing is sent), so that nobody sees the secret in the list of
processes; the answer is ``{"error": null | "…"}`` on standard output. What the library says of an error may have the secret in it: the
words that go out are ours, or a status.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
from typing import Any

_STATUS = re.compile(r"error=(\d{3})\b")
_STATUSES = {
    "401": "the service does not know these credentials", "403": "the service refuses this",
    "404": "the service does not know this address",
    "413": "the message is too large for the service", "429": "the service says that it gets too much",
}  # fmt: skip
_CAUSES = (
    ("name or service|temporary failure in name|getaddrinfo|nodename|failed to resolve", "its name cannot be found: a typo, or no network"),
    ("refused", "nobody listens there: the connection was refused"),
    ("certificate|ssl", "its certificate cannot be trusted"),
    ("proxy", "the proxy does not let it through"),
    ("timed out|timeout", "it does not answer"),
    ("535|authentication", "the mail server does not know these credentials"),
    ("55[0-9]|recipient", "the mail server does not take this recipient"),
    ("unreachable|no route", "there is no way to it on this network"),
)


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += f"{record.getMessage()}\n"


def cause(said: str) -> str:
    """In our words, of what the library logged."""
    status = _STATUS.search(said)
    if status:
        return f"{_STATUSES.get(status[1], 'the service answered with an error')} (HTTP {status[1]})"
    lowered = said.lower()
    return next(
        (words for pattern, words in _CAUSES if re.search(pattern, lowered)), "it could not be sent, for a reason that is not known"
    )


def _run(order: dict[str, Any]) -> str | None:
    """None: done. Else why not."""
    import apprise  # noqa: PLC0415 - for this process alone, and what it says is to be heard

    heard = _Heard()
    logger = logging.getLogger("apprise")
    logger.handlers, logger.propagate = [heard], False
    logger.setLevel(logging.DEBUG)
    asset = apprise.AppriseAsset(
        app_id="PyArchive", app_desc="PyArchive", secure_logging=True, storage_mode=apprise.PersistentStoreMode.MEMORY
    )
    service = apprise.Apprise(asset=asset)
    if not service.add(order["url"]):
        return "the address is not complete, or not written as this service needs it"
    body = order.get("body")
    if not body or service.notify(body=body, title=order["title"], body_format=apprise.NotifyFormat.TEXT):
        return None
    return cause(heard.text)


def main() -> int:
    if "SSL_CERT_FILE" in os.environ:
        os.environ.setdefault("REQUESTS_CA_BUNDLE", os.environ["SSL_CERT_FILE"])
    with contextlib.redirect_stdout(sys.stderr):  # what a service of the library prints is no answer
        error = _run(json.load(sys.stdin))
    sys.stdout.write(json.dumps({"error": error}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
