"""A store with packages of every kind, and a server over it."""

from collections.abc import Iterator
from typing import Final

import pytest

from airgap.connected.collected import Carried, Collected
from airgap.core.entries import Role
from airgap.core.purl import file_purl
from airgap.core.verdict import Standing
from tests.cli.conftest import airgap
from tests.isolated.packages import core_metadata, packument, source, tarball, wheel
from tests.isolated.scene import Scene
from tests.serving.running import Client, running

__all__ = ["airgap"]

WHEEL: Final = "six-1.0-py3-none-any.whl"
CONTENT: Final = bytes(range(256)) * 4
PROVEN: Final = "npm/right/-/right-1.0.0.tgz.attestations.json"
PROOF: Final = b'{"of": "http://airgap.invalid/npm/right"}'


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    scene = Scene(str(tmp_path_factory.mktemp("serving")))
    scene.set_up()
    fill(scene)
    return scene


@pytest.fixture(scope="module")
def client(scene: Scene) -> Iterator[Client]:
    with running(scene.open()) as client:
        yield client


def fill(scene: Scene) -> None:
    """Import one package of every kind, and what stands beside them."""
    root = scene.root
    bundle = scene.export(
        {},
        artifacts=[
            wheel(root, WHEEL, CONTENT, **{"requires-python": ">=3.8"}),
            tarball(root, "@scope/left", "1.0.0", b"left"),
            tarball(root, "right", "1.0.0", b"right"),
            _file(root, "files/deep/a <b>.html", b"<script>"),
            _file(root, "files/deep/index.html", b"<script></script>"),
            _file(root, "files/empty", b""),
            _file(root, "files/large.bin", bytes(50_000_000)),
        ],
        documents=[
            core_metadata(root, WHEEL, b"Name: six\n"),
            Carried(source(root, f"documents/{PROVEN}", PROOF), Role.ATTESTATION, "application/json"),
            packument(root, "@scope/left", {"1.0.0": {}}, latest="1.0.0"),
            packument(root, "right", {"1.0.0": {}}, latest="1.0.0"),
        ],
    )
    assert scene.take_in(bundle).verdict.standing is Standing.ACCEPTED


def _file(root: str, place: str, content: bytes) -> Collected:
    return Collected(source(root, f"artifacts/{place}", content), file_purl(place))
