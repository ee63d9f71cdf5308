"""What a connection has of an archive, freshly listed and compared with the ledger. Changes nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from appliance.catalog.ledger import Ledger
from appliance.remotes.layout import MANIFEST_NAME, batch_name
from appliance.remotes.remote import Gate, Object, Remote
from appliance.transfer.work import manifest_of


@dataclass(frozen=True, slots=True)
class Listing:
    """Batch indices by what was found. ``absent`` and ``different`` count only what the ledger calls stored; ``returned`` are
    those that it does not call stored (any more) and that are there, right, under their id.
    """

    right: list[int] = field(default_factory=list)
    absent: list[int] = field(default_factory=list)
    different: list[int] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    manifest_right: bool = False
    unknown_objects: list[Object] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        return self.manifest_right and not self.absent and not self.different


def list_archive(ledger: Ledger, connection_id: str, remote: Remote, gate: Gate) -> Listing:
    """Every object of the archive on the remote. Absence is confirmed by id. Raises RemoteError: then nothing is known; Stopped."""
    remote.check()
    found = {each.remote_id: each for each in remote.list_objects(ledger.facts.archive_id, gate)}
    listing = Listing(manifest_right=_manifest_is_right(ledger, connection_id, remote, found))
    for index in range(ledger.batch_count):
        if ledger.is_stored(connection_id, index):
            _sort_in(listing, ledger, connection_id, index, remote, found)
        elif _is_right(found.get(ledger.remote_id(connection_id, index) or ""), ledger, index):
            listing.returned.append(index)
    ours = {ledger.remote_id(connection_id, None), *ledger.remote_ids(connection_id)}
    listing.unknown_objects.extend(each for key, each in found.items() if key not in ours and not each.trashed)
    return listing


def _sort_in(listing: Listing, ledger: Ledger, connection_id: str, index: int, remote: Remote, found: dict[str, Object]) -> None:
    remote_id = ledger.remote_id(connection_id, index) or ""
    one = found.get(remote_id) or remote.stat(remote_id)
    if _is_right(one, ledger, index):
        listing.right.append(index)
    elif one is None or one.trashed:
        listing.absent.append(index)
    else:
        listing.different.append(index)


def _is_right(one: Object | None, ledger: Ledger, index: int) -> bool:
    expected = (batch_name(index), ledger.range_of(index)[1], ledger.batch_sha256(index))
    return one is not None and not one.trashed and (one.name, one.size_bytes, one.sha256) == expected


def _manifest_is_right(ledger: Ledger, connection_id: str, remote: Remote, found: dict[str, Object]) -> bool:
    known = ledger.manifest(connection_id)
    if known is None:
        return False
    one = found.get(known[0]) or remote.stat(known[0])
    expected = {known[1], hashlib.sha256(manifest_of(ledger, connection_id)).digest()}
    return one is not None and not one.trashed and one.name == MANIFEST_NAME and one.sha256 in expected
