"""The views over HTTP: types, forms, ranges and content digests, and nothing of the store besides."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from airgap.core.verdict import Standing
from airgap.serving import server
from tests.cli.conftest import Airgap
from tests.cli.test_answers import faults
from tests.isolated.packages import wheel
from tests.isolated.scene import Scene
from tests.serving.conftest import CONTENT, PROOF, WHEEL
from tests.serving.running import Client, running

JSON = "application/vnd.pypi.simple.v1+json"
PIP = f"{JSON}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"


def test_a_file_comes_whole_with_the_digest_of_its_content(client: Client) -> None:
    reply = client.ask(f"/pypi/{WHEEL}")

    assert (reply.status, reply.body) == (200, CONTENT)
    assert reply.headers["etag"] == f'"sha256-{hashlib.sha256(CONTENT).hexdigest()}"'
    assert reply.headers["content-length"] == str(len(CONTENT))
    assert reply.headers["accept-ranges"] == "bytes"
    assert reply.headers["content-type"] == "application/octet-stream"
    assert "server" not in reply.headers


def test_head_says_what_get_would_and_sends_no_body(client: Client) -> None:
    got, head = client.ask(f"/pypi/{WHEEL}"), client.ask(f"/pypi/{WHEEL}", method="HEAD")
    missing = client.ask("/pypi/none", method="HEAD")
    large = client.ask("/files/large.bin", method="HEAD")

    assert head.body == b""
    assert {**head.headers, "date": ""} == {**got.headers, "date": ""}
    assert (missing.status, missing.body) == (404, b"")
    assert (large.status, large.body, large.headers["content-length"]) == (200, b"", "50000000")


def test_a_large_file_comes_whole_and_in_parts(client: Client) -> None:
    assert client.ask("/files/large.bin").body == bytes(50_000_000)
    reply = client.ask("/files/large.bin", Range="bytes=100000-300000")
    assert (reply.status, reply.body) == (206, bytes(200_001))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=10-", (10, 1024)),
        ("bytes=10-19", (10, 20)),
        ("bytes=-5", (1019, 1024)),
        ("bytes=-5000", (0, 1024)),
        ("bytes=1000-5000", (1000, 1024)),
        ("bytes=0-", (0, 1024)),
    ],
)
def test_a_range_is_what_was_asked_for(said: str, expected: tuple[int, int], client: Client) -> None:
    start, end = expected
    reply = client.ask(f"/pypi/{WHEEL}", Range=said)

    assert (reply.status, reply.body) == (206, CONTENT[start:end])
    assert reply.headers["content-range"] == f"bytes {start}-{end - 1}/1024"
    assert reply.headers["content-length"] == str(end - start)


@pytest.mark.parametrize(
    "said", ["bytes=0-1,3-4", "bytes=-", "bytes=5-2", "lines=1-2", "bytes=x-", "bytes=" + "9" * 30 + "-"]
)
def test_a_range_that_cannot_be_meant_gives_the_whole(said: str, client: Client) -> None:
    assert client.ask(f"/pypi/{WHEEL}", Range=said).status == 200


@pytest.mark.parametrize("said", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_outside_the_file_is_refused(said: str, client: Client) -> None:
    reply = client.ask(f"/pypi/{WHEEL}", Range=said)

    assert (reply.status, reply.body, reply.headers["content-range"]) == (416, b"", "bytes */1024")


def test_a_range_goes_on_only_where_the_content_is_the_same(client: Client) -> None:
    tag = client.ask(f"/pypi/{WHEEL}").headers["etag"]

    assert client.ask(f"/pypi/{WHEEL}", Range="bytes=5-", If_Range=tag).status == 206
    for said in ('"other"', f"W/{tag}", "Wed, 25 Nov 2026 00:00:00 GMT"):
        assert client.ask(f"/pypi/{WHEEL}", Range="bytes=5-", If_Range=said).status == 200


def test_ranges_are_of_get_only(client: Client) -> None:
    reply = client.ask(f"/pypi/{WHEEL}", method="HEAD", Range="bytes=0-9")

    assert (reply.status, reply.headers["content-length"]) == (200, "1024")


def test_what_a_client_holds_is_not_sent_again(client: Client) -> None:
    for path in (f"/pypi/{WHEEL}", "/pypi/simple/six/", "/npm/right", "/files/"):
        tag = client.ask(path).headers["etag"]
        for said in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            reply = client.ask(path, If_None_Match=said)
            assert (reply.status, reply.body, reply.headers["etag"]) == (304, b"", tag)
        assert client.ask(path, If_None_Match='"x"').status == 200


def test_two_files_of_one_size_and_time_have_different_tags(tmp_path: Path) -> None:
    """Clients that name what they cache by its tag would take one for the other."""
    scene = Scene(str(tmp_path))
    scene.set_up()
    scene.take_in(scene.export({"a": b"aaaa", "b": b"bbbb"}))
    for name in ("a", "b"):
        os.utime(scene.shown(name), ns=(1, 1))
    with running(scene.open()) as client:
        one, other = client.ask("/files/a"), client.ask("/files/b")

    assert (one.body, other.body) == (b"aaaa", b"bbbb")
    assert one.headers["etag"] != other.headers["etag"]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (PIP, JSON),
        (JSON, JSON),
        ("application/vnd.pypi.simple.latest+json", JSON),
        ("text/html", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("", "text/html; charset=utf-8"),
        (f"{JSON};q=0.1, text/html", "text/html; charset=utf-8"),
        (f"{JSON};q=0, text/html;q=0.5", "text/html; charset=utf-8"),
        ("application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.v1+html; charset=utf-8"),
        ("image/png", "text/html; charset=utf-8"),
        ("," * 20_000 + JSON, "text/html; charset=utf-8"),
    ],
)
def test_the_python_index_comes_in_the_form_that_a_client_prefers(accept: str, expected: str, client: Client) -> None:
    for path in ("/pypi/simple/", "/pypi/simple/six/"):
        reply = client.ask(path, Accept=accept)

        assert (reply.status, reply.headers["content-type"], reply.headers["vary"]) == (200, expected, "Accept")
        assert reply.body.startswith(b"{" if expected == JSON else b"<!DOCTYPE html>")


def test_an_address_without_its_slash_is_sent_on(client: Client) -> None:
    for path in ("/pypi/simple", "/pypi/simple/six", "/files", "/files/deep"):
        reply = client.ask(path)
        assert (reply.status, reply.headers["location"]) == (308, f"http://127.0.0.1:{client.port}{path}/")


@pytest.mark.parametrize("name", ["right", "right/", "@scope/left", "@scope%2fleft", "@scope%2Fleft"])
def test_a_packument_holds_the_address_that_its_client_used(name: str, client: Client) -> None:
    reply = client.ask(f"/npm/{name}", host="packages.example:8080")
    said = json.loads(reply.body)
    url = said["versions"]["1.0.0"]["dist"]["tarball"]

    assert reply.headers["content-type"] == "application/json"
    assert url.startswith("http://packages.example:8080/npm/")
    assert client.ask(url.removeprefix("http://packages.example:8080")).body == said["name"].rpartition("/")[2].encode()


def test_behind_a_proxy_the_address_is_what_somebody_said_it_is(scene: Scene) -> None:
    with running(scene.open(), "https://packages.example/airgap") as client:
        reply = client.ask("/npm/right")

    assert b'"https://packages.example/airgap/npm/right/-/right-1.0.0.tgz"' in reply.body


def test_signed_evidence_comes_byte_for_byte(client: Client) -> None:
    reply = client.ask("/npm/right/-/right-1.0.0.tgz.attestations.json")

    assert (reply.body, reply.headers["content-type"]) == (PROOF, "application/json")


def test_an_empty_file_comes_to_who_asks_for_all_of_it(client: Client) -> None:
    assert (client.ask("/files/empty", Range="bytes=0-").status, client.ask("/files/empty").body) == (200, b"")


def test_folders_are_listed_and_names_cannot_write_the_page(client: Client) -> None:
    page = client.ask("/files/deep/").body.decode()

    assert '<a href="a%20%3Cb%3E.html">a &lt;b&gt;.html</a>' in page
    assert '<a href="pypi/">' in client.ask("/").body.decode()
    assert f'<a href="{WHEEL}">' in client.ask("/pypi/").body.decode()
    assert client.ask("/files/deep/a%20%3Cb%3E.html").headers["content-type"] == "text/plain; charset=utf-8"
    assert client.ask(f"/pypi/{WHEEL}.metadata").headers["content-type"] == "text/plain; charset=utf-8"
    assert client.ask("/pypi/simple/index.json").headers["content-type"] == JSON


def test_imports_meanwhile_lose_no_request(tmp_path: Path) -> None:
    scene = Scene(str(tmp_path))
    scene.set_up()
    last = scene.export({}, name="b0", artifacts=[wheel(scene.root, WHEEL, CONTENT)])
    scene.take_in(last)
    bad: list[object] = []
    stop = threading.Event()
    with running(scene.open()) as client:

        def ask_on_and_on() -> None:
            while not stop.is_set():
                for path, expected in (("/pypi/simple/six/", b"six-1.0"), (f"/pypi/{WHEEL}", CONTENT)):
                    reply = client.ask(path)
                    if reply.status != 200 or expected not in reply.body:
                        bad.append(reply)

        threads = [threading.Thread(target=ask_on_and_on) for _ in range(3)]
        for thread in threads:
            thread.start()
        for n in range(1, 15):
            more = wheel(scene.root, f"six-1.{n}-py3-none-any.whl", str(n).encode())
            last = scene.export({}, name=f"b{n}", after=last, artifacts=[more])
            assert scene.take_in(last).verdict.standing is Standing.ACCEPTED
        stop.set()
        for thread in threads:
            thread.join()
        assert b"six-1.14" in client.ask("/pypi/simple/six/").body
    assert bad == []


def test_a_store_without_a_generation_is_no_empty_store(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A client that was told 404 would take the package for one that does not exist."""
    scene = Scene(str(tmp_path))
    scene.set_up()
    os.unlink(Path(scene.store_path) / "current")
    with running(scene.open()) as client:
        assert client.ask("/files/").status == 503
    assert caplog.messages == [f"{scene.store_path}: expected to read it, got No such file or directory"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("json_option", [(), ("--json",)])
def test_the_command_says_where_it_serves_and_ends_when_told(
    how: signal.Signals, json_option: tuple[str, ...], scene: Scene
) -> None:
    command = [sys.executable, "-m", "airgap", "serve", "--store", scene.store_path, "--port", "0", *json_option]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout is not None
    if json_option:
        said = json.loads("".join(iter(running.stdout.readline, "}\n")) + "}")
        url = said["url"]
        assert faults("serve", said) == []
        assert (said["result"], said["generation"]) == ("serving", 1)
    else:
        url = next(word for word in running.stdout.readline().split() if word.startswith("http://"))
    port = int(url.rstrip("/").rpartition(":")[2])
    assert Client(port).ask("/npm/right").status == 200

    running.send_signal(how)
    _, errors = running.communicate(timeout=20)

    assert (running.returncode, errors) == (0, "")


def test_a_port_that_is_taken_is_named(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "airgap", "serve", "--store", scene.store_path, "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert f"expected to listen on '127.0.0.1' port {port}, got Address already in use" in done.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_connections_do_not_wait_for_more_to_send(host: str) -> None:
    """Else each answer over a connection that stays open would cost 40 ms: Nagle's algorithm and a delayed confirmation."""
    with server.listen(host, 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    ("host", "url", "expected"),
    [
        ("127.0.0.1", None, "http://127.0.0.1:7"),
        ("::1", None, "http://[::1]:7"),
        ("127.0.0.1", "https://packages.example", "https://packages.example"),
    ],
)
def test_what_is_printed_can_be_opened(
    host: str, url: str | None, expected: str, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    ran: list[object] = []

    class Listening(socket.socket):
        def getsockname(self) -> tuple[str, int]:
            return host, 7

    class Server:
        def run(self, *, sockets: list[socket.socket]) -> None:
            ran.extend(sockets)

    monkeypatch.setattr(server, "listen", lambda *_: Listening())
    monkeypatch.setattr(server, "server_of", lambda *_: Server())
    server.serve(scene.open(), host, 0, url, ready=said.append)

    assert said == [expected]
    assert len(ran) == 1


def test_a_signal_ends_the_run_and_nothing_else(scene: Scene) -> None:
    one = server.server_of(scene.open(), None)
    before = signal.getsignal(signal.SIGTERM)
    with one.capture_signals():
        signal.raise_signal(signal.SIGTERM)

    assert one.should_exit
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("url", ["file:///srv/store", 'http://a"b', "http://a/../b", "a"])
def test_an_address_that_cannot_stand_in_a_packument_is_refused(url: str, scene: Scene, airgap: Airgap) -> None:
    ended = airgap("serve", "--store", scene.store_path, "--url", url)

    assert ended.code == 2
    assert ended.err.startswith("airgap: --url: expected ")


def test_the_command_hands_on_what_it_was_told(scene: Scene, airgap: Airgap, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_: object, host: str, port: int, url: str | None, *, ready: Callable[[str], None]) -> None:
        ready(f"{host} {port} {url}")

    monkeypatch.setattr(server, "serve", run)
    options = ("--store", scene.store_path, "--host", "::1", "--port", 7, "--url", "https://a.example/b/")

    assert airgap("serve", *options, "--json").json["url"] == "::1 7 https://a.example/b"
    assert (
        airgap("serve", *options).out
        == "serving generation 1 at ::1 7 https://a.example/b/ until Ctrl-C; imports show at once\n"
    )


def test_without_the_extra_its_name_is_said(scene: Scene) -> None:
    code = (
        "import sys\nsys.modules['uvicorn'] = None\nfrom airgap.cli.app import run\n"
        f"sys.exit(run(['serve', '--store', {scene.store_path!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "pip install 'airgap[serve]'" in done.stderr
