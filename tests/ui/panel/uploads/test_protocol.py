"""tus 1.0 to the letter, and clients that do not keep to it: each gets a clear answer, and nothing changes."""

from __future__ import annotations

import base64
import hashlib
import random
import re
from pathlib import Path
from typing import Any

import pytest

from tests.processes import House
from tests.ui.panel.uploads.rig import KIB, MIB, PLACE, Serving, Tus

CONTENT = random.Random(5).randbytes(3 * MIB + 17)


def begun(tus: Tus, size_bytes: int = len(CONTENT), **named: str) -> str:
    made = tus.create(size_bytes, named={"filename": "film.mkv"} | named)
    assert made.status == 201, made
    return made.id


def local_copy(house: House, archive_id: str) -> bytes:
    return Path(house.ask("archive/locate", archive=archive_id)["path"]).read_bytes()


def test_a_file_in_pieces_becomes_an_archive_with_every_byte_and_its_owner(tus: Tus, house: House) -> None:
    made = tus.create(len(CONTENT), named={"filename": "Ferien 2026 ☀.mkv", "title": "Ferien", "relativePath": "a/b.mkv"})
    assert (made.status, made.headers["location"]) == (201, f"{PLACE}/{made.id}")
    assert made.headers["tus-resumable"] == "1.0.0"
    assert made.headers["upload-expires"].endswith("GMT")
    first = tus.patch(made.id, 0, CONTENT[:MIB])
    assert (first.status, first.offset) == (204, MIB)
    assert first.headers["upload-expires"]
    head = tus.head(made.id)
    assert (head.status, head.offset, head.headers["upload-length"], head.headers["cache-control"]) == (
        200, MIB, str(len(CONTENT)), "no-store",
    )  # fmt: skip
    last = tus.patch(made.id, MIB, CONTENT[MIB:])
    assert (last.status, last.offset) == (204, len(CONTENT))
    # The answer to the last byte is an acknowledgement: it is an archive now, not soon.
    archive_id = last.headers["pyarchive-archive"]
    archive = house.show(archive_id)
    assert (archive["title"], archive["file_name"], archive["owner"]) == ("Ferien", "Ferien 2026 ☀.mkv", "anna")
    assert archive["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert local_copy(house, archive_id) == CONTENT
    again = tus.head(made.id)
    assert (again.status, again.offset, again.headers["pyarchive-archive"]) == (200, len(CONTENT), archive_id)
    assert tus.patch(made.id, len(CONTENT), b"").status == 409
    assert tus.delete(made.id).status == 409
    assert not [each for each in tus.unfinished() if each["id"] == made.id]


def test_an_empty_file_is_acknowledged_by_its_creation(tus: Tus, house: House) -> None:
    made = tus.create(0, named={"filename": "empty"})
    assert (made.status, made.offset) == (201, 0)
    assert house.show(made.headers["pyarchive-archive"])["size_bytes"] == 0


def test_a_small_file_may_come_with_its_creation(tus: Tus, house: House) -> None:
    made = tus.create(5, b"hello", Content_Type="application/offset+octet-stream")
    assert (made.status, made.offset) == (201, 5)
    assert local_copy(house, made.headers["pyarchive-archive"]) == b"hello"


def test_what_the_server_can_do_is_told(tus: Tus) -> None:
    for path in (PLACE, f"{PLACE}/{'0' * 32}"):
        told = tus.ask("OPTIONS", path, Tus_Resumable="-")
        assert (told.status, told.headers["tus-version"]) == (204, "1.0.0")
        assert set(told.headers["tus-extension"].split(",")) == {
            "creation", "creation-with-upload", "termination", "checksum", "expiration",
        }  # fmt: skip
        assert told.headers["tus-checksum-algorithm"] == "sha1,sha256"


def test_a_creation_whose_answer_was_lost_is_not_made_twice(tus: Tus, house: House) -> None:
    first, second = (begun(tus, attempt="one try of a page") for _ in range(2))
    assert first == second
    assert Tus(tus.port, "t-ben").create(len(CONTENT), named={"filename": "f", "attempt": "one try of a page"}).id != first
    assert tus.create(1, named={"filename": "f", "attempt": "one try of a page"}).status == 400


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"Tus_Resumable": "-"}, 412, "Tus-Resumable: 1.0.0"),
        ({"Tus_Resumable": "0.2.2"}, 412, "Tus-Resumable: 1.0.0"),
        ({"Upload_Length": "-"}, 400, "Upload-Length is missing"),
        ({"Upload_Length": "-", "Upload_Defer_Length": "1"}, 400, "size must be known"),
        ({"Upload_Length": "-1"}, 400, "whole number"),
        ({"Upload_Length": "1e3"}, 400, "whole number"),
        ({"Upload_Length": str(10**17)}, 413, "can be used"),
        ({"Upload_Metadata": "filename not!base64"}, 400, "base64"),
        ({"Upload_Metadata": "filename /w=="}, 400, "UTF-8"),
        ({"Upload_Metadata": "filename YQ==,filename YQ=="}, 400, "comes twice"),
        ({"Upload_Metadata": "filename " + "YWFh" * 6000}, 400, "16384"),
        ({"Upload_Metadata": "filename " + base64.b64encode(b"a" * 5000).decode()}, 400, "4096"),
        ({"Upload_Metadata": "filename YQ==,owner " + base64.b64encode(b"ben").decode()}, 403, "only an admin"),
        ({"Origin": "http://evil.example"}, 403, "another site"),
        ({"Sec_Fetch_Site": "cross-site"}, 403, "another site"),
    ],
)
def test_a_wrong_creation_is_refused_in_words_and_announces_nothing(
    tus: Tus, house: House, headers: dict[str, Any], status: int, words: str
) -> None:
    before = house.ask("archive/uploads")["total"]
    made = tus.create(10, **headers)
    assert made.status == status, made
    assert words in made.text
    assert house.ask("archive/uploads")["total"] == before


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "..", "/", "C:\\x\\con.txt", "a\x00b\nc\x1b[31m", "<img src=x onerror=alert(1)>", "ü" * 300, "💾.iso", " . "],
)
def test_hostile_names_do_no_harm(tus: Tus, house: House, name: str) -> None:
    made = tus.create(4, b"data", named={"filename": name, "relativePath": f"../../{name}"}, Content_Type="application/offset+octet-stream")
    assert made.status == 201, made
    place = Path(house.ask("archive/locate", archive=made.headers["pyarchive-archive"])["path"])
    assert place.resolve().parent == house.data / "store" / made.headers["pyarchive-archive"]
    assert len(place.name.encode()) <= 200
    archive = house.show(made.headers["pyarchive-archive"])
    assert not set("\x00\n\x1b") & set(archive["title"] + archive["file_name"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus_Resumable": "-"}, 412),
        ({"Content_Type": "application/octet-stream"}, 415),
        ({"Content_Type": "-"}, 415),
        ({"Upload_Offset": "-"}, 400),
        ({"Upload_Offset": "0x10"}, 400),
        ({"Upload_Offset": "5"}, 409),
        ({"Upload_Offset": str(10**17)}, 409),
        ({"Upload_Checksum": "crc32 AAAA"}, 400),
        ({"Upload_Checksum": "sha1 AAAA"}, 400),
        ({"Upload_Checksum": "sha1 !"}, 400),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_wrong_patch_is_refused_and_changes_nothing(tus: Tus, headers: dict[str, Any], status: int) -> None:
    upload_id = begun(tus)
    assert tus.patch(upload_id, 0, b"x" * KIB).status == 204
    assert tus.patch(upload_id, KIB, b"y" * KIB, **headers).status == status
    assert tus.head(upload_id).offset == KIB


def test_more_bytes_than_announced_are_refused_before_and_while_they_come(tus: Tus, house: House) -> None:
    upload_id = begun(tus, 100)
    assert tus.patch(upload_id, 0, b"x" * 101).status == 413
    assert tus.head(upload_id).offset == 0
    chunked = b"".join(b"40\r\n" + b"x" * 64 + b"\r\n" for _ in range(3)) + b"0\r\n\r\n"
    with tus.half_patch(upload_id, 0, chunked, Transfer_Encoding="chunked") as wire:
        assert wire.recv(4096).startswith(b"HTTP/1.1 413")
    assert tus.head(upload_id).offset <= 100


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_wrong_checksum_discards_the_chunk_and_a_right_one_keeps_it(tus: Tus, house: House, algorithm: str) -> None:
    upload_id = begun(tus)
    sums = [base64.b64encode(hashlib.new(algorithm, part).digest()).decode() for part in (CONTENT[:MIB], CONTENT[MIB:])]
    assert tus.patch(upload_id, 0, CONTENT[:MIB], Upload_Checksum=f"{algorithm} {sums[0]}").status == 204
    wrong = tus.patch(upload_id, MIB, b"?" + CONTENT[MIB + 1 :], Upload_Checksum=f"{algorithm} {sums[1]}")
    assert wrong.status == 460
    assert tus.head(upload_id).offset == MIB
    headers = {"Upload_Checksum": f"{algorithm} {sums[1]}", "Content_Length": len(CONTENT) - MIB}
    tus.half_patch(upload_id, MIB, CONTENT[MIB : 2 * MIB], **headers).close()
    assert tus.head(upload_id).offset == MIB
    last = tus.patch(upload_id, MIB, CONTENT[MIB:], Upload_Checksum=f"{algorithm} {sums[1]}")
    assert last.status == 204
    assert local_copy(house, last.headers["pyarchive-archive"]) == CONTENT


def test_to_a_stranger_an_upload_is_not_there_whatever_is_asked(panel: Serving, tus: Tus) -> None:
    upload_id = begun(tus)
    tus.patch(upload_id, 0, CONTENT[:KIB])
    for token in ("t-ben", "t-root"):
        other = Tus(panel.port, token)
        for answer in (other.head(upload_id), other.patch(upload_id, KIB, b"x"), other.delete(upload_id)):
            assert answer.status == 404
        assert not [each for each in other.unfinished() if each["id"] == upload_id]
    for nobody in (Tus(panel.port, None), Tus(panel.port, "t-wrong")):
        answers = (nobody.head(upload_id), nobody.patch(upload_id, KIB, b"x"), nobody.delete(upload_id), nobody.create(1))
        assert [each.status for each in answers] == [401] * 4
        assert nobody.ask("GET", "/upload/unfinished").status == 401
        assert nobody.ask("GET", "/upload").status == 401
    assert tus.head(upload_id).offset == KIB


@pytest.mark.parametrize("upload_id", ["0" * 32, "0" * 31, "A" * 32, "..%2f..%2fetc", "0" * 32 + "%00"])
def test_an_unknown_id_is_404(tus: Tus, upload_id: str) -> None:
    assert [tus.head(upload_id).status, tus.patch(upload_id, 0, b"x").status, tus.delete(upload_id).status] == [404] * 3


def test_an_admin_may_send_for_somebody_else(panel: Serving, house: House) -> None:
    made = Tus(panel.port, "t-root").create(
        2, b"ok", named={"filename": "f", "owner": "ben"}, Content_Type="application/offset+octet-stream"
    )  # fmt: skip
    assert house.show(made.headers["pyarchive-archive"])["owner"] == "ben"


def test_the_page_runs_no_script_but_its_own_and_names_are_text(panel: Serving) -> None:
    panel.let_in({"t-anna": ["<script>alert(1)</script>", "member"]})
    page = Tus(panel.port).ask("GET", "/upload")
    assert page.status == 200
    assert "script-src 'self';" in page.headers["content-security-policy"]
    assert "<script>alert" not in page.text
    assert not re.findall(r"<script(?![^>]* src=)|\son\w+=|style=", page.text)


def test_termination_forgets_file_and_promise(tus: Tus, house: House) -> None:
    upload_id = begun(tus)
    tus.patch(upload_id, 0, CONTENT[:KIB])
    [shown] = [each for each in tus.unfinished() if each["id"] == upload_id]
    assert (shown["offset_bytes"], shown["state"], shown["file_name"]) == (KIB, "filling", "film.mkv")
    assert shown["expires_at"]
    assert tus.delete(upload_id).status == 204
    assert tus.head(upload_id).status == 404
    assert not (house.data / "uploads" / shown["archive_id"]).exists()


def test_what_the_appliance_let_expire_is_gone_and_is_shown_as_expired(tus: Tus, house: House) -> None:
    upload_id = begun(tus)
    [shown] = [each for each in tus.unfinished() if each["id"] == upload_id]
    house.ask("archive/abort", archive_id=shown["archive_id"])  # what its housekeeping does
    gone = tus.patch(upload_id, 0, b"x")
    assert (gone.status, gone.headers["pyarchive-state"]) == (410, "expired")
    assert tus.head(upload_id).status == 410
    assert [each["state"] for each in tus.unfinished() if each["id"] == upload_id] == ["expired"]
    assert tus.delete(upload_id).status == 204
    assert not [each for each in tus.unfinished() if each["id"] == upload_id]


def test_what_a_command_began_is_shown_too(tus: Tus, house: House) -> None:
    archive_id = house.ask("archive/begin", file_name="by put", size_bytes=3, owner="anna")["archive_id"]
    assert [each["state"] for each in tus.unfinished() if each["archive_id"] == archive_id] == ["elsewhere"]
    assert not [each for each in Tus(tus.port, "t-ben").unfinished() if each["archive_id"] == archive_id]
    house.ask("archive/abort", archive_id=archive_id)
