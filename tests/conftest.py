"""What every test gets: no network beyond this machine, one fixed instant, and hypothesis without chance."""

import ipaddress
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("small", max_examples=50, deadline=None, derandomize=True, database=None)
settings.register_profile("large", max_examples=5000, deadline=None)
settings.load_profile("small")


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("online"):
        return
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    # for sendto the address stands last, after the flags
    for name, place in (("connect", 1), ("connect_ex", 1), ("sendto", -1)):
        monkeypatch.setattr(socket.socket, name, _stay(getattr(socket.socket, name), place))
    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, _stay(getattr(socket, name), 0))


def _stay(call: Callable[..., Any], place: int) -> Callable[..., Any]:
    """The call itself for addresses on this machine; any other fails the test."""

    def ask(*arguments: Any, **options: Any) -> Any:
        address = arguments[place]
        is_unix = isinstance(arguments[0], socket.socket) and isinstance(address, str | bytes)
        if not is_unix and not _is_loopback(address[0] if isinstance(address, tuple) else address):
            pytest.fail("a test that is not marked online asked for the network")
        return call(*arguments, **options)

    return ask


def _is_loopback(host: Any) -> bool:
    text = host.decode() if isinstance(host, bytes) else host
    if text == "localhost":
        return True
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


@pytest.fixture
def now() -> datetime:
    """The instant at which all tests happen."""
    return datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
