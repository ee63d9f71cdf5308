"""What an upload's state, or the appliance's error, is to a tus client."""

from __future__ import annotations

from ui.errors import Failed, Silent
from ui.panel.files.uploads.protocol import Refusal
from ui.panel.files.uploads.table import Entry, State

_STATUS = {"disk_full": 413, "bad_request": 400, "unauthorised": 403, "signed_out": 401, "not_found": 404, "conflict": 409}


def as_refusal(error: Failed) -> Refusal:
    """With the appliance's words. What may pass by itself is a 503."""
    if isinstance(error, Silent):
        return Refusal(503, str(error), state="away", retry_after_s=2)
    if error.code == "signed_out":
        return Refusal(401, str(error), state="signed-out", hang_up=True)
    status = _STATUS.get(error.code)
    return Refusal(status, str(error), state="refused") if status else Refusal(503, str(error), state="later", retry_after_s=5)


def being_checked() -> Refusal:
    """All bytes are here, and nothing is acknowledged yet. Not an offset: a client takes the last one for success."""
    return Refusal(
        423, "all of it is here; the appliance checks it, which takes a while for large files", state="checking", retry_after_s=2
    )


def at_its_end(entry: Entry) -> None:
    """Returns where it is not at a bad end. Raises Refusal."""
    if entry.state is State.EXPIRED:
        raise Refusal(410, "this upload was not finished in time and has expired; send the file again", state="expired", hang_up=True)
    if entry.state is State.FAILED:
        raise Refusal(410, entry.error or "the appliance refused the file; send it again", state="failed", hang_up=True)
