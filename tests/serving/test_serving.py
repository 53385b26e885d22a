"""The views over HTTP: types, forms, ranges and content digests, and nothing of the store besides."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from airgap.core.verdict import Standing
from tests.cli.test_answers import faults
from tests.isolated.packages import core_metadata, packument, source, tarball, wheel
from tests.isolated.scene import Scene
from tests.serving.running import Client, running

WHEEL = "six-1.0-py3-none-any.whl"
CONTENT = bytes(range(256)) * 4
JSON = "application/vnd.pypi.simple.v1+json"
PIP = f"{JSON}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    scene = Scene(str(tmp_path_factory.mktemp("serving")))
    scene.set_up()
    root = scene.root
    page = wheel(root, WHEEL, b"<script>")
    odd = source(root, "artifacts/files/deep/a <b>.html", b"<script>")
    bundle = scene.export(
        {},
        artifacts=[
            wheel(root, WHEEL, CONTENT, **{"requires-python": ">=3.8"}),
            tarball(root, "@scope/left", "1.0.0", b"left"),
            tarball(root, "right", "1.0.0", b"right"),
            page._replace(source=odd, purl="pkg:generic/a"),
        ],
        documents=[
            core_metadata(root, WHEEL, b"Name: six\n"),
            packument(root, "@scope/left", {"1.0.0": {}}, latest="1.0.0"),
            packument(root, "right", {"1.0.0": {}}, latest="1.0.0"),
        ],
    )
    assert scene.take_in(bundle).verdict.standing is Standing.ACCEPTED
    return scene


@pytest.fixture(scope="module")
def client(scene: Scene) -> Iterator[Client]:
    with running(scene.open()) as client:
        yield client


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

    assert head.body == b""
    assert {**head.headers, "date": ""} == {**got.headers, "date": ""}
    assert (missing.status, missing.body) == (404, b"")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=10-", (10, 1024)),
        ("bytes=10-19", (10, 20)),
        ("bytes=-5", (1019, 1024)),
        ("bytes=-5000", (0, 1024)),
        ("bytes=1000-5000", (1000, 1024)),
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
    assert client.ask(f"/pypi/{WHEEL}", Range="bytes=5-", If_Range='"other"').status == 200


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


def test_folders_are_listed_and_names_cannot_write_the_page(client: Client) -> None:
    page = client.ask("/files/deep/").body.decode()

    assert '<a href="a%20%3Cb%3E.html">a &lt;b&gt;.html</a>' in page
    assert '<a href="pypi/">' in client.ask("/").body.decode()
    assert f'<a href="{WHEEL}">' in client.ask("/pypi/").body.decode()
    assert client.ask("/files/deep/a%20%3Cb%3E.html").headers["content-type"] == "text/plain; charset=utf-8"
    assert client.ask(f"/pypi/{WHEEL}.metadata").headers["content-type"] == "text/plain; charset=utf-8"
    assert client.ask("/pypi/simple/index.json").headers["content-type"] == "application/json"


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


def test_a_store_without_a_generation_has_nothing(tmp_path: Path) -> None:
    scene = Scene(str(tmp_path))
    scene.set_up()
    os.unlink(Path(scene.store_path) / "current")
    with running(scene.open()) as client:
        assert client.ask("/files/").status == 404


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


def test_without_the_extra_its_name_is_said(scene: Scene) -> None:
    code = (
        "import sys\nsys.modules['uvicorn'] = None\nfrom airgap.cli.app import run\n"
        f"sys.exit(run(['serve', '--store', {scene.store_path!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "pip install 'airgap[serve]'" in done.stderr
