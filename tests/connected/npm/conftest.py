"""A project whose npm is configured with a registry on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connected.npm.registry import Bench, Registry, install_npm
from tests.connected.web.server import serving


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as site:
        yield Registry(site, "/npm/")


@pytest.fixture
def bench(tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Bench:
    install_npm(tmp_path / "bin", monkeypatch, {"registry": registry.url.removesuffix("/")})
    folder = tmp_path / "project"
    folder.mkdir()
    return Bench(folder, registry)
