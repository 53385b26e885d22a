"""What a server meets on a network: paths that climb, hosts that are none, clients that lie, leave or never come."""

import json
import os
import socket
import time
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path

import pytest

from airgap.serving import connection, opened, server
from tests.isolated.scene import Scene
from tests.serving.conftest import CONTENT, WHEEL
from tests.serving.running import Client, running

HEAD = b"GET /npm/right HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize("host", ["a b", "a/b", '"', "a@b", "a:b:c", "", "a" * 300, "a\tb"])
def test_a_host_that_cannot_stand_in_an_address_is_refused(host: str, client: Client) -> None:
    assert client.ask("/npm/right", host=host).status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/state.json",
        "/../state.json",
        "/pypi/../state.json",
        "/pypi/%2e%2e/state.json",
        "/pypi/..%2fstate.json",
        "/%2e%2e/%2e%2e/site.key.pem",
        "/files/%2e%2e%2f%2e%2e%2f%2e%2e%2fsite.key.pem",
        "/files//deep",
        "//files/",
        "/files/./deep/",
        "/files/%00",
        "/files/a%5cb",
        "/objects/",
        "/ledger/log.jsonl",
        "/npm/",
        "/npm/-/ping",
        "/npm/index.html",
        "/npm/none",
        "/npm/right/-/",
        "/pypi/simple/none/",
        "/pypi/none",
        "/files/none/",
        "/files/%ff%fe",
        "/pypi/" + "a" * 5000,
    ],
)
def test_nothing_else_is_there(path: str, client: Client) -> None:
    reply = client.ask(path)

    assert (reply.status, json.loads(reply.body)) == (404, {"error": "not found"})


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nobody_writes(method: str, client: Client) -> None:
    """npm audit, npm ping and npm publish among them: a clear answer, at once."""
    assert client.ask("/npm/-/npm/v1/security/advisories/bulk", method=method).status == 405


def test_links_in_a_view_are_not_followed(scene: Scene, client: Client) -> None:
    current = Path(scene.store_path) / "current/files"
    (current / "link").symlink_to(Path(scene.store_path) / "site.key.pem")
    (current / "folder").symlink_to(scene.store_path)
    os.mkfifo(current / "pipe")
    try:
        for path in ("/files/link", "/files/folder/", "/files/folder/site.key.pem", "/files/pipe"):
            assert client.ask(path).status == 404
    finally:
        for name in ("link", "folder", "pipe"):
            (current / name).unlink()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /files/\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /../store.json HTTP/1.1\r\n\r\n",
        b"GET http://a/../site.key.pem HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
        HEAD + b"Host: b\r\n\r\n",
        HEAD + b"X: " + b"x" * 200_000 + b"\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"SSH-2.0-x\r\n\r\n",
    ],
)
def test_what_is_no_request_for_a_view_is_refused_and_the_next_one_answered(sent: bytes, client: Client) -> None:
    with socket.create_connection(("127.0.0.1", client.port), timeout=20) as connection:
        connection.sendall(sent + b"\r\n\r\n")
        assert connection.recv(12) in {b"HTTP/1.1 400", b"HTTP/1.1 404"}
    assert client.ask("/npm/right").status == 200


def test_an_answer_to_who_wants_to_write_does_not_wait_for_what_is_written(client: Client) -> None:
    with socket.create_connection(("127.0.0.1", client.port), timeout=20) as connection:
        connection.sendall(
            b"POST /npm/-/npm/v1/security/advisories/bulk HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n"
        )
        assert connection.recv(12) == b"HTTP/1.1 405"


def test_a_header_about_a_proxy_is_no_proof_of_one(client: Client) -> None:
    reply = client.ask(
        "/npm/right", X_Forwarded_Proto="https", X_Forwarded_Host="evil.example", Forwarded="host=evil.example"
    )

    assert f'"http://127.0.0.1:{client.port}/npm/'.encode() in reply.body


def test_a_file_is_closed_when_its_reader_leaves(scene: Scene, client: Client) -> None:
    held = os.path.realpath(scene.shown("large.bin"))
    with socket.create_connection(("127.0.0.1", client.port), timeout=20) as connection:
        connection.sendall(b"GET /files/large.bin HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(12) == b"HTTP/1.1 200"
        assert _holds(held)
    deadline = time.monotonic() + 20
    while _holds(held):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_file_that_gets_shorter_meanwhile_is_no_whole_file(tmp_path: Path) -> None:
    scene = Scene(str(tmp_path))
    scene.set_up()
    scene.take_in(scene.export({"a": bytes(60_000_000)}))
    with running(scene.open()) as client:
        connection = HTTPConnection("127.0.0.1", client.port, timeout=20)
        connection.request("GET", "/files/a")
        response = connection.getresponse()
        os.truncate(scene.shown("a"), 10)
        with pytest.raises(IncompleteRead):
            response.read()
        connection.close()


def test_a_disk_that_fails_is_no_missing_file(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> int:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(opened, "_open", fail)
        reply = client.ask("/npm/none\x1b[31m".replace("\x1b", "%1b"))
        assert (reply.status, json.loads(reply.body)) == (404, {"error": "not found"})
        reply = client.ask(f"/pypi/{WHEEL}")
    assert (reply.status, json.loads(reply.body)) == (503, {"error": "the store cannot be read"})
    assert [message.rpartition(", ")[2] for message in caplog.messages] == ["got Input/output error"]
    assert client.ask(f"/pypi/{WHEEL}").body == CONTENT


def test_names_that_no_import_made_are_not_shown(scene: Scene, client: Client) -> None:
    folder = os.fsencode(scene.shown("deep"))
    odd = [folder + b"/" + name for name in (b"\xff\xfe", b"a\nb", b"a\\b")]
    for path in odd:
        Path(os.fsdecode(path)).write_bytes(b"x")
    try:
        assert client.ask("/files/deep/").body.count(b"<a ") == 2
        assert {client.ask(path).status for path in ("/files/deep/%ff%fe", "/files/deep/a%0ab", "/files/deep/a%5cb")} == {
            404
        }
    finally:
        for path in odd:
            os.unlink(path)


def test_more_connections_than_there_is_room_for_are_told_to_come_later(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_CONNECTIONS", 3)
    with running(scene.open()) as client:
        idle = [socket.create_connection(("127.0.0.1", client.port)) for _ in range(3)]
        assert client.ask("/npm/right").status == 503
        for connection in idle:
            connection.close()
        deadline = time.monotonic() + 20
        while client.ask("/npm/right").status != 200:
            assert time.monotonic() < deadline


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /npm/right HTTP/1.1\r\n", HEAD + b"\r\n", HEAD.replace(b"GET", b"POST") + b"Content-Length: 9\r\n\r\n"],
)
def test_a_connection_without_a_whole_request_ends_after_a_while_however_its_bytes_trickle(
    sent: bytes, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_IDLE", 0.2)
    with running(scene.open()) as client, socket.create_connection(("127.0.0.1", client.port), timeout=20) as trickling:
        trickling.sendall(sent)
        began = time.monotonic()
        try:
            while time.monotonic() - began < 20:
                trickling.sendall(b"x")
                time.sleep(0.05)
        except OSError:
            pass
        assert time.monotonic() - began < 20


def test_a_reader_that_stands_still_loses_its_connection_and_a_slow_one_does_not(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_IDLE", 0.1)
    asked = b"GET /files/large.bin HTTP/1.1\r\nHost: a\r\n\r\n"
    held = os.path.realpath(scene.shown("large.bin"))
    with running(scene.open()) as client, socket.socket() as reading:
        reading.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        reading.connect(("127.0.0.1", client.port))
        reading.sendall(asked)
        for _ in range(60):
            assert reading.recv(200_000)
            time.sleep(0.03)
        assert _holds(held)
        deadline = time.monotonic() + 20
        while _holds(held):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_client_that_waits_for_the_server_may_wait(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_IDLE", 0.1)
    hash_file = opened._hash

    def slow(fd: int) -> str:
        time.sleep(1)
        return hash_file(fd)

    monkeypatch.setattr(opened, "_hash", slow)
    with running(scene.open()) as client:
        assert client.ask(f"/pypi/{WHEEL}").body == CONTENT


def test_connections_that_nobody_can_wait_for_are_cut_at_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_CONNECTIONS", 3)
    monkeypatch.setattr(connection, "ROOM", 2)
    with running(scene.open()) as client:
        idle = [socket.create_connection(("127.0.0.1", client.port), timeout=20) for _ in range(6)]
        assert idle[5].recv(1) == b""
        for one in idle:
            one.close()


def test_a_folder_without_its_page_is_not_there(scene: Scene, client: Client) -> None:
    folder = Path(scene.store_path) / "current/pypi/simple/odd"
    folder.mkdir()
    try:
        assert client.ask("/pypi/simple/odd/").status == 404
    finally:
        folder.rmdir()


def _holds(path: str) -> bool:
    """Whether this process, which is the server's too, has a file open."""
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        try:
            found.add(os.path.realpath(f"/proc/self/fd/{fd}"))
        except FileNotFoundError:
            continue
    return path in found
