"""Redirects: where they may lead, and who is told the credentials."""

from pathlib import Path

import pytest

from airgap.connected.web.access import Access
from airgap.core.errors import UsageError
from tests.connected.web.fetching import content_of, page, patient, promised
from tests.connected.web.server import Canned, Request, body, serving

GOOD = b"what was promised"


def to(location: str, status: int = 302) -> Canned:
    return status, {"Location": location}, b"over there"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_and_its_end_is_the_address(tmp_path: Path, status: int) -> None:
    with serving({"/a/f": to("../b/f/", status), "/b/f/": body(GOOD)}) as site:
        fetcher = patient(tmp_path)
        (answer,) = fetcher.pages([page(f"{site.url}/a/f")])
        (found,) = fetcher.files([promised(f"{site.url}/a/f", content=GOOD)])

    assert (answer.url, answer.content, content_of(found.file)) == (f"{site.url}/b/f/", GOOD, GOOD)


def test_five_redirects_are_followed_and_a_sixth_is_not(tmp_path: Path) -> None:
    chain: dict[str, Canned] = {f"/{n}": to(f"/{n + 1}") for n in range(6)}
    with serving({**chain, "/6": body(GOOD), "/loop": to("/loop")}) as site:
        patient(tmp_path).pages([page(f"{site.url}/1")])
        for start in ("/0", "/loop"):
            with pytest.raises(UsageError, match="got more than 5 redirects"):
                patient(tmp_path).pages([page(site.url + start)])

    assert site.requests["/loop"] == 6


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "FILE:/etc/passwd", "ftp://a.invalid/f", "javascript:0", "http://[", "", "http://a b.invalid/"],
)
def test_a_redirect_to_anything_but_the_web_is_refused(tmp_path: Path, location: str) -> None:
    with serving({"/f": to(location)}) as site, pytest.raises(UsageError, match="got a redirect to '"):
        patient(tmp_path).files([promised(f"{site.url}/f", content=GOOD)])

    assert site.requests["/f"] == 1


def test_a_redirect_without_an_address_is_refused(tmp_path: Path) -> None:
    with serving({"/f": (302, {}, b"")}) as site, pytest.raises(UsageError, match="got a redirect to ''"):
        patient(tmp_path).pages([page(f"{site.url}/f")])


def test_credentials_go_to_the_host_they_are_for_and_to_no_other(tmp_path: Path) -> None:
    with serving({"/f": body(GOOD)}) as other, serving({"/f": to(f"{other.url}/f")}) as site:
        asked: list[str] = []

        def authorization(url: str) -> str | None:
            asked.append(url)
            return "Bearer s3cret" if url.startswith(f"{site.url}/") else None

        access = Access(None, authorization)
        patient(tmp_path, access=access).files([promised(f"{site.url}/f", content=GOOD)])

    assert asked == [f"{site.url}/f", f"{other.url}/f"]
    assert site.log[0].headers["authorization"] == "Bearer s3cret"
    assert "authorization" not in other.log[0].headers


def test_a_host_that_is_reached_by_a_redirect_gets_its_own_credentials(tmp_path: Path) -> None:
    with serving({"/f": body(GOOD)}) as other, serving({"/f": to(f"{other.url}/f")}) as site:
        access = Access(None, lambda url: "Basic other" if url.startswith(other.url) else None)
        patient(tmp_path, access=access).files([promised(f"{site.url}/f", content=GOOD)])

    assert "authorization" not in site.log[0].headers
    assert other.log[0].headers["authorization"] == "Basic other"


def test_the_rest_of_a_file_is_asked_for_behind_a_redirect_too(tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000

    def half(request: Request) -> Canned | None:
        if "range" in request.seen.headers:
            return 206, {"Content-Range": f"bytes 1000-{len(content) - 1}/{len(content)}"}, content[1000:]
        request.say(200, {}, content[:1000], length=len(content))
        request.cut()
        return None

    with serving({"/f": to("/g"), "/g": half}) as site:
        (found,) = patient(tmp_path).files([promised(f"{site.url}/f", content=content)])

    assert content_of(found.file) == content
    assert site.sent["/g"] == len(content)


def test_a_secret_that_cannot_be_a_header_is_not_shown(tmp_path: Path) -> None:
    access = Access(None, lambda _: "Bearer s3cret\r\nHost: a.invalid")
    with serving({"/f": body(GOOD)}) as site, pytest.raises(UsageError) as caught:
        patient(tmp_path, access=access).files([promised(f"{site.url}/f", content=GOOD)])

    assert "s3cret" not in f"{caught.value.message} {caught.value.hint}"
    assert site.log == []
