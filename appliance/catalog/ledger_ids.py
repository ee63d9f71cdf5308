"""Remote ids in a ledger: kept in the file, many in one record, and read when asked for; and what texts may be kept."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.catalog.ledger_connection import OnConnection
from appliance.catalog.ledger_format import NO_INDEX, Kind, damaged, read_record
from appliance.catalog.ledger_state import PLACE, State, bytes_of
from appliance.errors import BadRequest

MAX_TEXT_BYTES = 16 * 1024
_MAX_REASON_BYTES = 300
_MAX_RUN_BYTES = 32 * 1024


class IdReader:
    """Keeps the record that was read last, because neighbours are asked for one after the other. Not thread-safe."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._of: tuple[State, int] | None = None
        self._first = 0
        self._ids: list[bytes] = []

    def read(self, fd: int, state: State, on: OnConnection, place: int) -> bytes | None:
        """The id at that index (or NO_INDEX); None: none was planned. Raises LedgerDamaged, OSError."""
        offset = on.manifest_plan if place == NO_INDEX else on.plans[place]
        if not offset:
            return None
        if self._of is None or self._of[0] is not state or self._of[1] != offset:
            self._load(fd, offset)
            self._of = (state, offset)
        return self._ids[place - self._first]

    def _load(self, fd: int, offset_bytes: int) -> None:
        record = read_record(fd, offset_bytes)
        if record is None or record.kind != Kind.PLAN:
            raise damaged(self._name, offset_bytes, "a record of remote ids cannot be read back any more")
        self._first = PLACE.unpack_from(record.payload)[1]
        self._ids = record.payload[PLACE.size :].split(b"\0")


def runs(pairs: list[tuple[int, bytes]]) -> Iterator[tuple[int, list[bytes]]]:
    """First index and ids of what fits into one record each; the pairs are sorted."""
    first, ids, size = 0, list[bytes](), 0
    for index, remote_id in pairs:
        if ids and (index != first + len(ids) or size > _MAX_RUN_BYTES):
            yield first, ids
            ids, size = [], 0
        first = first if ids else index
        ids.append(remote_id)
        size += len(remote_id) + 1
    if ids:
        yield first, ids


def id_bytes(remote_id: str) -> bytes:
    """Raises BadRequest on what is no id."""
    content = bytes_of(remote_id)
    if not content or b"\0" in content or len(content) > MAX_TEXT_BYTES:
        raise BadRequest("a remote gave out an id that cannot be kept (empty, too long, or with a NUL)")
    return content


def limited(text: str) -> bytes:
    """Raises BadRequest on more than 16 KiB."""
    content = bytes_of(text)
    if len(content) > MAX_TEXT_BYTES:
        raise BadRequest(f"a text of {len(content)} bytes is too long to be kept; {MAX_TEXT_BYTES} are the most")
    return content


def shortened(reason: str) -> bytes:
    """Enough for a person; a batch's life must stay small in the ledger."""
    return bytes_of(reason)[:_MAX_REASON_BYTES].decode(errors="ignore").encode()
