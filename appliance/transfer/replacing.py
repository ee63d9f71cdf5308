"""A bad batch where objects have ids of their own: it is stored anew under another id, and only then may the bad one go."""

from __future__ import annotations

import logging
from collections.abc import Callable

from appliance import tombstone
from appliance.catalog.ledger import Ledger
from appliance.errors import RemoteTaken
from appliance.library import Library
from appliance.remotes.layout import batch_name
from appliance.remotes.remote import Object, Remote

log = logging.getLogger("transfer")


def put_or_replace(
    library: Library, ledger: Ledger, connection_id: str, index: int, remote: Remote, remote_id: str, put: Callable[[str], Object]
) -> Object:
    """``put(remote_id)``; where other bytes stand under that id, once more under a new one.

    The bad object's id is noted first, then the new one is planned: after a crash at any point the bad object is known to
    us. It is left alone until the new one is stored (``integrity.tombstones``), and for ever if that never happens: it may
    be all that there is. Raises what ``put`` raises.
    """
    try:
        return put(remote_id)
    except RemoteTaken as taken:
        log.warning(
            "batch %d of %s is stored under a new id: %s", index, ledger.title, taken, extra={"archive_id": ledger.facts.archive_id}
        )
    return put(_new_id(library, ledger, connection_id, index, remote, remote_id))


def _new_id(library: Library, ledger: Ledger, connection_id: str, index: int, remote: Remote, bad_id: str) -> str:
    archive_id, name = ledger.facts.archive_id, batch_name(index)
    (new_id,) = remote.new_ids(archive_id, [name])
    bad = tombstone.Tombstone(
        connection_id=connection_id, remote_id=bad_id, archive_id=archive_id, name=name, reason=tombstone.REPLACED, at=None
    )
    library.db.apply({tombstone.TABLE: tombstone.changes([bad])})
    ledger.plan(connection_id, index, new_id)
    return new_id
