"""TinyDB on our journal: its documented seams, a Storage and a Table, with documents addressed by our own ids (text).

What TinyDB hands out are copies, so that nobody changes the stored state by accident. Nothing is cached, so nothing is stale.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, TypeVar

import tinydb
from tinydb.queries import QueryLike
from tinydb.storages import Storage
from tinydb.table import Document, Table
from tinydb.utils import LRUCache

Row = dict[str, Any]
Tables = dict[str, dict[str, Row]]
Changes = Mapping[str, Mapping[str, Mapping[str, Any] | None]]
Fields = Mapping[str, Any] | Callable[[MutableMapping[str, Any]], None]
_K = TypeVar("_K")
_V = TypeVar("_V")


def merge(tables: Tables, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Apply one change: table, document id, and the new document or None for its removal."""
    for table, documents in changes.items():
        rows = tables.setdefault(table, {})
        for doc_id, document in documents.items():
            if document is None:
                rows.pop(doc_id, None)
            else:
                rows[doc_id] = document


def copied(value: Any) -> Any:
    """A copy of JSON data, all the way down."""
    if isinstance(value, Mapping):
        return {key: copied(each) if isinstance(each, (dict, list)) else each for key, each in value.items()}
    if isinstance(value, list):
        return [copied(each) for each in value]
    return value


class CatalogDocument(Document):
    """A copy of a document, with its id in ``doc_id``."""

    doc_id: str  # type: ignore[assignment]  # TinyDB's annotation knows numbers only, its code takes any class

    def __init__(self, value: Mapping[str, Any], doc_id: str) -> None:
        super().__init__(copied(value), doc_id)  # type: ignore[arg-type]  # as above


class _NoCache(LRUCache[_K, _V]):
    """TinyDB's query cache knows nothing of changes made through another table object, and is not thread-safe."""

    def get(self, key: _K, default: Any = None) -> Any:  # noqa: ARG002 - TinyDB's signature
        return default

    def set(self, key: _K, value: _V) -> None:
        """Forget it."""


class JournalStorage(Storage):
    """The state in memory, and the way to change it: ``apply`` journals a change, then merges it in.

    Rows are never changed in place, only replaced: a shallow copy is a snapshot. ``writing`` serialises changes,
    ``memory`` is held only while rows are replaced or listed, so that a reader never waits for the disk.
    """

    def __init__(self, tables: Tables, apply: Callable[[Changes], None], writing: threading.RLock) -> None:
        self.tables = tables
        self.apply = apply
        self.writing = writing
        self.memory = threading.Lock()

    def merge(self, changes: Changes) -> None:
        with self.memory:
            merge(self.tables, changes)

    def rows(self, table: str) -> dict[str, Row]:
        """The live rows: for looking one up. Not to be changed, and not to be walked."""
        return self.tables.get(table, {})

    def listed(self, table: str) -> dict[str, Row]:
        """The rows of this moment, for walking; about a millisecond for 100,000."""
        with self.memory:
            return dict(self.rows(table))

    def snapshot(self) -> Tables:
        """All rows of this moment."""
        with self.memory:
            return {name: dict(rows) for name, rows in self.tables.items() if rows}

    def read(self) -> dict[str, dict[str, Any]] | None:
        return self.snapshot()

    def write(self, data: Mapping[str, Mapping[str, Any]]) -> None:
        """Make this the whole state (TinyDB does so to drop tables); what differs is one change."""
        with self.writing:
            old = self.snapshot()
            self.apply({name: _difference(old.get(name, {}), data.get(name, {})) for name in {*old, *data}})


def _difference(old: Mapping[str, Row], new: Mapping[str, Any]) -> dict[str, Any]:
    gone = {doc_id: None for doc_id in old if doc_id not in new}
    return {**gone, **{doc_id: row for doc_id, row in new.items() if old.get(doc_id) != row}}


class _Rows(Mapping[str, Row]):
    """What TinyDB reads a table through."""

    def __init__(self, storage: JournalStorage, table: str) -> None:
        self._storage = storage
        self._table = table

    def __getitem__(self, doc_id: str) -> Row:
        return self._storage.rows(self._table)[doc_id]

    def __len__(self) -> int:
        return len(self._storage.rows(self._table))

    def __iter__(self) -> Iterator[str]:
        return iter(self._storage.listed(self._table))

    def items(self) -> ItemsView[str, Row]:
        return self._storage.listed(self._table).items()


class Draft(MutableMapping[str, Row]):
    """A table while it is being changed: a row is copied when it is first touched, and ``changes`` says what differs."""

    def __init__(self, base: Mapping[str, Row]) -> None:
        self._base = base
        self._touched: dict[str, Row | None] = {}

    def __getitem__(self, doc_id: str) -> Row:
        if doc_id not in self._touched:
            self._touched[doc_id] = copied(self._base[doc_id])
        row = self._touched[doc_id]
        if row is None:
            raise KeyError(doc_id)
        return row

    def __setitem__(self, doc_id: str, row: Row) -> None:
        self._touched[doc_id] = row

    def __delitem__(self, doc_id: str) -> None:
        if doc_id not in self:
            raise KeyError(doc_id)
        self._touched[doc_id] = None

    def __contains__(self, doc_id: object) -> bool:
        return self._touched[doc_id] is not None if doc_id in self._touched else doc_id in self._base

    def __iter__(self) -> Iterator[str]:
        added = [doc_id for doc_id in self._touched if doc_id not in self._base]
        return (doc_id for doc_id in [*self._base, *added] if doc_id in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        self._touched = dict.fromkeys(self._base)

    def changes(self) -> dict[str, Row | None]:
        """The rows that differ from before; None for one that is gone."""
        return {doc_id: row for doc_id, row in self._touched.items() if self._base.get(doc_id) != row}


class JournalledTable(Table):
    """A table of the catalog. A change by id costs the same however large the table is; one by condition looks at every row.

    Each method that changes something is one synced record: it happens as a whole or not at all. All of them raise DiskFull
    or CatalogUnwritable, and then nothing was changed; TypeError or ValueError for what JSON cannot say. Thread-safe.
    """

    document_class = CatalogDocument  # type: ignore[assignment]  # its ids are text
    document_id_class = str  # type: ignore[assignment]  # the seam that TinyDB documents for ids of another kind
    query_cache_class = _NoCache
    _storage: JournalStorage

    def put(self, doc_id: str, document: Mapping[str, Any]) -> None:
        """The document under this id is this one from now on."""
        self._storage.apply({self.name: {doc_id: document}})

    def ids(self) -> list[str]:
        return list(self._storage.listed(self.name))

    def items(self) -> Iterator[tuple[str, Row]]:
        """Ids and copies of the documents of one moment; each copy is made when it is reached."""
        return ((doc_id, copied(row)) for doc_id, row in self._storage.listed(self.name).items())

    def get(  # type: ignore[override]  # ids are text
        self, cond: QueryLike | None = None, doc_id: str | None = None, doc_ids: Iterable[str] | None = None
    ) -> Any:
        """A copy of the document with that id, or of the first that fulfils the condition; None where there is none."""
        if doc_ids is not None:
            return [found for each in doc_ids if (found := self.get(doc_id=each)) is not None]
        plain: Any = super()
        return plain.get(cond, doc_id)

    def contains(self, cond: QueryLike | None = None, doc_id: str | None = None) -> bool:  # type: ignore[override]  # ids are text
        return self.get(cond, doc_id) is not None

    def insert(self, document: Mapping[str, Any]) -> str:  # type: ignore[override]  # ids are text
        """The new id; that of a CatalogDocument is kept (ValueError where it is taken)."""
        return str(super().insert(document))

    def update(  # type: ignore[override]  # ids are text
        self, fields: Fields, cond: QueryLike | None = None, doc_ids: Iterable[str] | None = None
    ) -> list[str]:
        """Change fields of documents; the ids of those that were there."""
        with self._storage.writing:
            return [str(each) for each in super().update(fields, doc_ids=self._chosen(cond, doc_ids))]  # type: ignore[arg-type]  # ids are text

    def remove(self, cond: QueryLike | None = None, doc_ids: Iterable[str] | None = None) -> list[str]:  # type: ignore[override]  # ids are text
        """The ids of the documents that were there and are gone now. Raises RuntimeError without a choice."""
        with self._storage.writing:
            return [str(each) for each in super().remove(doc_ids=self._chosen(cond, doc_ids))]  # type: ignore[arg-type]  # ids are text

    def upsert(self, document: Mapping[str, Any], cond: QueryLike | None = None) -> list[str]:  # type: ignore[override]  # ids are text
        """Change the fields of the documents that are meant (by a CatalogDocument's id, or the condition), or insert this one."""
        with self._storage.writing:
            return [str(each) for each in super().upsert(document, cond)]

    def _chosen(self, cond: QueryLike | None, doc_ids: Iterable[str] | None) -> Iterable[str] | None:
        # TinyDB would look at each row through the draft, which copies what it touches.
        if doc_ids is not None or cond is None:
            return doc_ids
        return [doc_id for doc_id, row in self._storage.listed(self.name).items() if cond(row)]

    def _get_next_id(self) -> str:
        return secrets.token_hex(8)

    def _read_table(self) -> Mapping[str, Row]:  # type: ignore[override]  # TinyDB only reads it
        return _Rows(self._storage, self.name)

    def _update_table(self, updater: Callable[[Any], None]) -> None:
        with self._storage.writing:
            draft = Draft(self._storage.rows(self.name))
            updater(draft)
            self._storage.apply({self.name: draft.changes()})


class CatalogTinyDB(tinydb.TinyDB):
    """TinyDB with our tables."""

    table_class = JournalledTable
