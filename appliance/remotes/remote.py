"""What the appliance asks of a remote, whatever its kind.

Three answers to "is it there?": present (an ``Object``), absent (``None``), unknown (a ``RemoteError`` is raised).
Nothing may follow from unknown. Objects are addressed by the id that the remote gave out, never by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol


class Gate(Protocol):
    """What every piece passes: it waits for the upload limit, counts progress, and ends the work when it has to end."""

    def piece_bytes(self) -> int:
        """How much to move before the next call: 1 to ``PIECE_BYTES``, less under a low limit. Asked anew for each piece."""
        ...

    def __call__(self, size_bytes: int) -> None:
        """Called before a piece of that size is moved; 0 where bytes are only compared or checked, which no limit concerns.

        Raises Stopped when the work has to end; what was moved so far must stay usable.
        """
        ...


Confirm = Callable[[str, int], None]
"""``on_confirmed(session, offset_bytes)``: the remote has safely got the first offset_bytes; ``session`` is opaque, secret,
and handed back to ``put`` to go on there. Not called where the remote's own state tells (a folder's part file)."""

PIECE_BYTES = 256 * 1024
"""No more than this is moved between two calls of a Gate."""


@dataclass(frozen=True, slots=True)
class Object:
    """One object as the remote itself reports it. ``sha256`` is None where the remote did not compute one."""

    remote_id: str
    archive_id: str
    name: str  # "00000000" …, "manifest.json"; of the archive id "catalog": a copy of the catalog
    size_bytes: int
    sha256: bytes | None
    trashed: bool = False
    md5: bytes | None = None  # where there is no SHA-256, and the remote computed this one


@dataclass(frozen=True, slots=True)
class Trashed:
    """One object in the remote's trash. ``remote_id`` is the id it had before (None: not known); ``trash_id`` is what ``purge`` takes."""

    trash_id: str
    remote_id: str | None
    archive_id: str
    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """Space in bytes; ``limit_bytes`` None is unlimited, ``free_bytes`` None is unknown."""

    limit_bytes: int | None
    used_bytes: int | None
    free_bytes: int | None


class Epoch(Protocol):
    """The random word by which a remote tells whether we are still its only writer. One object a connection; thread-safe.

    It changes once a process: ``next`` is chosen and synced before it is written to the remote, and replaces ``accepted``
    once it stands there. So of a card and its clone the one that comes later finds a word that it does not know.
    """

    def accepts(self, found: str) -> bool:
        """Is this what we wrote there (the last word known to be written, or one whose writing was cut off)?"""
        ...

    @property
    def is_fresh(self) -> bool:
        """The new word was written in this process already."""
        ...

    def next(self, found: str | None) -> str:
        """The word to write now that ``found`` stands there; the same one until it was confirmed. Synced."""
        ...

    def written(self, word: str) -> None:
        """It stands in owner.json. From here on only it is accepted. Synced."""
        ...


class BatchReader(Protocol):
    """The bytes to be stored: size and SHA-256 were fixed at ingest."""

    size_bytes: int
    sha256: bytes

    def read_at(self, offset_bytes: int, size_bytes: int) -> bytes:
        """Exactly those bytes. Raises LocalDamaged where the local copy is gone or short."""
        ...


class Remote(Protocol):
    """A place off the machine, already configured. Safe to call from several threads at once."""

    kind: str
    is_local: bool
    """A disk or a share: it comes back all of a sudden, and looking for it costs nothing."""

    def create(self) -> str:
        """Mark, find or make the connection's folder; the id that the connection has to remember. Safe to repeat.

        Nothing of ours is written into it yet. Raises RemoteAway, RemoteForeign (a marker that cannot be understood),
        RemoteReadOnly, RemoteFull, RemoteRefused (not to be seen with these credentials), SignInNeeded.
        """
        ...

    def prepare(self) -> None:
        """Make what must be there before the first write: README.txt, owner.json with our epoch. Safe to repeat.

        Our epoch is changed once a process, so that a cloned card and its original do not both go on (``Epoch``).

        The marker is not made here but once, when the connection is added (``create``).
        Raises RemoteForeign where owner.json carries another epoch, RemoteAway where the place is not there.
        """
        ...

    def check(self) -> None:
        """The place is there, ours, and may be written to. Cheap; called before work starts.

        Raises RemoteAway (not mounted, marker missing), RemoteForeign, RemoteReadOnly.
        """
        ...

    def probe(self) -> None:
        """Write a small object, read it back, delete it: all that a transfer will need. Raises what those raise."""
        ...

    def new_ids(self, archive_id: str, names: list[str], *, is_new: bool = False) -> list[str]:
        """Ids for objects that do not exist yet, in the order of the names. Written to the ledger before they are used.

        ``is_new``: none was ever given out for this archive here, by this process or one before, as far as its ledger tells.
        """
        ...

    def put(
        self, remote_id: str, archive_id: str, name: str, content: BatchReader,
        session: str | None, on_confirmed: Confirm, gate: Gate,
    ) -> Object:  # fmt: skip
        """Store one object and return what the remote reports of it afterwards.

        Safe to repeat with the same remote_id: goes on from the last byte that is safely there, and moves nothing when
        the object is already complete and right (in the trash: taken out of it). A manifest that stands there with other
        bytes is replaced. A batch that does: a folder moves it to its trash first; where objects have ids of their own,
        RemoteTaken is raised, and the caller plans a new id.
        Raises RemoteAway, RemoteBusy, RemoteFull, RemoteReadOnly, RemoteForeign, RemoteTaken, RemoteDamaged (stored bytes
        are not what was sent), LocalDamaged (what was read is not what was ingested), and whatever ``gate`` raises.
        """
        ...

    def stat(self, remote_id: str, gate: Gate | None = None) -> Object | None:
        """What the remote reports of this object, freshly (a folder reads the bytes); None: it is not there.

        What stands under that id but cannot be read, or is no file, is reported with a SHA-256 of zeros.
        """
        ...

    def get(self, remote_id: str, offset_bytes: int, size_bytes: int, gate: Gate) -> Iterator[bytes]:
        """Those bytes in pieces of at most PIECE_BYTES. Raises RemoteDamaged where the object is shorter, or gone."""
        ...

    def list_all(self, gate: Gate) -> Iterator[Object]:
        """All objects of all archives below our appliance id, in any order, trashed ones as in ``list_objects``.

        One sweep: on Drive a call for a thousand objects, whatever the number of archives. Those of ``layout.CATALOG`` are not among them.
        """
        ...

    def list_archives(self) -> Iterator[str]:
        """The archive ids that have a folder below our appliance id."""
        ...

    def list_objects(self, archive_id: str, gate: Gate) -> Iterator[Object]:
        """All objects of the archive, in the order of their names; trashed ones too, where trashing keeps their id (Drive).

        An absent folder lists nothing.
        """
        ...

    def trash(self, remote_id: str) -> None:
        """Move the object to the remote's trash. Absent or trashed already: nothing happens."""
        ...

    def untrash(self, remote_id: str) -> None:
        """Take the object out of the remote's trash, where trashing keeps its id. Elsewhere, or not trashed: nothing happens."""
        ...

    def list_trash(self, gate: Gate) -> Iterator[Trashed]:
        """What of ours lies in the remote's trash, in any order."""
        ...

    def purge(self, trash_id: str) -> None:
        """Delete for ever one object that lies in the trash now. Absent, or not (any more) in the trash: nothing happens."""
        ...

    def list_appliances(self) -> list[str]:
        """The ids of all appliances that have something in the connection's folder, ours too. Sorted."""
        ...

    def take_over(self) -> None:
        """Write our epoch into owner.json whoever's stands there: the former owner stops at his next look.

        Raises RemoteAway, RemoteReadOnly.
        """
        ...

    def keep_signed_in(self) -> None:
        """Called about daily, also when idle: renews what would expire unused. A folder does nothing. Raises SignInNeeded, RemoteAway."""
        ...

    def account(self) -> str | None:
        """Whose it is (an e-mail address), as the remote said last; None where nobody signs in, or it did not say. Asks nothing."""
        ...

    def usage(self) -> Usage:
        """Space on the remote. Raises RemoteAway."""
        ...
