"""A connected host whose pip is configured by the test alone."""

from pathlib import Path

import pytest

from tests.connected.pypi.shop import Host


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """No index, no proxy, no netrc."""
    return Host(tmp_path, monkeypatch)
