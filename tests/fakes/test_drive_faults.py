"""Each fault that a test can order from the fake Drive, and what it does to the state behind it."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.drive import Drive, DriveProcess, FakeDrive
from tests.fakes.drive_client import FILES, Answer, Client
from tests.fakes.drive_words import Kind
from tests.waiting import at_best, wait_for

UNIT = 256 * 1024
CONTENT = os.urandom(4 * UNIT)
BROKEN = (ConnectionError, http.client.HTTPException)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDrive]:
    with FakeDrive(tmp_path) as fake:
        yield fake


@pytest.fixture
def client(fake: FakeDrive) -> Client:
    return Client(fake)


def whole(client: Client, session: str) -> Answer:
    return client.chunk(session, CONTENT, 0, len(CONTENT))


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("rateLimitExceeded", 403, "rateLimitExceeded"), ("userRateLimitExceeded", 403, "userRateLimitExceeded"),
        ("dailyLimitExceeded", 403, "dailyLimitExceeded"), ("storageQuotaExceeded", 403, "storageQuotaExceeded"),
        ("appNotAuthorizedToFile", 403, "appNotAuthorizedToFile"), ("insufficientFilePermissions", 403, "insufficientFilePermissions"),
        ("domainPolicy", 403, "domainPolicy"), ("cannotDownloadAbusiveFile", 403, "cannotDownloadAbusiveFile"),
        ("429", 429, "rateLimitExceeded"), ("500", 500, "internalError"), ("502", 502, "backendError"), ("503", 503, "backendError"),
        ("504", 504, "backendError"), ("401", 401, "authError"), ("409", 409, "fileIdInUse"), ("notFound", 404, "notFound"),
    ],
)  # fmt: skip
def test_a_status_is_said_once_in_the_shape_of_drive(fake: FakeDrive, client: Client, kind: Kind, status: int, reason: str) -> None:
    fake.fault(kind, match="list", retry_after_s=7)
    assert client.get(f"{FILES}/generateIds").status == 200
    answer = client.listed()
    assert (answer.status, answer.reason, answer.json["error"]["code"]) == (status, reason, status)
    assert answer.json["error"]["message"]
    assert answer.headers["Retry-After"] == "7"
    assert client.listed().status == 200
    assert fake.faults == {f"list {kind}": 1}


OPERATIONS: dict[str, Callable[[Client, str, str], Answer]] = {
    "open": lambda client, _, __: client.open(3),
    "status": lambda client, _, session: client.status(session),
    "chunk": lambda client, _, session: client.chunk(session, b"abc", 0, 3),
    "create": lambda client, _, __: client.request("POST", FILES, {"name": "n"}),
    "get": lambda client, file_id, _: client.get(f"{FILES}/{file_id}"),
    "list": lambda client, _, __: client.listed(),
    "download": lambda client, file_id, _: client.download(file_id),
    "update": lambda client, file_id, _: client.request("PATCH", f"{FILES}/{file_id}", {"name": "m"}),
    "generate_ids": lambda client, _, __: client.get(f"{FILES}/generateIds"),
    "about": lambda client, _, __: client.get("/drive/v3/about", fields="user"),
    "token": lambda client, _, __: client.refresh(),
    "delete": lambda client, file_id, _: client.request("DELETE", f"{FILES}/{file_id}"),
}


@pytest.mark.parametrize("picked", OPERATIONS)
def test_every_operation_can_be_picked_and_no_other_is_hit(fake: FakeDrive, client: Client, picked: Any) -> None:
    file_id, session = client.upload(b"abc"), client.session(3)
    fake.fault("503", match=picked)
    said = {name: ask(client, file_id, session).status for name, ask in OPERATIONS.items()}
    assert said.pop(picked) == 503
    assert set(said.values()) <= {200, 204, 308}


def test_a_fault_waits_repeats_and_picks_a_file(fake: FakeDrive, client: Client) -> None:
    one, other = client.upload(b"1"), client.upload(b"2")
    fake.fault("500", match="download", after=1, times=2, file_id=one)
    said = [client.download(file_id).status for file_id in (one, other, one, other, one, one)]
    assert said == [200, 200, 500, 200, 500, 200]
    fake.fault("500", match="any", times=None)
    assert [client.listed().status for _ in range(5)] == [500] * 5
    fake.calm()
    assert client.listed().status == 200


def test_what_can_never_happen_is_refused(fake: FakeDrive, tmp_path: Path) -> None:
    wrong: Any = "lunch"
    with DriveProcess(tmp_path / "other") as process:
        for drive in (fake, process):
            with pytest.raises(ValueError, match="partial"):
                drive.fault("partial", match="list", keep_bytes=0)
            with pytest.raises(ValueError, match="lunch"):
                drive.fault("500", match=wrong)


def test_a_cut_keeps_whole_units_of_what_came_before_it(fake: FakeDrive, client: Client) -> None:
    fake.fault("cut", match="chunk", after_bytes=2 * UNIT + 77)
    session = client.session(len(CONTENT))
    with pytest.raises(BROKEN):
        whole(client, session)
    assert client.status(session).headers["Range"] == f"bytes=0-{2 * UNIT - 1}"
    assert fake.received_bytes == 2 * UNIT + 77
    assert client.chunk(session, CONTENT[2 * UNIT :], 2 * UNIT, len(CONTENT)).status == 200
    assert fake.violations == []


def test_a_cut_of_an_answer_leaves_a_part_of_it(fake: FakeDrive, client: Client) -> None:
    file_id = client.upload(CONTENT)
    fake.fault("cut", match="download", of="response", after_bytes=100_000)
    with pytest.raises(http.client.IncompleteRead) as told:
        client.download(file_id)
    assert told.value.partial == CONTENT[:100_000]


def test_a_listing_fails_in_the_middle_of_a_later_page(fake: FakeDrive, client: Client) -> None:
    for name in "abc":
        client.folder(name)
    fake.fault("cut", match="list", of="response", after_bytes=90, after=1)
    first = client.listed(pageSize=1).json
    with pytest.raises(http.client.IncompleteRead):
        client.listed(pageSize=1, pageToken=first["nextPageToken"])
    again = client.listed(pageSize=1, pageToken=first["nextPageToken"]).json
    assert [file["name"] for file in again["files"]] == ["b"]


@pytest.mark.parametrize("operation", ["create", "update", "delete"])
def test_with_a_lost_answer_the_work_is_done(fake: FakeDrive, client: Client, operation: str) -> None:
    file_id = client.upload(b"abc", {"name": "old"})
    fake.fault("lost_answer", match=["create", "update", "delete"])
    with pytest.raises(BROKEN):
        OPERATIONS[operation](client, file_id, "")
    assert {record.name for record in fake.files.values()} == {"create": {"old", "n"}, "update": {"m"}, "delete": set()}[operation]


def test_a_lost_answer_to_the_last_chunk_is_found_by_asking(fake: FakeDrive, client: Client) -> None:
    fake.fault("lost_answer", match="chunk")
    session = client.session(len(CONTENT))
    with pytest.raises(BROKEN):
        whole(client, session)
    assert client.status(session).json["size"] == str(len(CONTENT))
    assert len(fake.files) == 1


def test_a_partial_answer_keeps_no_more_than_ordered(fake: FakeDrive, client: Client) -> None:
    fake.fault("partial", match="chunk", keep_bytes=UNIT)
    session = client.session(len(CONTENT))
    assert whole(client, session).headers["Range"] == f"bytes=0-{UNIT - 1}"
    assert fake.received_bytes == len(CONTENT)
    assert client.chunk(session, CONTENT[UNIT:], UNIT, len(CONTENT)).status == 200
    assert fake.content(next(iter(fake.files))) == CONTENT
    assert fake.received_twice_bytes == 3 * UNIT


def test_an_answer_without_range_has_kept_nothing(fake: FakeDrive, client: Client) -> None:
    session = client.session(len(CONTENT))
    client.chunk(session, CONTENT[:UNIT], 0, len(CONTENT))
    fake.fault("no_range", match="chunk")
    told = client.chunk(session, CONTENT[UNIT : 2 * UNIT], UNIT, len(CONTENT))
    assert told.status == 308
    assert "Range" not in told.headers
    assert "Range" not in client.status(session).headers
    assert whole(client, session).status == 200
    assert fake.content(next(iter(fake.files))) == CONTENT


@pytest.mark.parametrize("status", [404, 410])
def test_an_expired_session_stays_unknown(fake: FakeDrive, client: Client, status: int) -> None:
    session = client.session(len(CONTENT))
    fake.fault("expired", match="chunk", status=status)
    assert whole(client, session).status == status
    assert client.status(session).status == 404
    session = client.session(len(CONTENT))
    fake.expire_sessions(410)
    assert client.status(session).status == 410
    assert fake.sessions == []


def test_a_status_instead_of_a_chunk_keeps_nothing_of_it(fake: FakeDrive, client: Client) -> None:
    fake.fault("503", match="chunk")
    session = client.session(len(CONTENT))
    assert whole(client, session).status == 503
    assert "Range" not in client.status(session).headers
    assert fake.received_bytes == len(CONTENT)
    assert whole(client, session).status == 200
    assert fake.received_twice_bytes == len(CONTENT)


def test_a_captive_portal_answers_anything_with_a_page(fake: FakeDrive, client: Client) -> None:
    fake.fault("html", times=2)
    for answer in (client.listed(), client.refresh()):
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert answer.content.startswith(b"<!DOCTYPE html>")


def timed_s(work: Callable[[Client], object], *clients: Client) -> float:
    """All at the same time, until the last is done."""
    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    began_s = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - began_s


def test_latency_is_waited_for_side_by_side(fake: FakeDrive, client: Client) -> None:
    other = Client(fake)
    fake.line(latency_s=0.3)

    def both_s() -> float:
        took_s = timed_s(lambda one: one.listed(), client, other)
        assert took_s >= 0.3
        return took_s

    assert at_best(both_s, 0.5) < 0.5
    fake.line()

    def second_s() -> float:
        fake.fault("latency", seconds=0.2)
        assert timed_s(lambda one: one.listed(), client) >= 0.2
        return timed_s(lambda one: one.listed(), client)

    assert at_best(second_s, 0.15) < 0.15


@pytest.mark.parametrize("connections", [1, 3])
def test_a_shaped_line_is_shared_by_all_connections_and_keeps_its_rate(fake: FakeDrive, connections: int) -> None:
    rate, content = 4_000_000, os.urandom(4_000_000 // connections)
    clients = [Client(fake) for _ in range(connections)]
    fake.line(up_bytes_per_s=rate, down_bytes_per_s=rate)
    for one in clients:
        one.hang_up()
    ids: list[str] = []

    def up(client: Client) -> None:
        ids.append(client.upload(content))

    def down(client: Client) -> None:
        client.download(ids[0])

    def a_second(work: Callable[[Client], None], within: float) -> float:
        took_s = timed_s(work, *clients)
        assert took_s > 1 - within, "faster than the line"
        return took_s

    assert at_best(lambda: a_second(up, 0.03), 1.03, tries=15) < 1.03  # with the requests that open and close it
    assert at_best(lambda: a_second(down, 0.05), 1.05, tries=15) < 1.05


def test_a_frozen_drive_answers_nothing_until_it_thaws(tmp_path: Path) -> None:
    with DriveProcess(tmp_path) as fake:
        client = Client(fake, timeout_s=0.3)
        fake.freeze()
        for _ in range(2):
            with pytest.raises(TimeoutError):
                client.listed()
        fake.thaw()
        assert client.listed().status == 200


def test_a_freeze_can_begin_with_a_request(fake: FakeDrive) -> None:
    client = Client(fake, timeout_s=0.3)
    fake.fault("freeze", match="chunk")
    session = client.session(len(CONTENT))
    with pytest.raises(TimeoutError):
        whole(client, session)
    with pytest.raises(TimeoutError):
        client.listed()
    fake.calm()
    assert client.listed().status == 200


def test_listings_lag_behind_what_is_there(fake: FakeDrive, client: Client) -> None:
    fake.lag(creations=2)
    ids = [client.folder(name) for name in "abc"]
    assert client.names() == ["a"]
    assert client.get(f"{FILES}/{ids[2]}").status == 200
    client.folder("d")
    assert client.names() == ["a", "b"]
    fake.lag(seconds=0.2)
    client.folder("e")
    assert "e" not in client.names()
    wait_for(lambda: client.names() == list("abcde"))


def stormed(folder: Path, seed: int) -> list[str]:
    """What happens to a client that asks the same in the same order."""
    said = []
    with FakeDrive(folder) as fake:
        client = Client(fake)
        file_id = client.upload(CONTENT)
        fake.storm(seed, 0.3)
        for _ in range(30):
            try:
                said += [str(client.listed().status), str(client.download(file_id).status)]
            except BROKEN as error:
                said.append(type(error).__name__)
        said.append(str(sum(fake.faults.values())))
    return said


def test_a_storm_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    first = stormed(tmp_path / "1", 1)
    assert first == stormed(tmp_path / "2", 1)
    assert first != stormed(tmp_path / "3", 2)
    assert 8 <= int(first[-1]) <= 30


def test_counting_works_alike_in_a_process(tmp_path: Path) -> None:
    def counted(fake: Drive) -> list[object]:
        client = Client(fake)
        fake.fault("partial", match="chunk", keep_bytes=UNIT)
        session = client.session(len(CONTENT))
        whole(client, session)
        client.chunk(session, CONTENT[UNIT:], UNIT, len(CONTENT))
        client.download(next(iter(fake.files)))
        return [fake.requests, fake.faults, fake.received_bytes, fake.received_twice_bytes, fake.sent_bytes, fake.violations]

    with FakeDrive(tmp_path / "here") as here, DriveProcess(tmp_path / "there") as there:
        assert counted(here) == counted(there)
