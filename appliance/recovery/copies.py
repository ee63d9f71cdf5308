"""The copies of the catalog on a remote: which are there, how old they are, and the newest that can be used."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.errors import Damaged, NewerFormat
from appliance.recovery.copy_format import HEADER_BYTES, MAX_COPY_BYTES, CatalogCopy, Header, header_of, read_copy
from appliance.remotes.layout import CATALOG
from appliance.remotes.remote import Gate, Object, Remote

log = logging.getLogger("recovery")
_MOST_LOOKED_AT = 10


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy by its header. ``header`` is None where it cannot be read."""

    object: Object
    header: Header | None

    @property
    def serial(self) -> int:
        return self.header.serial if self.header else 0


def copies_on(remote: Remote, appliance_id: str, gate: Gate, known: dict[str, Copy] | None = None) -> list[Copy]:
    """Those of that appliance, the newest first: by their serial, whatever the clock said when they were made.

    Only the last ten by name are looked at. ``known``: by remote id, copies whose header was read before; it is added to, and what is gone
    is taken out of it.
    Raises RemoteError, Stopped.
    """
    known = {} if known is None else known
    found = sorted((each for each in remote.list_objects(CATALOG, gate) if not each.trashed), key=lambda each: each.name)
    for gone in known.keys() - {each.remote_id for each in found}:
        del known[gone]
    for each in found[-_MOST_LOOKED_AT:]:
        if each.remote_id not in known:
            known[each.remote_id] = Copy(each, _header(remote, each, appliance_id, gate))
    copies = [known.get(each.remote_id, Copy(each, None)) for each in found]
    return sorted(copies, key=lambda copy: (copy.serial, copy.object.name), reverse=True)


def _header(remote: Remote, found: Object, appliance_id: str, gate: Gate) -> Header | None:
    try:
        header = header_of(b"".join(remote.get(found.remote_id, 0, min(HEADER_BYTES, found.size_bytes), gate)))
    except (Damaged, NewerFormat) as error:
        log.warning("%s: %s", found.name, error)
        return None
    return header if header.appliance_id == appliance_id else None


def newest_usable(remote: Remote, copies: list[Copy], gate: Gate) -> CatalogCopy | None:
    """Of ``copies_on``. One that cannot be used is passed over for the next older one. Raises RemoteError, Stopped."""
    return next(_usable(remote, copies, gate), None)


def _usable(remote: Remote, copies: list[Copy], gate: Gate) -> Iterator[CatalogCopy]:
    for copy in copies:
        if copy.header is None or copy.object.size_bytes > MAX_COPY_BYTES:
            continue
        try:
            yield read_copy(b"".join(remote.get(copy.object.remote_id, 0, copy.object.size_bytes, gate)))
        except (Damaged, NewerFormat) as error:
            log.warning("%s is passed over: %s", copy.object.name, error)
