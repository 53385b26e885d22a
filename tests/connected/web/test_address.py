"""URLs: one text, one meaning, and nothing secret in a message."""

import pytest

from airgap.connected.web.address import is_file, normalise, origin, path_of, resolve, shown
from airgap.core.errors import FormatError


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTP://A.Invalid", "http://a.invalid/"),
        ("https://a.invalid:8443/x?q=1#part", "https://a.invalid:8443/x?q=1"),
        ("https://user:pass@a.invalid/x", "https://a.invalid/x"),
        ("https://a.invalid/team/../other/./x", "https://a.invalid/other/x"),
        ("https://a.invalid/@scope%2fname", "https://a.invalid/@scope%2Fname"),
        ("https://a.invalid/a b/\u00fc", "https://a.invalid/a%20b/%C3%BC"),
        ("https://[::1]:80/x", "https://[::1]:80/x"),
        ("file:/x/y", "file:///x/y"),
        ("FILE://localhost/x y?q#f", "file:///x%20y"),
    ],
)
def test_a_url_has_one_text(url: str, normal: str) -> None:
    assert normalise(url) == normal
    assert normalise(normal) == normal


@pytest.mark.parametrize(
    "url",
    [
        "", "x", "/x", "//a.invalid/x", "ftp://a.invalid/", "http://", "http:///x", "http://a.invalid:99999/",
        "http://a.invalid\\@b.invalid:x/", "http://a\nb.invalid/", "http://\u00e4.invalid/", "http://[::1/",
        "file://other.invalid/x", "file:x", "file:///x%00y", "https://a.invalid/" + "x" * 8200,
    ],
)  # fmt: skip
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(FormatError, match="address: expected an http, https or file URL, got"):
        normalise(url)


def test_a_backslash_does_not_hide_the_host() -> None:
    """Browsers take it for a slash and would see the first host, where credentials for the first host would go."""
    assert normalise("http://a.invalid\\@b.invalid/x") == "http://b.invalid/x"


@pytest.mark.parametrize(
    ("base", "link", "found"),
    [
        ("https://a.invalid/simple/f/", "../../files/f.whl#sha256=00", "https://a.invalid/files/f.whl"),
        ("https://a.invalid/simple/f/", "http://b.invalid/f.whl", "http://b.invalid/f.whl"),
        ("https://a.invalid/simple/f/", "//b.invalid/f.whl", "https://b.invalid/f.whl"),
        ("file:///mirror/simple/f/", "../../f.whl", "file:///mirror/f.whl"),
        ("file:///mirror/simple/f/", "https://b.invalid/f.whl", "https://b.invalid/f.whl"),
    ],
)
def test_a_link_is_resolved_against_its_page(base: str, link: str, found: str) -> None:
    assert resolve(base, link) == found


@pytest.mark.parametrize("link", ["file:///etc/passwd", "FILE:///etc/passwd", "file:/etc/passwd"])
def test_a_page_of_a_server_points_at_no_local_file(link: str) -> None:
    with pytest.raises(FormatError, match="link: expected an http or https URL on a page from the web, got '"):
        resolve("https://a.invalid/simple/f/", link)


def test_a_link_that_is_no_url_is_refused() -> None:
    with pytest.raises(FormatError, match=r"link: expected a URL, got 'http://\["):
        resolve("https://a.invalid/", "http://[")


def test_the_origin_has_a_port_always() -> None:
    assert origin("https://a.invalid/x") == "https://a.invalid:443"
    assert origin("http://a.invalid/x") == "http://a.invalid:80"
    assert origin("http://a.invalid:8080/x") == "http://a.invalid:8080"


def test_what_is_shown_of_a_url_is_not_secret_and_does_not_move_the_cursor() -> None:
    assert shown("https://user:p@ss@a.invalid/x/y?token=1#2") == "https://a.invalid/x/y"
    assert shown("https://a.invalid/\x1b[2J") == "https://a.invalid/\\u{1b}[2J"
    assert shown("https://a.invalid?token=1") == "https://a.invalid"
    assert shown("no url") == "no url"
    assert len(shown("https://a.invalid/" + "x" * 900)) == 200


def test_a_file_url_is_a_path() -> None:
    assert is_file("FILE:///x")
    assert not is_file("https://a.invalid/file:")
    assert path_of("file:///a%20b/c") == "/a b/c"
