"""The check of a remote by one sweep: what is believed, what is looked at again, and what is never concluded."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import RemoteAway, RemoteBusy
from tests.appliance.integrity.id_remote import BATCH, Place
from tests.inside import Inside
from tests.waiting import wait_for


def only(place: Place, archive_id: str, name: str) -> str:
    (remote_id,) = place.named(archive_id, name)
    return remote_id


def verify(inside: Inside, **parameters: Any) -> dict[str, Any]:
    job = inside.job("integrity/verify", remote=True, **parameters)
    assert job["state"] == "done", job
    return dict(job["result"])


def stored_count(inside: Inside, archive_id: str) -> int:
    return int(inside.show(archive_id)["batches_stored"])


def test_a_clean_check_of_everything_is_one_sweep_and_asks_for_nothing_by_id(
    ids: Inside, place: Place, stored: str, content: bytes
) -> None:
    second = ids.put(content[: BATCH + 1], "second")
    ids.wait_remote(second)
    place.calls.clear()
    result = verify(ids)
    assert (result["damage_left"], result["unknown"], result["batches_checked"]) == (0, [], 7)
    assert (place.calls["list_all"], place.calls["list_objects"], place.calls["stat"]) == (1, 0, 0)
    assert stored


def test_what_a_lagging_listing_does_not_show_is_found_by_id_and_nothing_follows(ids: Inside, place: Place, stored: str) -> None:
    place.hidden |= set(place.objects)
    puts = place.calls["put"]
    result = verify(ids, repair=True)
    assert (result["findings"], result["unknown"]) == ([], [])
    assert stored_count(ids, stored) == 5
    assert place.calls["put"] == puts


@pytest.mark.parametrize("name", ["00000002", "manifest.json"])
def test_absence_that_a_second_look_takes_back_has_no_consequence(ids: Inside, place: Place, stored: str, name: str) -> None:
    lagging = only(place, stored, name)
    place.hidden.add(lagging)
    place.absent[lagging] = 1
    puts = place.calls["put"]
    assert verify(ids, repair=True)["findings"] == []
    assert (ids.show(stored)["rung"], place.calls["put"]) == ("remote", puts)


def test_absence_confirmed_twice_is_damage_and_the_batch_is_sent_again(ids: Inside, place: Place, stored: str, content: bytes) -> None:
    gone = only(place, stored, "00000002")
    del place.objects[gone]
    result = verify(ids, repair=True)
    assert [(f["batch_index"], f["what"], f["repaired"]) for f in result["findings"]] == [(2, "missing on the remote", True)]
    assert place.objects[only(place, stored, "00000002")].content == content[2 * BATCH : 3 * BATCH]


@pytest.mark.parametrize("method", ["check", "list_all", "listed", "stat"])
def test_an_error_while_asking_is_unknown_and_nothing_is_written_down(ids: Inside, place: Place, stored: str, method: str) -> None:
    ids.wait_remote(stored)
    place.hidden.add(only(place, stored, "00000001"))
    ids.ask("transfer/pause")
    place.raises[method] = [RemoteAway("the line is cut")]
    result = verify(ids)
    assert result["findings"] == []
    assert result["unknown"] == ["connection ids: the line is cut"]
    assert stored_count(ids, stored) == 5


def test_an_error_at_the_second_look_is_unknown_as_well(ids: Inside, place: Place, stored: str) -> None:
    del place.objects[only(place, stored, "00000001")]
    ids.ask("transfer/pause")

    def cut_after_the_first(method: str) -> None:
        if method == "stat" and place.calls["stat"]:
            raise RemoteAway("the line is cut")

    place.calls.clear()
    place.before = cut_after_the_first
    result = verify(ids)
    assert (result["findings"], len(result["unknown"])) == ([], 1)
    assert stored_count(ids, stored) == 5


def test_a_sweep_that_the_remote_was_too_busy_for_is_made_again(ids: Inside, place: Place, stored: str) -> None:
    place.raises["listed"] = [RemoteBusy("too many requests", 0.01), RemoteBusy("too many requests")]
    result = verify(ids)
    assert (result["findings"], result["unknown"]) == ([], [])
    assert place.calls["list_all"] == 3
    assert stored


@pytest.mark.parametrize("name", ["00000003", "manifest.json"])
def test_what_lies_in_the_remotes_trash_is_taken_out_of_it_and_not_sent_again(ids: Inside, place: Place, stored: str, name: str) -> None:
    trashed = only(place, stored, name)
    place.trash(trashed)
    puts = place.calls["put"]
    result = verify(ids)
    assert [(f["what"], f["repaired"]) for f in result["findings"]] == [("was in the remote's trash", True)]
    assert not place.objects[trashed].trashed
    assert (ids.show(stored)["rung"], place.calls["put"]) == ("remote", puts)


def test_what_was_withdrawn_while_it_lay_in_the_trash_counts_again_when_it_is_out(ids: Inside, place: Place, stored: str) -> None:
    ids.release(stored)
    trashed = only(place, stored, "00000003")
    place.trash(trashed)
    place.raises["untrash"] = [RemoteAway("the line is cut")]
    assert verify(ids)["damage_left"] == 1
    assert ids.show(stored)["health"] == "lost"
    assert verify(ids)["damage_left"] == 0
    assert (ids.show(stored)["rung"], ids.show(stored)["health"]) == ("remote", "ok")


def test_in_adopt_mode_a_check_says_what_is_wrong_and_changes_nothing_there(ids: Inside, place: Place, stored: str) -> None:
    trashed = only(place, stored, "00000003")
    place.trash(trashed)
    connection = ids.app.connections.find("ids")
    ids.app.connections.change(connection.id, adopting="its catalog is newer than ours")
    assert verify(ids)["damage_left"] == 1
    assert place.objects[trashed].trashed


def test_where_the_remote_knows_only_an_md5_the_local_copy_tells_what_is_right(ids: Inside, place: Place, stored: str) -> None:
    place.no_sha256 = True
    ids.ask("transfer/pause")
    assert verify(ids)["findings"] == []
    place.flip(only(place, stored, "00000001"))
    result = verify(ids)
    assert [(f["batch_index"], f["what"]) for f in result["findings"]] == [(1, "different on the remote")]


def test_an_md5_proves_enough_for_a_release_only_while_it_is_that_of_the_local_copy(ids: Inside, place: Place, stored: str) -> None:
    place.no_sha256 = True
    ids.release(stored)
    assert not ids.show(stored)["local"]


@pytest.mark.parametrize("no_md5", [False, True])
def test_without_local_copy_and_sha256_a_batch_is_unknown_and_never_damage(
    ids: Inside, place: Place, stored: str, content: bytes, no_md5: bool
) -> None:
    ids.release(stored)
    place.no_sha256, place.no_md5 = True, no_md5
    result = verify(ids)
    assert result["findings"] == []
    assert "no checksum of 5 batches" in str(result["unknown"])
    assert (ids.show(stored)["rung"], ids.show(stored)["health"]) == ("remote", "ok")
    assert verify(ids, read_back=True)["findings"] == []
    assert ids.show(stored)["rung"] == "proven"
    assert content


def test_no_checksum_at_all_is_no_proof_for_a_release(ids: Inside, place: Place, stored: str, content: bytes) -> None:
    place.no_sha256 = place.no_md5 = True
    job = ids.job("archive/release", archive=stored)
    assert (job["state"], job["error"]["code"]) == ("failed", "refused")
    assert "5 without a checksum" in job["error"]["message"]
    assert ids.local_bytes(stored) == content


def test_a_removal_does_not_wait_for_a_sweep(ids: Inside, place: Place, stored: str) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def hold(method: str) -> None:
        if method == "listed":
            reached.set()
            assert go_on.wait(10)

    place.before = hold
    job_id = ids.ask("integrity/verify", remote=True)["job_id"]
    assert reached.wait(10)
    ids.ask("archive/remove", archive=stored)  # would raise Conflict while the check had the archive
    go_on.set()
    job = wait_for(lambda: (j := ids.ask("integrity/job", job_id=job_id))["state"] != "running" and j)
    assert (job["state"], job["result"]["findings"]) == ("done", [])


def test_a_batch_that_reads_back_wrong_once_is_read_again_and_twice_is_damage(ids: Inside, place: Place, stored: str) -> None:
    bad = only(place, stored, "00000004")
    good, reads = place.objects[bad], 0

    def hurt_on_its_way(method: str) -> None:
        nonlocal reads
        if method == "get":
            reads += 1
            place.objects[bad] = good
            if reads == 5:
                place.flip(bad)

    place.before = hurt_on_its_way
    assert verify(ids, read_back=True)["findings"] == []
    assert reads == 6
    place.before = lambda _: None
    ids.ask("transfer/pause")

    def lie(method: str) -> None:  # the remote tells the right checksum and gives out other bytes
        place.objects[bad] = good
        if method == "get":
            place.flip(bad)

    place.before = lie
    result = verify(ids, read_back=True)
    assert [(f["batch_index"], f["what"]) for f in result["findings"]] == [(4, "reads back different")]


def test_damage_of_a_released_archive_is_mended_from_another_connection(ids: Inside, place: Place, stored: str, tmp_path: Path) -> None:
    ids.connect(tmp_path / "disk")
    disk = ids.app.connections.find("disk").id
    wait_for(lambda: disk in (standings := ids.app.library.view(stored).standings) and standings[disk].rung == "remote")
    ids.ask("connection/activate", connection="ids")
    ids.release(stored)
    del place.objects[only(place, stored, "00000002")]
    result = verify(ids, repair=True)
    assert [(f["batch_index"], f["repaired"]) for f in result["findings"]] == [(2, True)]
    assert not ids.show(stored)["local"]
    assert only(place, stored, "00000002")


def test_a_repair_gives_up_where_no_good_copy_is_left(ids: Inside, place: Place, stored: str) -> None:
    ids.release(stored)
    del place.objects[only(place, stored, "00000002")]
    result = verify(ids, repair=True)
    assert (result["damage_left"], ids.show(stored)["health"]) == (1, "lost")
