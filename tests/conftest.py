"""What every test gets: no network, one fixed instant, and hypothesis without chance."""

import socket
from datetime import UTC, datetime
from typing import Any, NoReturn

import pytest
from hypothesis import settings

settings.register_profile("small", max_examples=50, deadline=None, derandomize=True, database=None)
settings.register_profile("large", max_examples=5000, deadline=None)
settings.load_profile("small")


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("online"):
        return

    def refuse(*_: Any, **__: Any) -> NoReturn:
        pytest.fail("a test that is not marked online asked for the network")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


@pytest.fixture
def now() -> datetime:
    """The instant at which all tests happen."""
    return datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
