"""What a ledger knows of an archive's batches on one connection."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from itertools import compress

from appliance.catalog.ledger_format import NO_INDEX


@dataclass(slots=True)
class OnConnection:
    """What is known of an archive's batches on one connection. ``plans`` are offsets of the records that hold the ids, 0 for none."""

    connection_id: str
    stored: bytearray
    plans: array[int]
    read_at_s: array[int]  # 0: not since it was stored
    stored_count: int = 0
    read_count: int = 0
    planned_count: int = 0
    sessions: dict[int, tuple[str, int]] = field(default_factory=dict, repr=False)
    manifest_plan: int = 0
    manifest: tuple[str, bytes] | None = None
    manifest_is_current: bool = False
    oldest_s: int = 0  # of read_at_s over what is stored; 0: to be computed
    newest_s: int = 0  # when one was last read back and found right, whatever became of it; 0: none was

    @classmethod
    def empty(cls, connection_id: str, batches: int) -> OnConnection:
        return cls(connection_id, bytearray(batches), array("Q", bytes(8 * batches)), array("I", bytes(4 * batches)))

    def is_planned(self, place: int) -> bool:
        """There is an id for that index (or NO_INDEX)."""
        return bool(self.manifest_plan if place == NO_INDEX else self.plans[place])

    def withdraw(self, index: int) -> None:
        if self.stored[index]:
            self.stored[index] = 0
            self.stored_count -= 1
            self.read_count -= self.read_at_s[index] > 0
            self.read_at_s[index] = 0
            self.oldest_s = 0

    def plan(self, first: int, count: int, offset_bytes: int) -> None:
        """New ids: whatever was stored or begun under others does not count any more."""
        if first == NO_INDEX:
            self.manifest_plan = offset_bytes
            self.sessions.pop(NO_INDEX, None)
            return
        end = first + count
        self.planned_count += self.plans[first:end].count(0)
        self.plans[first:end] = array("Q", [offset_bytes]) * count
        if self.sessions or self.stored.find(1, first, end) >= 0:
            for index in range(first, end):
                self.withdraw(index)
                self.sessions.pop(index, None)
        self.manifest_is_current = False

    def read_back(self, first: int, count: int, at_s: int) -> None:
        for index in range(first, first + count):
            if not self.stored[index]:
                continue
            before = self.read_at_s[index]
            self.read_count += not before
            self.read_at_s[index] = at_s
            self.newest_s = max(self.newest_s, at_s)
            if before == self.oldest_s or at_s < self.oldest_s:
                self.oldest_s = 0

    def oldest(self) -> int | None:
        """When the batch that was read back longest ago was, in seconds; None: none is stored, or one was not read back since."""
        if not self.stored_count or self.read_count < self.stored_count:
            return None
        if not self.oldest_s:
            everything = self.stored_count == len(self.stored)
            self.oldest_s = min(self.read_at_s if everything else compress(self.read_at_s, self.stored))
        return self.oldest_s

    def next_to_read_back(self) -> int | None:
        """The stored batch that was read back longest ago, or never; None: none is stored."""
        if not self.stored_count:
            return None
        oldest = min(compress(self.read_at_s, self.stored))
        index = self.read_at_s.index(oldest)
        while not self.stored[index]:
            index = self.read_at_s.index(oldest, index + 1)
        return index

    def put_stored(self, first: int, content: bytes) -> None:
        """One byte a batch from there on, 1 where it is stored."""
        part = slice(first, first + len(content))
        self.stored_count += content.count(1) - self.stored[part].count(1)
        self.stored[part] = content

    def put_read_at(self, first: int, content: bytes) -> None:
        """Four bytes a batch from there on, the seconds."""
        values = array("I", content)
        part = slice(first, first + len(values))
        self.read_count += self.read_at_s[part].count(0) - values.count(0)
        self.read_at_s[part] = values
        self.newest_s = max(self.newest_s, *values, 0)
        self.oldest_s = 0
