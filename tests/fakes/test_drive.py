"""The rules of Drive that the fake keeps."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.fakes.drive import Drive, DriveProcess, FakeDrive, Seed
from tests.fakes.drive_client import FILES, UPLOAD, Client
from tests.waiting import wait_for

UNIT = 256 * 1024
CONTENT = os.urandom(4 * UNIT + 1234)
ALL = "id,name,size,md5Checksum,sha1Checksum,sha256Checksum,parents,trashed,explicitlyTrashed,appProperties,headRevisionId"


@pytest.fixture(params=["in this process", "in its own"])
def fake(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drive]:
    with FakeDrive(tmp_path) if request.param == "in this process" else DriveProcess(tmp_path) as fake:
        yield fake


@pytest.fixture
def one(tmp_path: Path) -> Iterator[FakeDrive]:
    with FakeDrive(tmp_path) as fake:
        yield fake


@pytest.fixture
def client(one: FakeDrive) -> Client:
    return Client(one)


def test_an_upload_in_chunks_confirms_each_and_ends_with_the_resource(fake: Drive) -> None:
    client = Client(fake)
    file_id = client.new_id()
    metadata = {"id": file_id, "name": "00000000", "appProperties": {"archive": "a"}}
    session = client.session(len(CONTENT), metadata, fields=ALL)
    assert "Range" not in client.status(session, len(CONTENT)).headers
    first = client.chunk(session, CONTENT[: 2 * UNIT], 0, len(CONTENT))
    assert (first.status, first.headers["Range"]) == (308, f"bytes=0-{2 * UNIT - 1}")
    assert client.status(session).headers["Range"] == f"bytes=0-{2 * UNIT - 1}"
    last = client.chunk(session, CONTENT[2 * UNIT :], 2 * UNIT, len(CONTENT))
    assert last.status == 200
    assert last.json == client.status(session).json
    assert last.json["id"] == file_id
    assert last.json["size"] == str(len(CONTENT))
    for name in ("md5", "sha1", "sha256"):
        assert last.json[f"{name}Checksum"] == hashlib.new(name, CONTENT).hexdigest()
    assert fake.content(file_id) == CONTENT
    assert (fake.received_bytes, fake.received_twice_bytes, fake.violations) == (len(CONTENT), 0, [])
    assert [(one.kept_bytes, one.is_complete) for one in fake.sessions] == [(len(CONTENT), True)]


def test_a_chunk_that_breaks_off_is_kept_down_to_whole_units(fake: Drive) -> None:
    client = Client(fake)
    session = client.session(len(CONTENT))
    arrived = 2 * UNIT + 999
    with closing(socket.create_connection(("127.0.0.1", urlsplit(fake.root).port or 0))) as broken:
        head = (
            f"PUT {session} HTTP/1.1\r\nContent-Length: {len(CONTENT)}\r\nContent-Range: bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}\r\n\r\n"
        )
        broken.sendall(head.encode() + CONTENT[:arrived])
    wait_for(lambda: fake.received_bytes == arrived)
    assert client.status(session).headers["Range"] == f"bytes=0-{2 * UNIT - 1}"
    client.chunk(session, CONTENT[2 * UNIT :], 2 * UNIT, len(CONTENT))
    (record,) = fake.files.values()
    assert fake.content(record.id) == CONTENT
    assert record.checksums["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert fake.received_twice_bytes == 999


def test_a_question_while_an_older_connection_is_stuck_is_answered_all_the_same(
    one: FakeDrive, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fakes.drive_uploads._DRAIN_S", 0.2)
    session = client.session(len(CONTENT))
    with closing(socket.create_connection(("127.0.0.1", urlsplit(one.root).port or 0))) as stuck:
        head = (
            f"PUT {session} HTTP/1.1\r\nContent-Length: {len(CONTENT)}\r\nContent-Range: bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}\r\n\r\n"
        )
        stuck.sendall(head.encode() + CONTENT[: UNIT + 5])
        wait_for(lambda: "chunk" in one.requests)
        assert client.status(session).headers["Range"] == f"bytes=0-{UNIT - 1}"


@pytest.mark.parametrize(
    ("start", "size", "total"),
    [(0, 1000, len(CONTENT)), (UNIT, UNIT, len(CONTENT)), (0, UNIT, len(CONTENT) + 1), (4 * UNIT, 1235, len(CONTENT))],
    ids=["no whole unit", "a gap", "another total", "behind the end"],
)
def test_a_wrong_chunk_is_refused_and_noted(one: FakeDrive, client: Client, start: int, size: int, total: int) -> None:
    session = client.session(len(CONTENT))
    if start == 4 * UNIT:
        client.chunk(session, CONTENT[: 4 * UNIT], 0, len(CONTENT))
    assert client.chunk(session, b"x" * size, start, total).status == 400
    assert len(one.violations) == 1
    kept = 4 * UNIT if start == 4 * UNIT else 0
    assert one.sessions[0].kept_bytes == kept


def test_a_range_that_does_not_fit_the_body_or_cannot_be_read_is_refused(one: FakeDrive, client: Client) -> None:
    session = client.session(len(CONTENT))
    for content_range in (f"bytes 0-{UNIT}/{len(CONTENT)}", "bytes zero"):
        assert client.request("PUT", session, CONTENT[:UNIT], {"Content-Range": content_range}).status == 400
    assert len(one.violations) == 2


def test_bytes_that_were_confirmed_already_are_counted_and_not_stored_again(one: FakeDrive, client: Client) -> None:
    session = client.session(len(CONTENT))
    client.chunk(session, CONTENT[: 2 * UNIT], 0, len(CONTENT))
    again = client.chunk(session, b"?" * UNIT + CONTENT[2 * UNIT : 3 * UNIT], UNIT, len(CONTENT))
    assert again.headers["Range"] == f"bytes=0-{3 * UNIT - 1}"
    assert one.received_twice_bytes == UNIT
    assert len(one.violations) == 1
    client.chunk(session, CONTENT[3 * UNIT :], 3 * UNIT, len(CONTENT))
    assert one.content(next(iter(one.files))) == CONTENT


def test_what_is_sent_again_by_a_new_session_counts_as_received_twice(one: FakeDrive, client: Client) -> None:
    metadata = {"id": client.new_id(), "name": "x"}
    client.chunk(client.session(len(CONTENT), metadata), CONTENT[:UNIT], 0, len(CONTENT))
    client.chunk(client.session(len(CONTENT), metadata), CONTENT, 0, len(CONTENT))
    assert one.received_twice_bytes == UNIT
    for _ in range(2):  # without an id of the client's, the name tells
        client.chunk(client.session(len(CONTENT), {"name": "y"}), CONTENT[:UNIT], 0, len(CONTENT))
    assert one.received_twice_bytes == 2 * UNIT


def test_a_size_that_is_not_known_before_is_told_by_the_last_chunk(one: FakeDrive, client: Client) -> None:
    session = client.session(None)
    assert client.chunk(session, CONTENT[: 4 * UNIT], 0, "*").status == 308
    assert client.chunk(session, CONTENT[4 * UNIT :], 4 * UNIT, len(CONTENT)).status == 200
    assert one.content(next(iter(one.files))) == CONTENT


def test_an_empty_file_is_complete_when_it_is_asked_for(one: FakeDrive, client: Client) -> None:
    answer = client.status(client.session(0, fields="id,size,sha256Checksum"), 0)
    assert answer.json["size"] == "0"
    assert answer.json["sha256Checksum"] == hashlib.sha256(b"").hexdigest()


def test_a_new_content_keeps_the_id_and_changes_the_revision(one: FakeDrive, client: Client) -> None:
    file_id = client.upload(b"old", {"name": "manifest.json"})
    before = client.get(f"{FILES}/{file_id}", fields=ALL).json
    client.chunk(client.session(3, {"appProperties": {"a": "b"}}, file_id), b"new", 0, 3)
    after = client.get(f"{FILES}/{file_id}", fields=ALL).json
    assert one.content(file_id) == b"new"
    assert after["headRevisionId"] != before["headRevisionId"]
    assert (after["name"], after["appProperties"]) == ("manifest.json", {"a": "b"})
    assert one.received_twice_bytes == 0


def test_an_id_is_good_once_and_only_if_drive_gave_it_out(one: FakeDrive, client: Client) -> None:
    metadata = {"id": client.new_id(), "name": "x"}
    rival = client.session(3, metadata)
    client.upload(b"one", metadata)
    assert client.open(3, metadata).status == 409
    assert client.request("POST", FILES, metadata).status == 409
    assert client.chunk(rival, b"two", 0, 3).status == 409
    assert client.open(3, {"id": "made-up"}).status == 400
    assert one.content(metadata["id"]) == b"one"


def test_a_small_file_goes_with_its_metadata(one: FakeDrive, client: Client) -> None:
    media = b"bytes\r\n--like a boundary\r\n"
    metadata = json.dumps({"name": "owner.json"}).encode()
    body = (
        b"--XX\r\nContent-Type: application/json\r\n\r\n"
        + metadata
        + b"\r\n--XX\r\nContent-Type: text/plain\r\n\r\n"
        + media
        + b"\r\n--XX--\r\n"
    )
    headers = client.headers | {"Content-Type": 'multipart/related; boundary="XX"'}
    made = client.request("POST", f"{UPLOAD}?uploadType=multipart", body, headers).json
    assert made == {"kind": "drive#file", "id": made["id"], "name": "owner.json", "mimeType": "text/plain"}
    assert one.content(made["id"]) == media


def test_ranges_of_a_download(client: Client) -> None:
    file_id = client.upload(CONTENT)
    assert client.download(file_id).content == CONTENT
    middle = client.download(file_id, Range="bytes=1000-1999")
    assert (middle.status, middle.content) == (206, CONTENT[1000:2000])
    assert middle.headers["Content-Range"] == f"bytes 1000-1999/{len(CONTENT)}"
    assert client.download(file_id, Range="bytes=1048000-").content == CONTENT[1048000:]
    assert client.download(file_id, Range="bytes=-7").content == CONTENT[-7:]
    assert client.download(file_id, Range=f"bytes={len(CONTENT)}-").status == 416


def test_queries(one: FakeDrive, client: Client) -> None:
    folder = client.folder("it's")
    inner = client.folder("inner", folder)
    for name, properties in (("one", {"k": "1"}), ("two", {"k": "2"}), ("two more", {"k": "2", "l": "1"})):
        client.upload(b"x", {"name": name, "parents": [inner], "appProperties": properties})
    one.trash(one.named("two more").id)
    assert client.names(r"name = 'it\'s'") == ["it's"]
    assert client.names("'root' in parents") == ["it's"]
    assert client.names(f"'{inner}' in parents and trashed = false") == ["one", "two"]
    assert client.names("appProperties has { key='k' and value='2' }") == ["two", "two more"]
    assert client.names("appProperties has { key='k' and value='2' } and not trashed=true") == ["two"]
    assert client.names("(name = 'one' or name='TWO') and mimeType != 'application/vnd.google-apps.folder'") == ["one", "two"]
    assert client.names("name contains 'mor'") == ["two more"]
    assert client.names("not (name = 'one' or name contains 'two')", orderBy="name desc") == ["it's", "inner"]
    for wrong in ("name", "name = one", "colour = 'red'", "(name = 'a'", "name = 'a' name = 'b'"):
        assert client.listed(wrong).status == 400, wrong


def test_what_lies_in_a_trashed_folder_is_trashed_but_not_by_itself(one: FakeDrive, client: Client) -> None:
    folder = client.folder("a")
    file_id = client.upload(b"x", {"name": "b", "parents": [folder]})
    assert client.request("PATCH", f"{FILES}/{folder}", {"trashed": True}).status == 200
    told = client.get(f"{FILES}/{file_id}", fields=ALL).json
    assert (told["trashed"], told["explicitlyTrashed"]) == (True, False)
    assert client.names("trashed = false") == []
    assert client.request("DELETE", f"{FILES}/{folder}").status == 204
    assert client.get(f"{FILES}/{file_id}").reason == "notFound"
    assert one.files == {}


def test_a_file_moves_from_one_parent_to_another(one: FakeDrive, client: Client) -> None:
    folders = [client.folder("a"), client.folder("b")]
    file_id = client.upload(b"x", {"name": "x", "parents": [folders[0]]})
    assert client.request("PATCH", f"{FILES}/{file_id}?addParents={folders[1]}", {}).status == 403
    moved = client.request("PATCH", f"{FILES}/{file_id}?addParents={folders[1]}&removeParents={folders[0]}&fields=parents", {"name": "y"})
    assert moved.json == {"parents": [folders[1]]}
    assert client.names(f"'{folders[1]}' in parents") == ["y"]
    assert client.names(f"'{folders[0]}' in parents") == []


def test_only_the_fields_that_are_asked_for_are_told(client: Client) -> None:
    folder = client.folder("a")
    assert client.get(f"{FILES}/{folder}").json.keys() == {"kind", "id", "name", "mimeType"}
    assert client.get(f"{FILES}/{folder}", fields=ALL).json.keys() == {"id", "name", "parents", "trashed", "explicitlyTrashed"}
    assert client.get(f"{FILES}/{folder}", fields="capabilities/canEdit").json == {"capabilities": {"canEdit": True}}
    assert client.listed(fields="files(name, parents),nextPageToken").json == {"files": [{"name": "a", "parents": ["0AFakeDriveRootPVA"]}]}
    assert client.listed(fields="files/name").json == {"files": [{"name": "a"}]}
    assert client.get(f"{FILES}/{folder}", fields="*").json["webViewLink"]
    for wrong in ("colour", "id,,name", "capabilities(canFly)", "files(id"):
        assert client.get(f"{FILES}/{folder}", fields=wrong).status == 400, wrong


def test_pages_are_the_list_as_it_was_when_it_began(one: FakeDrive, client: Client) -> None:
    one.seed(Seed(name=f"{number:04}") for number in range(25))
    first = client.listed(pageSize=10, fields="nextPageToken,files(id,name)").json
    one.delete(one.named("0012").id)
    second = client.listed(pageSize=10, pageToken=first["nextPageToken"]).json
    assert [file["name"] for file in second["files"]] == [f"{number:04}" for number in range(10, 20) if number != 12]
    assert client.listed("name = 'x'", pageToken=first["nextPageToken"]).status == 400
    assert client.listed(pageSize=1001).status == 400


def test_a_client_sees_only_what_it_made(one: FakeDrive, client: Client) -> None:
    file_id = client.upload(b"x", {"name": "mine"})
    other = Client(one, one.account("another-client"))
    assert other.get(f"{FILES}/{file_id}").status == 404
    assert other.download(file_id).status == 404
    assert other.names() == []
    assert client.get(f"{FILES}/root").status == 404
    whole = Client(one, one.account("whole", scope="https://www.googleapis.com/auth/drive"))
    assert whole.names() == ["mine"]
    assert whole.get(f"{FILES}/root").json["name"] == "My Drive"


def test_a_property_of_more_than_124_bytes_is_refused(client: Client) -> None:
    assert client.request("POST", FILES, {"appProperties": {"k": "ü" * 61}}).status == 200
    assert client.request("POST", FILES, {"appProperties": {"k": "ü" * 62}}).status == 400


def test_the_quota_counts_the_trash_and_refuses_what_does_not_fit(one: FakeDrive, client: Client) -> None:
    file_id = client.upload(b"x" * 600)
    client.request("PATCH", f"{FILES}/{file_id}", {"trashed": True})
    one.quota(limit_bytes=1000)
    assert client.get("/drive/v3/about", fields="storageQuota").json["storageQuota"] == {
        "limit": "1000", "usage": "600", "usageInDrive": "600", "usageInDriveTrash": "600",
    }  # fmt: skip
    assert client.open(401).reason == "storageQuotaExceeded"
    assert client.open(400).status == 200
    one.quota(limit_bytes=None)
    assert "limit" not in client.get("/drive/v3/about", fields="storageQuota(limit,usage),user").json["storageQuota"]
    assert client.get("/drive/v3/about").status == 400


def test_an_upload_that_no_longer_fits_at_its_end_is_refused(one: FakeDrive, client: Client) -> None:
    session = client.session(1000)
    one.quota(limit_bytes=999)
    assert client.chunk(session, b"x" * 1000, 0, 1000).reason == "storageQuotaExceeded"


def test_the_session_alone_needs_no_token(client: Client) -> None:
    session = client.session(3)
    headers, client.headers = client.headers, {}
    assert client.get(FILES).reason == "authError"
    assert client.open(3).status == 401
    assert client.chunk(session, b"abc", 0, 3).status == 200
    client.headers = headers
    assert client.get(FILES).status == 200


def test_65536_files_are_listed_in_66_calls_within_10_s(one: FakeDrive, client: Client) -> None:
    properties = {"appliance": "a"}
    one.seed(Seed(name=f"{number:08}", app_properties=properties, size_bytes=5, checksums={"sha256": "0" * 64}) for number in range(65_536))
    one.seed(Seed(name="foreign", app_properties={"appliance": "b"}) for _ in range(1000))
    began_s = time.process_time()  # of client and server; other programs take none of it
    names = client.names(
        "appProperties has { key='appliance' and value='a' } and trashed = false", pageSize=1000,
        fields="nextPageToken,files(id,name,size,sha256Checksum,parents,appProperties,trashed)",
    )  # fmt: skip
    assert time.process_time() - began_s < 10
    assert len(names) == 65_536
    assert one.requests["list"] == 66


def test_behind_the_client_s_back(fake: Drive) -> None:
    client = Client(fake)
    content = b"0123456789"
    file_id = client.upload(content, {"name": "x", "appProperties": {"k": "v"}})
    twin = fake.duplicate(file_id)
    assert (fake.files[twin].name, fake.files[twin].app_properties, fake.content(twin)) == ("x", {"k": "v"}, content)
    fake.flip(file_id, 3)
    assert client.download(file_id).content == b"012s456789"
    assert fake.files[file_id].checksums["sha256"] == hashlib.sha256(b"012s456789").hexdigest()
    fake.truncate(file_id, 4)
    assert client.get(f"{FILES}/{file_id}", fields="size").json == {"size": "4"}
    assert fake.content(twin) == content
    fake.drop_checksums()
    assert client.get(f"{FILES}/{file_id}", fields=ALL).json.keys() & {"md5Checksum", "sha256Checksum"} == {"md5Checksum"}
    fake.trash(file_id)
    assert fake.files[file_id].trashed
    fake.trash(file_id, trashed=False)
    assert not fake.files[file_id].trashed
    fake.abusive(file_id)
    assert client.download(file_id).reason == "cannotDownloadAbusiveFile"
    assert client.get(f"{FILES}/{file_id}", alt="media", acknowledgeAbuse="true").status == 200
    fake.delete(file_id)
    assert client.download(file_id).status == 404
    fake.report_checksums(["md5"])
    later = client.upload(b"x")
    assert fake.files[later].checksums.keys() == {"md5"}


def test_what_is_sent_in_pieces_of_unknown_length_is_understood(client: Client, one: FakeDrive) -> None:
    connection = http.client.HTTPConnection(urlsplit(one.root).netloc)
    pieces = iter([b'{"name": "in', b' pieces"}'])
    connection.request("POST", FILES, pieces, client.headers, encode_chunked=True)
    assert json.loads(connection.getresponse().read())["name"] == "in pieces"
    connection.request("GET", FILES, headers=client.headers)
    assert connection.getresponse().status == 200
    connection.close()
