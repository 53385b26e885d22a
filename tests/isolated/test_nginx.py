"""The generated configuration, read by nginx itself, answers as ``airgap serve`` does."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pytest

from airgap.core.errors import UsageError
from airgap.isolated.nginx import PLACEHOLDER, configuration
from airgap.isolated.views.npm import BASE
from tests.isolated.scene import Scene
from tests.serving.conftest import PROOF, WHEEL, fill
from tests.serving.running import Client, Reply, running

PORT = 18_473
ROOT = "daemon off; user root;"
"""Started by root, its workers would be somebody who may not enter the folders of a test."""
JSON = "application/vnd.pypi.simple.v1+json"


@pytest.mark.parametrize("store", ['/srv/"x', "/srv/$x", "/srv/x;", "/srv/\n", "/srv/{", "/srv/#", "/srv/'", "/srv/\\", ""])
def test_a_path_that_nginx_would_read_as_something_else_is_refused(store: str) -> None:
    with pytest.raises(UsageError, match="expected a path without quotes"):
        configuration(store, listen="127.0.0.1:1")


def test_the_placeholder_is_the_one_of_the_packuments() -> None:
    assert f"{PLACEHOLDER}npm/" == BASE
    assert PLACEHOLDER in configuration("/srv/a store", listen="127.0.0.1:1")


class Both(NamedTuple):
    """nginx and ``airgap serve`` over one store."""

    scene: Scene
    nginx: Client
    ours: Client

    @property
    def clients(self) -> tuple[Client, Client]:
        """The one and the other."""
        return self.nginx, self.ours


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """nginx and ``airgap serve`` over one store, in a folder whose name has a blank."""
    root = tmp_path_factory.mktemp("nginx") / "a store"
    root.mkdir()
    scene = Scene(str(root))
    scene.set_up()
    fill(scene)
    made = root / "nginx"
    made.mkdir()
    (made / "nginx.conf").write_text(configuration(scene.store_path, listen=f"127.0.0.1:{PORT}"))
    server = subprocess.Popen(["nginx", "-e", "stderr", "-p", made, "-c", made / "nginx.conf", "-g", ROOT])
    try:
        _wait(server)
        with running(scene.open()) as ours:
            yield Both(scene, Client(PORT), ours)
    finally:
        server.terminate()
        server.wait()


def _wait(server: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        assert server.poll() is None
        try:
            Client(PORT).ask("/")
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx did not start")


def _said(reply: Reply, client: Client) -> tuple[int, str, bytes]:
    """What matters to clients: status, type, content; addresses with their port left out."""
    return reply.status, reply.headers.get("content-type", ""), reply.body.replace(f":{client.port}".encode(), b"")


@pytest.mark.root
@pytest.mark.parametrize(
    "path",
    [
        f"/pypi/{WHEEL}",
        f"/pypi/{WHEEL}.metadata",
        "/pypi/simple/",
        "/pypi/simple/six/",
        "/pypi/simple/six/index.html",
        "/pypi/simple/six/index.json",
        "/npm/right",
        "/npm/right/",
        "/npm/@scope%2fleft",
        "/npm/@scope%2Fleft",
        "/npm/@scope/left",
        "/npm/@scope/left/-/left-1.0.0.tgz",
        "/npm/@scope%2fleft/-/left-1.0.0.tgz",
        "/npm/right/-/right-1.0.0.tgz.attestations.json",
        "/files/empty",
        "/files/deep/a%20%3Cb%3E.html",
        "/files/deep/index.html",
    ],
)
@pytest.mark.parametrize("accept", [f"{JSON}, text/html; q=0.01", f"{JSON};q=0, text/html", "*/*"])
def test_nginx_answers_as_we_do(path: str, accept: str, both: Both) -> None:
    theirs, ours = (_said(client.ask(path, Accept=accept), client) for client in both.clients)

    assert theirs == ours
    assert theirs[0] == 200


@pytest.mark.root
@pytest.mark.parametrize(
    "path",
    [
        "/state.json",
        "/pypi/../state.json",
        "/pypi/%2e%2e/state.json",
        "/pypi/..%2fstate.json",
        "/objects/",
        "/files//deep/",
        "//files/",
        "/files/a%5cb",
        "/npm",
        "/npm/",
        "/npm/none",
        "/npm/@scope",
        "/npm/-/ping",
        "/npm/right/index.html",
        "/npm/right/1.0.0",
        "/pypi/none",
        "/pypi/simple/none/",
        f"/pypi/{WHEEL}/",
        "/none",
    ],
)
def test_nginx_has_nothing_else_either(path: str, both: Both) -> None:
    assert [client.ask(path).status for client in both.clients] == [404, 404]


@pytest.mark.root
@pytest.mark.parametrize("path", ["/../state.json", "/%2e%2e/%2e%2e/site.key.pem", "/files/%00", "/files/%zz"])
def test_nginx_refuses_what_climbs(path: str, both: Both) -> None:
    assert all(client.ask(path).status in {400, 404} for client in both.clients)


@pytest.mark.root
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"Range": "bytes=0-9"}, 206),
        ({"Range": "bytes=-5"}, 206),
        ({"Range": "bytes=-5000"}, 206),
        ({"Range": "bytes=1020-"}, 206),
        ({"Range": "bytes=0-1,3-4"}, 200),
        ({"Range": "bytes=1024-"}, 416),
        ({"Range": "bytes=0-9", "If_Range": '"x"'}, 200),
        ({"Range": "bytes=0-9", "If_Range": "TIME"}, 200),
        ({"If_Modified_Since": "TIME"}, 200),
    ],
)
def test_nginx_gives_the_same_parts(said: dict[str, str], expected: int, both: Both) -> None:
    """A file of the same time and another content must not be continued."""
    store = Path(both.scene.store_path)
    time_of_file = formatdate((store / "current/pypi" / WHEEL).stat().st_mtime, usegmt=True)
    headers = {name: value.replace("TIME", time_of_file) for name, value in said.items()}
    theirs, ours = (client.ask(f"/pypi/{WHEEL}", **headers) for client in both.clients)

    assert (theirs.status, ours.status) == (expected, expected)
    assert theirs.headers.get("content-range") == ours.headers.get("content-range")
    assert expected == 416 or theirs.body == ours.body
    assert {"etag", "last-modified"} & theirs.headers.keys() == set()


@pytest.mark.root
@pytest.mark.parametrize("host", ["a b", "a/b", 'a"b', "a@b", "a:b:c", "a'b", "$host", ""])
def test_nginx_puts_no_other_host_into_packuments_either(host: str, both: Both) -> None:
    assert [client.ask("/npm/right", host=host).status for client in both.clients] == [400, 400]


@pytest.mark.root
@pytest.mark.parametrize("host", ["packages.example:8080", "[::1]:80", "a_b"])
def test_nginx_puts_the_address_that_a_client_used_into_packuments(host: str, both: Both) -> None:
    for client in both.clients:
        said = json.loads(client.ask("/npm/right", host=host).body)
        assert said["versions"]["1.0.0"]["dist"]["tarball"] == f"http://{host}/npm/right/-/right-1.0.0.tgz"


@pytest.mark.root
def test_nginx_leaves_signed_evidence_as_it_is(both: Both) -> None:
    assert both.nginx.ask("/npm/right/-/right-1.0.0.tgz.attestations.json").body == PROOF


@pytest.mark.root
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nginx_takes_no_writes(method: str, both: Both) -> None:
    assert [client.ask("/npm/right", method=method).status for client in both.clients] == [405, 405]


@pytest.mark.root
@pytest.mark.parametrize("path", ["/", "/files/", "/files/deep/", "/pypi/"])
def test_nginx_lists_the_same_folders(path: str, both: Both) -> None:
    """A page among plain files does not take the place of the list."""
    for client in both.clients:
        reply = client.ask(path)
        assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert b"<script>" not in reply.body
    theirs, ours = (
        set(re.findall(rb'href="([^"]*)"', client.ask(path).body)) - {b"../", b"npm/"} for client in both.clients
    )
    assert {unquote(link.decode()) for link in theirs} == {unquote(link.decode()) for link in ours}


@pytest.mark.root
@pytest.mark.parametrize("path", ["/files", "/files/deep", "/pypi", "/pypi/simple", "/pypi/simple/six"])
def test_nginx_sends_on_to_the_same_folders(path: str, both: Both) -> None:
    for client in both.clients:
        reply = client.ask(path)
        assert reply.status in {301, 308}
        assert reply.headers["location"].removeprefix(f"http://127.0.0.1:{client.port}") == f"{path}/"


@pytest.mark.root
def test_nginx_follows_no_link_in_a_view(both: Both) -> None:
    store = Path(both.scene.store_path)
    file, folder = store / "current/pypi/link", store / "current/files/folder"
    file.symlink_to(store / "site.key.pem")
    folder.symlink_to(store)
    try:
        for path in ("/pypi/link", "/files/folder/", "/files/folder/site.key.pem"):
            assert all(client.ask(path).status in {403, 404} for client in both.clients)
    finally:
        file.unlink()
        folder.unlink()


@pytest.mark.root
def test_nginx_shows_an_import_at_once(both: Both) -> None:
    scene = both.scene
    scene.take_in(scene.export({"new.txt": b"new"}, name="new", channel="other"))

    assert [client.ask("/files/new.txt").body for client in both.clients] == [b"new", b"new"]
