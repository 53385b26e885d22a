"""The generated configuration, read by nginx itself, answers as ``airgap serve`` does."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from airgap.core.errors import UsageError
from airgap.core.verdict import Standing
from airgap.isolated.nginx import PLACEHOLDER, configuration
from airgap.isolated.views.npm import BASE
from tests.isolated.packages import core_metadata, packument, tarball, wheel
from tests.isolated.scene import Scene
from tests.serving.running import Client, Reply, running

WHEEL = "six-1.0-py3-none-any.whl"
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


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Client]]:
    """nginx and ``airgap serve`` over one store, in a folder whose name has a blank."""
    root = tmp_path_factory.mktemp("nginx") / "a store"
    root.mkdir()
    scene = Scene(str(root))
    scene.set_up()
    bundle = scene.export(
        {},
        artifacts=[
            wheel(scene.root, WHEEL, bytes(1000)),
            tarball(scene.root, "@scope/left", "1.0.0", b"left"),
            tarball(scene.root, "right", "1.0.0", b"right"),
        ],
        documents=[
            core_metadata(scene.root, WHEEL, b"Name: six\n"),
            packument(scene.root, "@scope/left", {"1.0.0": {}}, latest="1.0.0"),
            packument(scene.root, "right", {"1.0.0": {}}, latest="1.0.0"),
        ],
    )
    assert scene.take_in(bundle).verdict.standing is Standing.ACCEPTED
    made = root / "nginx"
    made.mkdir()
    (made / "nginx.conf").write_text(configuration(scene.store_path, listen=f"127.0.0.1:{PORT}"))
    server = subprocess.Popen(["nginx", "-e", "stderr", "-p", made, "-c", made / "nginx.conf", "-g", ROOT])
    try:
        _wait(server)
        with running(scene.open()) as ours:
            yield Client(PORT), ours
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
    kind = reply.headers.get("content-type", "").partition(";")[0]
    return reply.status, kind, reply.body.replace(f":{client.port}".encode(), b"")


@pytest.mark.root
@pytest.mark.parametrize(
    "path",
    [
        f"/pypi/{WHEEL}",
        f"/pypi/{WHEEL}.metadata",
        "/pypi/simple/",
        "/pypi/simple/six/",
        "/npm/right",
        "/npm/right/",
        "/npm/@scope%2fleft",
        "/npm/@scope/left",
        "/npm/@scope/left/-/left-1.0.0.tgz",
    ],
)
@pytest.mark.parametrize("accept", [f"{JSON}, text/html; q=0.01", "*/*"])
def test_nginx_answers_as_we_do(path: str, accept: str, both: tuple[Client, Client]) -> None:
    theirs, ours = (_said(client.ask(path, Accept=accept), client) for client in both)

    assert theirs == ours
    assert theirs[0] == 200


@pytest.mark.root
@pytest.mark.parametrize(
    "path",
    [
        "/state.json",
        "/pypi/../state.json",
        "/pypi/%2e%2e/state.json",
        "/objects/",
        "/npm/none",
        "/npm/",
        "/npm/@scope",
        "/none",
    ],
)
def test_nginx_has_nothing_else_either(path: str, both: tuple[Client, Client]) -> None:
    assert [client.ask(path).status for client in both] == [404, 404]


@pytest.mark.root
def test_nginx_knows_ranges_and_takes_no_writes_and_makes_no_tags(both: tuple[Client, Client]) -> None:
    nginx, ours = both
    for client in both:
        assert client.ask(f"/pypi/{WHEEL}", Range="bytes=0-9").status == 206
        assert client.ask("/npm/x", method="PUT").status == 405
    assert "etag" not in nginx.ask(f"/pypi/{WHEEL}").headers
    assert "etag" in ours.ask(f"/pypi/{WHEEL}").headers
    address = json.loads(nginx.ask("/npm/right").body)["versions"]["1.0.0"]["dist"]["tarball"]
    assert address == f"http://127.0.0.1:{PORT}/npm/right/-/right-1.0.0.tgz"


@pytest.mark.root
def test_nginx_follows_no_link_in_a_view(both: tuple[Client, Client], tmp_path_factory: pytest.TempPathFactory) -> None:
    nginx, _ = both
    store = next(Path(tmp_path_factory.getbasetemp()).glob("nginx?/a store/store"))
    link = store / "current/pypi/link"
    link.symlink_to(store / "site.pub.pem")
    try:
        assert nginx.ask("/pypi/link").status in {403, 404}
    finally:
        link.unlink()
