"""What a connection has of an archive, as listed, compared with the ledger. Changes nothing.

Only what a listing shows right is believed at once. Whatever it does not show right is looked at by its id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from appliance.catalog.ledger import Ledger
from appliance.errors import LocalDamaged
from appliance.remotes.layout import MANIFEST_NAME, MAX_MANIFEST_BYTES, batch_name
from appliance.remotes.remote import Gate, Object, Remote
from appliance.store import StoreReader
from appliance.transfer.work import manifest_of

_PIECE_BYTES = 1 << 20


class State(Enum):
    """What was found of one batch, or of the manifest, under the id that the ledger has. Not knowing at all is a RemoteError."""

    RIGHT = auto()
    TRASHED = auto()
    """In the remote's trash, and else right as far as the remote tells."""
    ABSENT = auto()
    DIFFERENT = auto()
    UNPROVEN = auto()
    """The remote computed no checksum that could be compared: neither damage, nor a proof of anything."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Batch indices by what was found; but for ``returned`` and ``returned_trashed``, of what the ledger calls stored.

    Those two are what it does not call stored (any more), and what is there, right, under its id; or would be, but for the trash.
    """

    right: list[int] = field(default_factory=list)
    absent: list[int] = field(default_factory=list)
    different: list[int] = field(default_factory=list)
    trashed: list[int] = field(default_factory=list)
    unproven: list[int] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    returned_trashed: list[int] = field(default_factory=list)
    manifest: State = State.ABSENT

    @property
    def is_right(self) -> bool:
        """Freshly proven: all that the ledger calls stored, and the manifest."""
        return self.manifest is State.RIGHT and not (self.absent or self.different or self.trashed or self.unproven)

    def put(self, index: int, state: State) -> None:
        {
            State.RIGHT: self.right, State.TRASHED: self.trashed, State.ABSENT: self.absent,
            State.DIFFERENT: self.different, State.UNPROVEN: self.unproven,
        }[state].append(index)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """One archive on one connection. ``local``: its local copy, of which the right MD5 is computed where the remote knows only that."""

    ledger: Ledger
    connection_id: str
    remote: Remote
    gate: Gate
    local: Path | None

    def listing(self, found: Iterable[Object] | None = None) -> Listing:
        """Of every batch. ``found``: the archive's objects as a sweep had them; they may be older than the ledger.

        Raises RemoteError: then nothing is known; Stopped.
        """
        if found is None:
            self.remote.check()
            found = self.remote.list_objects(self.ledger.facts.archive_id, self.gate)
        by_id = {each.remote_id: each for each in found}
        listing = Listing(manifest=self._listed_manifest(by_id))
        for index, remote_id in enumerate(self.ledger.remote_ids(self.connection_id)):
            if remote_id is not None:
                self._sort_in(listing, index, remote_id, by_id.get(remote_id))
        return listing

    def _sort_in(self, listing: Listing, index: int, remote_id: str, listed: Object | None) -> None:
        is_stored = self.ledger.is_stored(self.connection_id, index)
        if not is_stored and listed is None:
            return
        state = self.judge(index, listed)
        if is_stored:
            # Without a checksum a second look by id tells no more than the first.
            listing.put(index, state if state in {State.RIGHT, State.UNPROVEN} else self.fresh(index))
        elif state is State.RIGHT and self.judge(index, self.remote.stat(remote_id)) is State.RIGHT:
            listing.returned.append(index)
        elif state is State.TRASHED:
            listing.returned_trashed.append(index)

    def fresh(self, index: int | None) -> State:
        """By id, now; None is the manifest. Raises RemoteError."""
        if index is None:
            known = self.ledger.manifest(self.connection_id)
            return self._judge_manifest(self.remote.stat(known[0])) if known else State.ABSENT
        remote_id = self.ledger.remote_id(self.connection_id, index)
        return self.judge(index, self.remote.stat(remote_id)) if remote_id else State.ABSENT

    def judge(self, index: int, one: Object | None) -> State:
        """Is that the batch? Reads the local copy where the remote knows only an MD5."""
        if one is None:
            return State.ABSENT
        if (one.name, one.size_bytes) != (batch_name(index), self.ledger.range_of(index)[1]):
            return State.DIFFERENT
        is_right = self._has_right_bytes(index, one)
        if is_right is False:
            return State.DIFFERENT
        if one.trashed:
            return State.TRASHED
        return State.RIGHT if is_right else State.UNPROVEN

    def _has_right_bytes(self, index: int, one: Object) -> bool | None:
        if one.sha256 is not None:
            return one.sha256 == self.ledger.batch_sha256(index)
        right = self._right_md5(index) if one.md5 is not None else None
        return None if right is None else one.md5 == right

    def _right_md5(self, index: int) -> bytes | None:
        """From the local copy, if that is right itself."""
        if self.local is None or not self.ledger.is_cached(index):
            return None
        offset, size = self.ledger.range_of(index)
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        try:
            with StoreReader(self.local, offset, size, self.ledger.batch_sha256(index)) as reader:
                for start in range(0, size, _PIECE_BYTES):
                    self.gate(0)
                    piece = reader.read_at(start, min(_PIECE_BYTES, size - start))
                    sha256.update(piece)
                    md5.update(piece)
        except LocalDamaged:
            return None
        return md5.digest() if sha256.digest() == self.ledger.batch_sha256(index) else None

    # The manifest

    def _listed_manifest(self, by_id: dict[str, Object]) -> State:
        known = self.ledger.manifest(self.connection_id)
        if known is None:
            return State.ABSENT
        state = self._judge_manifest(by_id.get(known[0]))
        return state if state is State.RIGHT else self.fresh(None)

    def _judge_manifest(self, one: Object | None) -> State:
        """By what the ledger knows of it alone; what it says is not believed, ids least of all."""
        known = self.ledger.manifest(self.connection_id)
        if one is None or known is None:
            return State.ABSENT
        sha256 = one.sha256 or self._read_sha256(one)
        if one.name != MANIFEST_NAME or (sha256 != known[1] and sha256 != self._manifest_sha256()):
            return State.DIFFERENT
        return State.TRASHED if one.trashed else State.RIGHT

    def _manifest_sha256(self) -> bytes:
        """Of what it should be now: it may have been written, and a crash kept that from the ledger."""
        return hashlib.sha256(manifest_of(self.ledger, self.connection_id)).digest()

    def _read_sha256(self, one: Object) -> bytes | None:
        digest = hashlib.sha256()
        if one.size_bytes > MAX_MANIFEST_BYTES:
            return None
        for piece in self.remote.get(one.remote_id, 0, one.size_bytes, self.gate):
            digest.update(piece)
        return digest.digest()


def list_archive(
    ledger: Ledger, connection_id: str, remote: Remote, gate: Gate, local: Path | None = None, found: Iterable[Object] | None = None
) -> Listing:
    """``Comparison.listing``, in one call."""
    return Comparison(ledger, connection_id, remote, gate, local).listing(found)
