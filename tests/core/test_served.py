"""The URL of a store: which ones are taken, and the addresses below it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap.core.errors import UsageError
from airgap.core.served import Served


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("https://store.example/air-gap/v1.0/", "https://store.example/air-gap/v1.0"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost", "http://localhost"),
        ("file:///srv/airgap/current", "file:///srv/airgap/current"),
        ("file:///srv/", "file:///srv"),
    ],
)
def test_a_url_of_a_host_and_a_path_is_taken_without_its_last_slash(text: str, url: str) -> None:
    assert Served.parse(text).url == url
    assert Served.parse(url) == Served.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "store.example",
        "ftp://store.example",
        "HTTP://store.example",
        "http://",
        "http:///path",
        "http://me@store.example",
        "http://me:secret@store.example",
        "http://store.example?x",
        "http://store.example#x",
        "http://store.example/a b",
        'http://store.example/"',
        "http://store.example/'",
        "http://store.example/\\",
        "http://store.example/$x",
        "http://store.example/%2e%2e",
        "http://store.example/a//b",
        "http://store.example/../b",
        "http://store.example/.",
        "http://store.example\n",
        "http://store.example:0",
        "http://store.example:99999",
        "http://store.example:",
        "http://[::1",
        "http://[:::::]",
        "http://[1.2.3.4]",
        "http://st\u00f6re.example",
        "file://srv/airgap",
        "file:/srv/airgap",
        "file:///",
        "file:///srv/../etc",
        "http://store.example/" + "a" * 1024,
    ],
)
def test_any_other_text_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Served.parse(text)
    assert caught.value.message == "--url: expected an http, https or file URL of a host and a plain path, got another"


@given(st.text(max_size=30), st.sampled_from(["http://", "https://h", "file:///a", "http://[", "http://h:"]))
def test_what_is_taken_needs_no_quoting_anywhere(text: str, start: str) -> None:
    try:
        url = Served.parse(start + text).url
    except UsageError:
        return
    assert url.isascii()
    assert url.isprintable()
    assert not set(url) & set(" \"'\\$`#?;&<>|(){}*!%,")


@pytest.mark.parametrize(
    ("url", "name", "host", "port", "path", "is_loopback", "is_http"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1", "127.0.0.1:8080", 8080, "", True, True),
        ("http://localhost/x", "localhost", "localhost", 80, "/x", True, True),
        ("http://[::1]:8080", "::1", "[::1]:8080", 8080, "", True, True),
        ("http://10.0.0.1", "10.0.0.1", "10.0.0.1", 80, "", False, True),
        ("https://store.example/a/b", "store.example", "store.example", 443, "/a/b", False, False),
        ("http://localhost.example", "localhost.example", "localhost.example", 80, "", False, True),
    ],
)
def test_the_parts_of_a_url(url: str, name: str, host: str, port: int, path: str, is_loopback: bool, is_http: bool) -> None:
    served = Served.parse(url)
    assert (served.name, served.host, served.port, served.path) == (name, host, port, path)
    assert (served.is_loopback, served.is_http, served.is_file) == (is_loopback, is_http, False)


def test_addresses_are_laid_out_as_in_a_generation() -> None:
    served = Served.parse("https://store.example/x/")
    assert served.index == "https://store.example/x/pypi/simple"
    assert served.registry == "https://store.example/x/npm/"
    assert served.python_file("a-1.0+local-py3-none-any.whl") == (
        "https://store.example/x/pypi/a-1.0%2Blocal-py3-none-any.whl"
    )
    assert served.tarball("@scope/name", "1.0.0+b") == "https://store.example/x/npm/@scope/name/-/name-1.0.0%2Bb.tgz"
    assert Served.parse("file:///srv/airgap/current").is_file
