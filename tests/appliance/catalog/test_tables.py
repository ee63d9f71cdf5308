"""TinyDB on the journal: what its users see of tables and documents."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tinydb import where

from appliance.catalog.journal import CatalogDB
from appliance.catalog.tables import CatalogDocument
from appliance.errors import Stopped


@pytest.fixture
def db(memory: Path) -> Iterator[CatalogDB]:
    db = CatalogDB.open(memory / "catalog")
    yield db
    db.close()


def reopened(db: CatalogDB) -> CatalogDB:
    db.close()
    return CatalogDB.open(db._folder)


def test_documents_are_addressed_by_our_own_ids(db: CatalogDB) -> None:
    table = db.table("archives")
    table.put("holiday-2026", {"title": "Holiday"})
    found = table.get(doc_id="holiday-2026")
    assert (found, found.doc_id) == ({"title": "Holiday"}, "holiday-2026")
    assert (table.get(doc_id="other"), table.ids(), len(table)) == (None, ["holiday-2026"], 1)


def test_tinydbs_own_calls_work_and_survive_a_restart(db: CatalogDB) -> None:
    table = db.table("archives")
    given = table.insert({"size": 1})
    table.insert(CatalogDocument({"size": 2}, "second"))
    assert table.update({"seen": True}, where("size") == 2) == ["second"]
    assert table.upsert(CatalogDocument({"size": 3}, "second")) == ["second"]
    assert table.upsert(CatalogDocument({"size": 4}, "third")) == ["third"]
    assert table.remove(where("size") == 1) == [given]
    assert table.remove(doc_ids=["absent"]) == []
    again = reopened(db).table("archives")
    assert dict(again.items()) == {"second": {"size": 3, "seen": True}, "third": {"size": 4}}
    assert (again.count(where("size") > 3), again.contains(doc_id="third"), again.get(where("size") == 4).doc_id) == (1, True, "third")


def test_an_id_that_is_taken_is_not_inserted_again(db: CatalogDB) -> None:
    db.table("archives").put("one", {"n": 1})
    with pytest.raises(ValueError, match="already exists"):
        db.table("archives").insert(CatalogDocument({"n": 2}, "one"))
    assert db.table("archives").get(doc_id="one") == {"n": 1}


def test_removing_without_a_choice_is_refused_and_truncate_empties(db: CatalogDB) -> None:
    table = db.table("archives")
    table.insert_multiple([{"n": 1}, {"n": 2}])
    with pytest.raises(RuntimeError):
        table.remove()
    assert len(table) == 2
    table.truncate()
    assert len(reopened(db).table("archives")) == 0


def test_what_is_handed_out_or_in_can_be_changed_without_changing_the_catalog(db: CatalogDB) -> None:
    table = db.table("archives")
    mine = {"source": {"path": ["a"]}}
    table.put("one", mine)
    mine["source"]["path"].append("mine")
    found = [table.get(doc_id="one"), table.all()[0], table.search(where("source").exists())[0], dict(table.items())["one"]]
    for document in found:
        document["source"]["path"].append("theirs")
    assert table.get(doc_id="one") == {"source": {"path": ["a"]}}


def test_a_search_never_answers_from_before_a_change(db: CatalogDB) -> None:
    table, query = db.table("archives"), where("n") == 1
    assert table.search(query) == []
    db.apply({"archives": {"one": {"n": 1}}})
    assert table.search(query) == [{"n": 1}]
    CatalogDB.table(db, "archives").update({"n": 2}, doc_ids=["one"])
    assert table.search(query) == []


def test_several_tables_change_as_one_record(db: CatalogDB) -> None:
    db.apply({"archives": {"a": {"n": 1}, "b": {"n": 1}}, "uploads": {"u": {"n": 1}}})
    size_before = db._journal.size_bytes
    db.apply({"archives": {"a": None, "b": {"n": 2}}, "uploads": {"u": None}, "settings": {}})
    lines = (db._folder / "journal-1").read_bytes()[size_before:]
    assert lines.count(b"\n") == 1
    again = reopened(db)
    assert dict(again.table("archives").items()) == {"b": {"n": 2}}
    assert again.tables() == {"archives"}


def test_a_change_that_changes_nothing_writes_nothing(db: CatalogDB) -> None:
    db.table("archives").put("one", {"n": 1})
    size_before = db._journal.size_bytes
    db.table("archives").update({"n": 1}, doc_ids=["one", "absent"])
    db.apply({"archives": {}})
    assert db._journal.size_bytes == size_before


@pytest.mark.parametrize("document", [{"n": float("nan")}, {"n": {1, 2}}, {"n": b"bytes"}, [1], "text"])
def test_what_json_cannot_say_is_refused_and_changes_nothing(db: CatalogDB, document: object) -> None:
    db.table("archives").put("one", {"n": 1})
    with pytest.raises((TypeError, ValueError)):
        db.apply({"archives": {"one": None, "two": document}})  # type: ignore[dict-item]  # the point of the test
    assert dict(reopened(db).table("archives").items()) == {"one": {"n": 1}}


def test_an_updater_that_fails_half_way_changes_nothing(db: CatalogDB) -> None:
    table = db.table("archives")
    table.insert_multiple([{"n": 1}, {"n": 2}])

    def fails_on_two(document: object) -> None:
        assert isinstance(document, dict)
        document["seen"] = 1 // (2 - document["n"])

    with pytest.raises(ZeroDivisionError):
        table.update(fails_on_two)
    assert all("seen" not in document for document in table.all())


@pytest.mark.parametrize("text", ["Übung 日本", "a\nb\u2028c\x00", "\udcff\udc80", "\ud83d" + "\ude00", '"\\'])
def test_any_text_comes_back_as_it_was_after_restart_and_compaction(db: CatalogDB, text: str) -> None:
    db.apply({text: {text: {text: text}}})
    again = reopened(db)
    assert again.table(text).get(doc_id=text) == {text: text}
    again.compact()
    assert reopened(again).table(text).get(doc_id=text) == {text: text}


def test_tinydb_drops_tables_through_the_journal(db: CatalogDB) -> None:
    db.apply({"archives": {"a": {"n": 1}}, "uploads": {"u": {"n": 1}}})
    db._tiny.drop_table("uploads")
    assert reopened(db).tables() == {"archives"}


def test_many_threads_change_one_document_and_no_change_is_lost(db: CatalogDB) -> None:
    table = db.table("counters")
    table.put("one", {"n": 0})
    seen: list[int] = []
    first: list[int] = []

    def insert_once(number: int) -> None:
        with contextlib.suppress(ValueError):
            table.insert(CatalogDocument({}, f"once-{number}"))
            first.append(number)

    def count() -> None:
        for number in range(25):
            insert_once(number)
            table.update(lambda document: document.__setitem__("n", document["n"] + 1), doc_ids=["one"])
            table.insert({"of": "a thread"})
            seen.append(sum(1 for _ in table.items()))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = reopened(db).table("counters")
    assert (again.get(doc_id="one"), len(again), len(seen)) == ({"n": 100}, 126, 100)
    assert sorted(first) == list(range(25))


def test_a_walk_sees_one_moment_whatever_is_changed_meanwhile(db: CatalogDB) -> None:
    table = db.table("archives")
    table.insert_multiple([{"n": 1}, {"n": 2}])
    for doc_id, row in table.items():
        table.put(f"{doc_id}-copy", row)
    assert len(table) == 4
    for document in table:
        table.remove(doc_ids=[str(document.doc_id)])
    assert len(table) == 0


def test_a_closed_catalog_refuses_changes(db: CatalogDB) -> None:
    db.close()
    with pytest.raises(Stopped):
        db.table("archives").put("one", {})
